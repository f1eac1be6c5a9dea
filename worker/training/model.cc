#include "worker/training/model.h"

namespace athanor::training {

std::unique_ptr<Model> MakeModel(const ModelOptions& options, const ImageShape& shape, const at::Device& device) {
  switch (options.architecture) {
    case Architecture::kMlp:
      return MakeMlp(options, shape, device);
    case Architecture::kLenet:
      break;
  }
  return MakeLenet(options, shape, device);
}

}  // namespace athanor::training
