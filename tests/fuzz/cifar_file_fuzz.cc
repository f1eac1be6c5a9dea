// Files of CIFAR-10 and CIFAR-100: read whole, or refused with a DataError.
#include "tests/fuzz/memory_file.h"
#include "worker/training/data/cifar_file.h"
#include "worker/training/errors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const athanor::fuzz::MemoryFile file(data, size);
  for (const auto& variant : {athanor::training::kCifar10, athanor::training::kCifar100}) {
    try {
      athanor::training::RawPart part;
      athanor::training::ReadCifarFile(file.path(), variant, 0, 2, part, [] {});
    } catch (const athanor::training::DataError&) {
    }
  }
  return 0;
}
