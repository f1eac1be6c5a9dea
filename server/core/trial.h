// Trials, attempts, measurements: the facts of a study.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "server/core/ids.h"
#include "server/core/search_space.h"

namespace athanor {

enum class TrialState { kWaiting, kRunning, kPaused, kCompleted, kPruned, kFailed, kInfeasible, kCancelled };
enum class StudyState { kActive, kPaused, kCompleted, kCancelled, kFailed };
enum class AttemptOutcome { kLive, kCompleted, kPaused, kPruned, kFailed, kInfeasible, kCancelled, kLost, kPreempted };
enum class Action { kContinue, kPause, kPrune };

constexpr bool IsFinished(TrialState state) {
  return state != TrialState::kWaiting && state != TrialState::kRunning && state != TrialState::kPaused;
}
// The attempt shows that its worker can train.
constexpr bool IsSuccess(AttemptOutcome outcome) {
  return outcome == AttemptOutcome::kCompleted || outcome == AttemptOutcome::kPaused ||
         outcome == AttemptOutcome::kPruned || outcome == AttemptOutcome::kInfeasible;
}
constexpr bool IsFinished(StudyState state) { return state != StudyState::kActive && state != StudyState::kPaused; }

const char* ToString(TrialState state);  // "WAITING", ...
const char* ToString(StudyState state);  // "ACTIVE", ...
const char* ToString(AttemptOutcome outcome);
const char* ToString(Action action);

// The objective at a step, in the metric's own direction; may be non-finite.
struct ObjectiveValue {
  double value = 0;
  int64_t step = 0;
};

struct Trial {
  TrialNumber number = 0;
  TrialState state = TrialState::kWaiting;
  std::string reason;
  Configuration configuration;
  std::optional<int64_t> suggestion_index;
  uint64_t seed = 0;
  int64_t bracket = 0;
  bool finalist = false;                // runs to max_resource without pausing
  std::optional<ObjectiveValue> best;   // over all steps that count (not archived)
  std::optional<ObjectiveValue> final;  // the last that counts
  int64_t elapsed_ms = 0;               // training time until `final`'s measurement
  int64_t attempts = 0;
  int64_t stuck_failures = 0;  // failed attempts that did not move the newest checkpoint forward
  WallTime created{};
  WallTime started{};  // first lease; epoch 0 = not yet
  WallTime ended{};    // epoch 0 = not yet
};

struct Metric {
  std::string name;
  double value = 0;
};

struct Measurement {
  int64_t step = 0;
  int64_t elapsed_ms = 0;
  std::vector<Metric> metrics;
};

// Enough to reproduce an attempt.
struct Environment {
  std::string device;
  std::string trainer_version;
  std::string libtorch_version;
  int64_t threads = 0;
  std::string dataset_hash;
};

struct Attempt {
  Token token = 0;
  TrialNumber trial = 0;
  std::string worker;
  WallTime started{};
  WallTime ended{};  // epoch 0 = live
  AttemptOutcome outcome = AttemptOutcome::kLive;
  std::string reason;
  std::optional<int64_t> resumed_step;  // nullopt until its first report
  Environment environment;
  uint64_t acquire_sequence = 0;  // of the worker's acquire that granted it; 0 = not known
};

// A registered checkpoint. Only the row makes it exist.
struct Checkpoint {
  TrialNumber trial = 0;
  Token token = 0;
  int64_t step = 0;
  std::string sha256;
  int64_t size_bytes = 0;
};

// A trial reached a rung: never withdrawn. `value` is oriented (smaller is better, non-finite is +inf).
struct RungEntry {
  int64_t bracket = 0;
  int64_t rung = 0;
  TrialNumber trial = 0;
  double value = 0;
  Token token = 0;
  bool promoted = false;
};

// What a stopping rule decided, and on what.
struct DecisionRecord {
  Revision revision = 0;
  TrialNumber trial = 0;
  Token token = 0;
  int64_t step = 0;
  std::string rule;
  std::optional<int64_t> rung;
  double value = 0;  // as reported
  double bound = 0;  // in the metric's own direction; NaN = nothing to compare with
  int64_t n = 0;
  Action action = Action::kContinue;
};

}  // namespace athanor
