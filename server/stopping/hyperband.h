// Hyperband (Li et al. 2017, arXiv:1603.06560), asynchronous unless told otherwise.
//
// In the paper's symbols min_resource is r, max_resource R, reduction_factor eta. With s_max = floor(log_eta(R / r)),
// in integers, there are s_max + 1 brackets; rungs are at floor(R * eta^(i - s_max)), i = 0 ... s_max. Bracket b (from
// 0; the paper's s = s_max - b) takes n_s = ceil((s_max + 1) / (s + 1) * eta^s) trials, which pause for the first time
// at rung b, the first rung of the paper's bracket s. The last bracket never pauses. New trials fill the brackets in
// order of their number; when all are full, the next cycle begins.
//
// Each bracket is a ladder of its own, whose trials pause and are promoted as promotion.h has it. Trials enter the
// rungs below their first one too: nobody is compared there, but search methods learn from it.
//   Asynchronous: as in `asha`, among all that ever entered the rung; every cycle enters the same ladders.
//   Synchronous: every cycle has fresh ladders (cycle c has brackets c * (s_max + 1) ...), and the best floor(n / eta)
// of a rung move on once it is complete: no trial can come to it any more, because all of the bracket are created (or
// the study creates none any more) and none is on the way, nor to be promoted to it. A trial that FAILED or is
// INFEASIBLE has arrived, with +inf; one that is CANCELLED is not waited for. While a rung waits for its last, new
// trials of the next bracket start, so a slow or lost trial holds up its own ladder and no worker.
#pragma once

#include <cstdint>
#include <memory>

#include "server/stopping/promotion.h"
#include "server/stopping/stopping_rule.h"

namespace athanor {

// Pure: every answer depends on the arguments alone. Thread-safe. OnValue is O(log n) a rung reached; NextPromotion and
// NextFinalist O(log n) a rung of every ladder: of s_max + 1, synchronous of as many a cycle (R / r = 81: about 7
// microseconds with 4,000 trials, 0.1 ms with 10,000). The owner must have let every trial Join its ladder, and Start
// and Stop there.
class HyperbandRule final : public StoppingRule {
 public:
  // INVALID_ARGUMENT with key path if min_resource < 1, max_resource < min_resource, reduction_factor < 2 or finalists
  // < 0.
  static absl::StatusOr<std::unique_ptr<HyperbandRule>> Create(const Hyperband& options);

  std::string_view name() const override { return "hyperband"; }
  int64_t BracketOf(const StoppingView& view, TrialNumber trial) const override;
  int64_t LadderOf(int64_t bracket) const override { return bracket; }
  int64_t FirstRung(int64_t bracket) const override { return bracket % brackets(); }
  // As PauseAtRungs.
  StoppingDecision OnValue(const StoppingView& view, const TrialValue& value) const override;
  std::vector<EnteredRung> OnEnd(const StoppingView& view, TrialNumber trial, int64_t bracket, TrialEnd end,
                                 double last) const override;
  // From the top rung down over all brackets; within a rung number the better value, then the lower trial.
  std::optional<Promotion> NextPromotion(const StoppingView& view) const override;
  // The best paused one: highest rung, then value, then the lower trial.
  std::optional<Promotion> NextFinalist(const StoppingView& view, int64_t completed_at_max_resource) const override;
  std::vector<int64_t> Rungs() const override { return steps_; }
  std::vector<int64_t> HoldSteps(const StoppingView& view, TrialNumber trial, int64_t bracket) const override;

  // Brackets of a cycle, s_max + 1.
  int64_t brackets() const { return static_cast<int64_t>(sizes_.size()); }
  // n_s of bracket b, by b.
  const std::vector<int64_t>& sizes() const { return sizes_; }

 private:
  explicit HyperbandRule(const Hyperband& options);

  Climb ClimbOf(int64_t bracket) const;
  int64_t top() const { return static_cast<int64_t>(steps_.size()) - 2; }
  // Who may be promoted by its place / now.
  std::optional<Promotion> BestOfPlace(const Ladder& ladder, int64_t bracket, int64_t rung) const;
  std::optional<Promotion> BestOfRung(const StoppingView& view, int64_t bracket, int64_t rung) const;
  // Whether all trials that the bracket will ever have are created.
  bool IsFull(const StoppingView& view, int64_t bracket) const;

  Hyperband options_;
  std::vector<int64_t> steps_;  // of the rungs, lowest first
  std::vector<int64_t> sizes_;
  int64_t cycle_ = 0;  // the sum of sizes_
};

}  // namespace athanor
