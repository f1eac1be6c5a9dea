// The path of a measurement: checked against its lease, stored, shown to the stopping rule, answered with the decision.
// SEMANTICS sections 3 and 4. Owner thread only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/coordinator/leases.h"
#include "server/coordinator/state.h"
#include "server/coordinator/transaction.h"

namespace athanor {

struct TrialReport {
  LeaseRef lease;
  std::optional<AttemptStart> start = {};
  std::vector<Measurement> measurements = {};  // ascending steps
  std::optional<Progress> progress = {};
};

// The answer to one report. Not OK: the measurements before the offending one were stored, those from it on were not.
struct Verdict {
  LeaseRef lease;
  int64_t step = 0;  // the last step that was taken
  Action action = Action::kContinue;
  absl::Status status;
};

class Reports {
 public:
  explicit Reports(State& state) : state_(state) {}

  // Measurements after the one that pauses or prunes are refused and not stored; `step` tells which was the last.
  // Errors, in the verdict: FAILED_PRECONDITION (dead lease), ALREADY_EXISTS (another value for a step that this
  // attempt reported), INVALID_ARGUMENT (step < 1, at or below the step that the attempt went on from, or out of
  // order). Repeats of what was reported change nothing. Renews the lease.
  Verdict Report(Transaction& tx, const TrialReport& report);
  // Starts to fetch what a report under this lease will touch, for callers with many reports before them: most of the
  // price of a report is waiting for memory that nobody has looked at lately. Changes nothing, whatever the lease.
  void Prefetch(const LeaseRef& lease) const;

 private:
  absl::Status Check(const LiveStudy& study, const LiveAttempt& live, const Measurement& measurement) const;
  Action Decide(Transaction& tx, LiveStudy& study, TrialNumber trial, const Measurement& measurement);

  State& state_;
};

}  // namespace athanor
