// Asynchronous successive halving that stops instead of pausing (Li et al. 2018, arXiv:1810.05934, section 3.3).
//
// In the paper's symbols min_resource is r, max_resource R, reduction_factor eta. A trial that reaches a rung goes on
// iff fewer than max(floor(n / eta), 1) of the n values seen there, its own included, are strictly better. Ties go on.
// A value that reaches several rungs at once enters each in turn, from the lowest, until one stops it. While n <
// startup_trials, it goes on.
//
// +inf, which is every non-finite value, is stopped at any rung, also by the first of it and during the start-up. The
// rung at max_resource only records: the trial has nothing left to be stopped from, and COMPLETES. Re-training a step
// whose rung was entered continues.
#pragma once

#include <memory>

#include "server/stopping/stopping_rule.h"

namespace athanor {

// Pure: every answer depends on the arguments alone. Thread-safe. O(log n) a rung reached.
class AshaStoppingRule final : public StoppingRule {
 public:
  // INVALID_ARGUMENT with key path if min_resource < 1, max_resource < min_resource, reduction_factor < 2 or
  // startup_trials < 0.
  static absl::StatusOr<std::unique_ptr<AshaStoppingRule>> Create(const AshaStopping& options);

  std::string_view name() const override { return "asha_stopping"; }
  // kPrune or kContinue. `bound`: the worst value that goes on, at the rung that decided: the one that stopped, else
  // the highest reached. NaN during the start-up and at max_resource.
  StoppingDecision OnValue(const StoppingView& view, const TrialValue& value) const override;
  std::vector<EnteredRung> OnEnd(const StoppingView& view, TrialNumber trial, int64_t bracket, TrialEnd end,
                                 double last) const override;
  std::vector<int64_t> Rungs() const override { return steps_; }

 private:
  explicit AshaStoppingRule(const AshaStopping& options);

  // Sets action, rung, bound and n by what happens at one rung.
  void DecideAt(int64_t rung, const StoppingView& view, const TrialValue& value, StoppingDecision& decision) const;

  AshaStopping options_;
  std::vector<int64_t> steps_;
};

}  // namespace athanor
