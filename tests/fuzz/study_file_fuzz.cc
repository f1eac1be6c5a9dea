// Study files: any text is a study or a one-line error that names file and line, and an error at any key path of it can
// be located.
#include <cstdlib>
#include <string>

#include "client/api/study_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto file = athanor::ParseStudyFile(text, "f.yaml");
  if (!file.ok()) {
    const std::string message(file.status().message());
    if (!message.starts_with("f.yaml") || message.find('\n') != std::string::npos) std::abort();
    return 0;
  }
  for (const char* path : {"parameters.a.max: x", "search.seed: x", "parameters.a.values[1]: x", "name: x"}) {
    if (athanor::Locate(*file, absl::InvalidArgumentError(path)).ok()) std::abort();
  }
  return 0;
}
