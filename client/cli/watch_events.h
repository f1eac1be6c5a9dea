// What happened to the trials of a study between two snapshots, for `study watch` where there is no terminal.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "athanor/v1/study_service.pb.h"
#include "client/cli/output.h"

namespace athanor::cli {

struct WatchEvent {
  std::string kind;  // paused, promoted, completed, pruned, failed, infeasible, cancelled
  int64_t trial = 0;
  std::optional<int64_t> rung;
  int64_t step = 0;             // 0 = unknown
  std::optional<double> value;  // the objective; for a finished trial its best
  std::string detail;           // reason and configuration
};

// "trial 4 pruned at rung 1 (step 3): val_accuracy 0.7100".
std::string EventText(const WatchEvent& event, const std::string& metric);
Json ToJson(const WatchEvent& event);

// Turns snapshots into events, each reported once. Not thread-safe.
class WatchEvents {
 public:
  // Gives `visit` the finished trials of the study, highest number first, until it returns false.
  using ListFinished = std::function<absl::Status(const std::function<bool(const v1::Trial&)>& visit)>;

  explicit WatchEvents(ListFinished list_finished) : list_finished_(std::move(list_finished)) {}

  // What is new in `snapshot`. A snapshot tells of pauses, prunings and promotions itself; who else finished is asked
  // for, only when the counts say that someone did. The error is that of asking.
  absl::StatusOr<std::vector<WatchEvent>> Update(const v1::StudySnapshot& snapshot);

 private:
  void AddDecisions(const v1::StudySnapshot& snapshot, std::vector<WatchEvent>* events);
  absl::Status AddFinished(const v1::Study& study, std::vector<WatchEvent>* events);

  ListFinished list_finished_;
  std::set<int64_t> paused_;
  std::set<int64_t> finished_;  // reported
};

}  // namespace athanor::cli
