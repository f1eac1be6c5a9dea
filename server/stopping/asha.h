// Asynchronous successive halving by promotion (Li et al. 2018, arXiv:1810.05934, algorithm 2).
//
// In the paper's symbols min_resource is r, max_resource R, reduction_factor eta, with s = 0. A trial pauses at every
// rung below max_resource and goes on from its checkpoint when it is promoted: from the top rung down, the best waiting
// trial among the best floor(n / eta) of the n that ever entered. Ties go to the lower number. A trial counts among the
// best of its rung also once it was promoted, so a rung promotes no faster than it fills.
//
// Where the paper is silent: a value that reaches several rungs at once enters each of them and pauses at the highest,
// since a promotion from a lower one would resume what is trained already; it still counts among the n of the lower
// ones. The rung at max_resource only records: the trial is done. A finalist enters rungs and never pauses. +inf pauses
// too and is never promoted.
#pragma once

#include <memory>

#include "server/stopping/stopping_rule.h"

namespace athanor {

// Pure: every answer depends on the arguments alone. Thread-safe. OnValue is O(log n) a rung reached, NextPromotion and
// NextFinalist O(log n) a rung.
class AshaRule final : public StoppingRule {
 public:
  // INVALID_ARGUMENT with key path if min_resource < 1, max_resource < min_resource, reduction_factor < 2 or finalists
  // < 0.
  static absl::StatusOr<std::unique_ptr<AshaRule>> Create(const AshaPromotion& options);

  std::string_view name() const override { return "asha"; }
  // kPause at a rung, else kContinue. `bound`: the worst value that would be promoted from the rung now; NaN while that
  // is none.
  StoppingDecision OnValue(const StoppingView& view, const TrialValue& value) const override;
  std::vector<EnteredRung> OnEnd(const StoppingView& view, TrialNumber trial, int64_t bracket, TrialEnd end,
                                 double last) const override;
  std::optional<Promotion> NextPromotion(const StoppingView& view) const override;
  std::optional<Promotion> NextFinalist(const StoppingView& view, int64_t completed_at_max_resource) const override;
  std::vector<int64_t> Rungs(int64_t bracket) const override;
  // Rungs below max_resource that the trial has yet to enter.
  std::vector<int64_t> HoldSteps(const StoppingView& view, TrialNumber trial, int64_t bracket) const override;

 private:
  explicit AshaRule(const AshaPromotion& options);

  // The highest rung that trials pause at; -1 if there is none.
  int64_t top() const { return static_cast<int64_t>(steps_.size()) - 2; }

  AshaPromotion options_;
  std::vector<int64_t> steps_;
};

}  // namespace athanor
