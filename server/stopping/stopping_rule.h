// The one interface of early stopping. A rule is a pure function of what it is shown: no clock, no I/O, no state of its
// own. Values are oriented: smaller is better, non-finite is +inf. SEMANTICS section 4 binds.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "server/core/history.h"
#include "server/core/ladder.h"
#include "server/core/study_spec.h"
#include "server/core/trial.h"

namespace athanor {

// What a rule may look at: live, incremental structures of the study's owner. Valid during the call only.
struct StoppingView {
  const Ladder& ladder;
  const CompletedHistory& history;
  int64_t trials_created = 0;
  std::optional<int64_t> trials_total = {};  // that the study will create; nullopt = no end
};

// One objective value of a running trial.
struct TrialValue {
  TrialNumber trial = 0;
  int64_t bracket = 0;
  bool finalist = false;
  int64_t step = 0;                           // of this value
  double value = 0;                           // oriented
  std::optional<int64_t> previous_step = {};  // of the trial's value before this one
  double best = 0;                            // oriented, over all steps so far, this one included
  // `best` as it was after each value of the trial that counts, oldest first; the last is `best`. Empty unless the rule
  // ComparesWithItself.
  std::span<const double> bests = {};
};

// A rung entered by a value. The owner adds trial, bracket and token and keeps it.
struct EnteredRung {
  int64_t rung = 0;
  double value = 0;
};

struct StoppingDecision {
  Action action = Action::kContinue;
  std::vector<EnteredRung> entered = {};                    // from the lowest
  std::optional<int64_t> rung = {};                         // the rung that decided
  double bound = std::numeric_limits<double>::quiet_NaN();  // oriented; what the value was compared with; NaN = nothing
  int64_t n = 0;                                            // values known, this one included where it counts
  bool recorded = false;                                    // worth a decision row: something was compared or entered
};

// How a trial ended, for rules that keep rungs.
enum class TrialEnd { kCompleted, kFailed, kInfeasible };

// A paused trial to be resumed, and what it was chosen by.
struct Promotion {
  TrialNumber trial = 0;
  int64_t from_rung = 0;
  double value = 0;  // oriented; its entry at from_rung
  double bound =
      0;  // oriented; the worst value there that may be promoted; NaN for a finalist, which is compared with nothing
  int64_t n = 0;  // values that ever entered from_rung
};

class StoppingRule {
 public:
  virtual ~StoppingRule() = default;

  virtual std::string_view name() const = 0;

  // The bracket that a new trial with this number joins; it keeps it for ever. By the view as it is before the trial is
  // created, the number and the study's seed.
  virtual int64_t BracketOf(const StoppingView& view, TrialNumber trial) const;
  // The ladder that trials of this bracket climb: which number their rung entries carry, and whom they are compared
  // with.
  virtual int64_t LadderOf(int64_t bracket) const;
  // The rung at which trials of this bracket pause for the first time; they enter those below as they pass. The last
  // one: they never pause. 0 for rules that never pause.
  virtual int64_t FirstRung(int64_t bracket) const;

  // The decision on one value. `view` does not hold the value yet.
  virtual StoppingDecision OnValue(const StoppingView& view, const TrialValue& value) const = 0;

  // Rungs that a trial enters because it ended: COMPLETED below a rung enters all higher ones with `last` (its last
  // oriented value); FAILED or INFEASIBLE enters with +inf the next one at which it would have paused, and those
  // before.
  virtual std::vector<EnteredRung> OnEnd(const StoppingView& view, TrialNumber trial, int64_t bracket, TrialEnd end,
                                         double last) const;

  // The paused trial to promote next, nothing if none may be. Does not change the view: the owner marks it.
  virtual std::optional<Promotion> NextPromotion(const StoppingView& view) const;

  // With the budget spent, nothing running and nothing to promote: the paused trial to run to the end without pausing,
  // while fewer than `finalists` have completed at max_resource.
  virtual std::optional<Promotion> NextFinalist(const StoppingView& view, int64_t completed_at_max_resource) const;

  // Steps of the rungs, lowest first, the same for all brackets; empty for rules without.
  virtual std::vector<int64_t> Rungs() const;

  // Steps at which a running trial must checkpoint, report and wait because it will pause there. Empty: it never waits.
  virtual std::vector<int64_t> HoldSteps(const StoppingView& view, TrialNumber trial, int64_t bracket) const;

  // Whether it looks at StoppingView::history.
  virtual bool ComparesWithCompleted() const { return false; }
  // Whether it looks at TrialValue::bests.
  virtual bool ComparesWithItself() const { return false; }
};

// The rule that a completed spec asks for; null for NoStopping. INVALID_ARGUMENT if the options are off.
absl::StatusOr<std::unique_ptr<StoppingRule>> CreateStoppingRule(const StudySpec& spec);

}  // namespace athanor
