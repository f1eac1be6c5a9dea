// IDX files, gzip or not: read whole, or refused with a DataError; never more memory than the file has bytes.
#include <algorithm>
#include <vector>

#include "tests/fuzz/memory_file.h"
#include "worker/training/data/idx_file.h"
#include "worker/training/errors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const athanor::fuzz::MemoryFile file(data, size);
  for (const size_t dimensions : {size_t{1}, size_t{3}}) {
    try {
      athanor::training::IdxReader reader(file.path(), dimensions);
      size_t left = 1;
      for (const int64_t length : reader.dimensions()) left *= static_cast<size_t>(length);
      std::vector<uint8_t> buffer(4096);
      while (left > 0) {
        const size_t now = std::min(left, buffer.size());
        reader.Read(buffer.data(), now);
        left -= now;
      }
      reader.ExpectEnd();
    } catch (const athanor::training::DataError&) {
    }
  }
  return 0;
}
