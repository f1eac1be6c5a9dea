// Hands small files about a training over to whoever keeps them.
#pragma once

#include <cstdint>
#include <filesystem>

#include "worker/training/run/trainer.h"
#include "worker/training/tasks/report_file.h"

namespace athanor::training {

// Not thread-safe.
class ArtifactWriter {
 public:
  // `folder` exists; `events` must outlive this.
  ArtifactWriter(const std::filesystem::path& folder, TrainingEvents& events) : folder_(folder), events_(events) {}

  // Writes the file to a path of its own in the folder and tells of it. One that cannot be written is a warning: no
  // training ends for want of a table. Blocks on the disk, syncs nothing.
  void Leave(int64_t step, const ReportFile& file);

 private:
  std::filesystem::path folder_;
  TrainingEvents& events_;
};

}  // namespace athanor::training
