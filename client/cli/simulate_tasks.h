// What `athanor simulate` runs policies on.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/api/study_client.h"
#include "server/simulate/bbob_task.h"
#include "server/simulate/recorded_task.h"

namespace athanor::cli {

// "1-24" or "1,3,5-7": the numbers in order. INVALID_ARGUMENT naming `option` unless all lie in [min, max].
absl::StatusOr<std::vector<int64_t>> ParseNumbers(const std::string& text, const char* option, int64_t min,
                                                  int64_t max);

struct BbobOptions {
  std::string functions = "1-24";
  std::string dimensions = "5";
  int64_t instances = 15;
  BbobTask::Coordinates coordinates = BbobTask::Coordinates::kContinuous;
};
absl::StatusOr<std::vector<std::unique_ptr<Task>>> BbobTasks(const BbobOptions& options);

// A study that was run, as a task: a row a trial that has values, in order of number. Runs that were cut short end
// where they did; `cut_short` counts those.
struct RecordedStudy {
  std::unique_ptr<RecordedTask> task;
  int64_t cut_short = 0;
};
// FAILED_PRECONDITION if no trial has values; otherwise errors of the coordinator. A call a trial.
absl::StatusOr<RecordedStudy> ReadRecordedStudy(StudyClient& client, const std::string& study);

}  // namespace athanor::cli
