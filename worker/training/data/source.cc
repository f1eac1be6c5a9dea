#include "worker/training/data/source.h"

#include <stdexcept>

namespace athanor::training {

std::unique_ptr<Source> MakeSource(const DataOptions& options, TaskKind task) {
  switch (options.kind) {
    case DatasetKind::kFashionMnist:
    case DatasetKind::kIdx:
      return MakeIdxSource(options);
    case DatasetKind::kCifar10:
    case DatasetKind::kCifar100:
      return MakeCifarSource(options);
    case DatasetKind::kImageFolder:
      return MakeImageFolderSource(options);
    case DatasetKind::kCsv:
      return MakeCsvSource(options, task);
    case DatasetKind::kSyntheticImages:
      return MakeSyntheticImages(options);
    case DatasetKind::kSyntheticFaces:
      return MakeSyntheticFaces(options);
    case DatasetKind::kSyntheticTable:
      return MakeSyntheticTable(options, task);
  }
  throw std::logic_error("a data set of no kind");
}

}  // namespace athanor::training
