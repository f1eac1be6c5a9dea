#include "worker/training/run/artifact_writer.h"

#include <fstream>

namespace athanor::training {

void ArtifactWriter::Leave(int64_t step, const ReportFile& file) {
  const std::filesystem::path path = folder_ / ("artifact-" + std::to_string(step) + "-" + file.name);
  std::ofstream out(path, std::ios::binary);
  out << file.contents;
  out.close();
  if (!out) {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
    events_.OnWarning("going on without " + file.name + ": " + path.string() + " cannot be written");
    return;
  }
  events_.OnArtifact(
      {.step = step, .name = file.name, .path = path, .size = static_cast<int64_t>(file.contents.size())});
}

}  // namespace athanor::training
