// Recorded learning curves on disk, a folder a task. The only part of the simulator that reads files.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/simulate/recorded_task.h"

namespace athanor {

// Reads
//   space.yaml      what was tuned: space_file.h
//   configs.csv.gz  `config`, then one column a parameter in any order; empty where it is inactive
//   curves.csv.gz   `config,step,value,seconds`: the objective after each step from 1 on, and cumulative training time
// CSV without quotes; the gzip may be left out of the content, not of the name. Configurations are numbered from 0, in
// order, and so are the steps of each.
//
// INVALID_ARGUMENT naming the file, and the line where there is one. Blocks on the disk; a task of 100,000 steps takes
// about 50 ms.
absl::StatusOr<std::unique_ptr<RecordedTask>> ReadRecordedFolder(const std::string& path);

}  // namespace athanor
