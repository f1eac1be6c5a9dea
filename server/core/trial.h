// Trials, attempts, measurements: the facts of a study (SEMANTICS sections 2 to 5).
//
// A trial is one configuration of the study. It is trained by one attempt after another, each under a lease of its own;
// at most one is live. What an attempt measured at a step counts until a later attempt trains that step again from an
// older checkpoint: then it is archived, kept and shown, but an input to nothing.
//
// Plain records: the same in memory, in the store and on the way to the wire. Steps count the study's resource,
// finished ones, so the first measurement is of step 1; step 0 is untrained. Elapsed times are milliseconds of
// training, summed over the attempts that count, without the waiting between them. Values are as the trainer reported
// them, NaN and infinities included, unless they are called oriented (orientation.h: smaller is better).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "server/core/ids.h"
#include "server/core/packed_configuration.h"

namespace athanor {

enum class TrialState {
  kWaiting,     // for a worker: new, to be tried again, or promoted
  kRunning,     // leased
  kPaused,      // at a rung, until it is promoted or the study ends
  kCompleted,   // trained to its end
  kPruned,      // stopped early, by the rule or by the end of the study; the reason says which
  kFailed,      // its attempts are used up, or it ended without any value of the objective
  kInfeasible,  // the configuration itself cannot work, so the trainer said; never tried again
  kCancelled,   // by a user, or with its study
};
enum class StudyState {
  kActive,
  kPaused,     // leases nothing; running trials checkpoint and go back to waiting
  kCompleted,  // budget or target reached
  kCancelled,  // by a user
  kFailed,     // max_failures reached
};
enum class AttemptOutcome {
  kLive,       // not over
  kCompleted,  // these five: as its trial's state
  kPaused,
  kPruned,
  kFailed,  // one of several chances; the trial may go on
  kInfeasible,
  kCancelled,
  kLost,       // the lease ran out; counts as no failure
  kPreempted,  // handed back: the worker drained, or the study was paused
};
// What a rule says to a value.
enum class Action { kContinue, kPause, kPrune };

// Whether the state is one that only a retry, or more budget, leads out of.
constexpr bool IsFinished(TrialState state) {
  return state != TrialState::kWaiting && state != TrialState::kRunning && state != TrialState::kPaused;
}
constexpr bool IsFinished(StudyState state) { return state != StudyState::kActive && state != StudyState::kPaused; }
// Whether the attempt shows that its worker can train.
constexpr bool IsSuccess(AttemptOutcome outcome) {
  return outcome == AttemptOutcome::kCompleted || outcome == AttemptOutcome::kPaused ||
         outcome == AttemptOutcome::kPruned || outcome == AttemptOutcome::kInfeasible;
}

// Upper case, as people and the store see them: "WAITING", "ACTIVE", "LIVE", "CONTINUE", ...
const char* ToString(TrialState state);
const char* ToString(StudyState state);
const char* ToString(AttemptOutcome outcome);
const char* ToString(Action action);

// The objective at a step; may be non-finite.
struct ObjectiveValue {
  double value = 0;
  int64_t step = 0;
};

// What may change of a trial after it was created. What every report looks at comes first.
struct TrialStatus {
  TrialNumber number = 0;
  TrialState state = TrialState::kWaiting;
  bool finalist = false;                // runs to max_resource without pausing
  int64_t bracket = 0;                  // of the stopping rule; never changes
  std::optional<ObjectiveValue> best;   // over all steps that count (not archived)
  std::optional<ObjectiveValue> final;  // the last that counts
  int64_t elapsed_ms = 0;               // training time until `final`'s measurement
  int64_t attempts = 0;                 // so far, the live one included
  int64_t stuck_failures = 0;           // failed attempts that did not move the newest checkpoint forward
  WallTime started{};                   // first lease; epoch 0 = not yet
  WallTime ended{};                     // epoch 0 = not yet
  std::string reason;                   // of the state, for people; may be empty
};

struct Trial : TrialStatus {
  PackedConfiguration configuration;        // never changes
  std::optional<int64_t> suggestion_index;  // which suggestion of the search it used; nullopt: it was enqueued whole
  uint64_t seed = 0;                        // of its training, the same for every attempt
  WallTime created{};
};

struct Metric {
  std::string name;
  double value = 0;
};

// What an attempt reported at the end of a step; metrics have different names.
struct Measurement {
  int64_t step = 0;
  int64_t elapsed_ms = 0;
  std::vector<Metric> metrics;
};

// Enough to reproduce an attempt.
struct Environment {
  std::string device;           // "cpu", "cuda:0"
  std::string trainer_version;  // name and version
  std::string libtorch_version;
  int64_t threads = 0;       // of the trainer, on the CPU
  std::string dataset_hash;  // SHA-256 in hex
  bool operator==(const Environment&) const = default;
};

// One lease of a trial by one worker.
struct Attempt {
  Token token = 0;  // the lease's: calls under any other are refused
  TrialNumber trial = 0;
  std::optional<int64_t> resumed_step;  // nullopt until its first report
  std::string worker;
  WallTime started{};
  WallTime ended{};  // epoch 0 = live
  AttemptOutcome outcome = AttemptOutcome::kLive;
  std::string reason;
  std::shared_ptr<const Environment> environment;  // null until its trainer has started
  uint64_t acquire_sequence = 0;                   // of the worker's acquire that granted it; 0 = not known
};

// All of it empty until the attempt's trainer has started.
const Environment& EnvironmentOf(const Attempt& attempt);

// A registered checkpoint. Only the row makes it exist; the file (store/checkpoint_files.h) was there before.
struct Checkpoint {
  TrialNumber trial = 0;
  Token token = 0;     // of the attempt that saved it
  int64_t step = 0;    // after which it was saved
  std::string sha256;  // lower-case hex; the name of the file
  int64_t size_bytes = 0;
};

// A trial reached a rung: never withdrawn.
struct RungEntry {
  int64_t bracket = 0;  // the ladder that the rung belongs to (StoppingRule::LadderOf)
  int64_t rung = 0;     // from 0, the lowest
  TrialNumber trial = 0;
  double value = 0;  // oriented; +inf if it was not finite, or the trial failed on the way
  Token token = 0;   // of the attempt that brought it here
  bool promoted = false;
};

// What a stopping rule decided, and on what.
struct DecisionRecord {
  Revision revision = 0;  // of the study, with which it was committed
  TrialNumber trial = 0;
  Token token = 0;
  int64_t step = 0;
  std::string rule;             // StoppingRule::name
  std::optional<int64_t> rung;  // that was decided at; nullopt for rules without
  double value = 0;             // as reported
  double bound = 0;             // in the metric's own direction; NaN = nothing to compare with
  int64_t n = 0;                // values that it was compared with, itself included where it counts
  Action action = Action::kContinue;
};

}  // namespace athanor
