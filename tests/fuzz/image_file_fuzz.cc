// PNG and JPEG files: decoded into as many bytes as their size says, or refused with a DataError.
#include <cstdlib>

#include "worker/training/data/image_file.h"
#include "worker/training/errors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const athanor::training::DecodedImage image = athanor::training::DecodeImage({data, size});
    if (static_cast<int64_t>(image.pixels.size()) != image.size.bytes()) std::abort();
  } catch (const athanor::training::DataError&) {
  } catch (const athanor::training::InfeasibleError&) {  // built without the library
  }
  return 0;
}
