// Plays the owner of a study around a stopping rule: applies what it decides to the ladder, as the coordinator does.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "server/stopping/stopping_rule.h"

namespace athanor::testing {

class RuleDriver {
 public:
  explicit RuleDriver(std::unique_ptr<StoppingRule> rule) : rule_(std::move(rule)) {}

  const StoppingRule& rule() const { return *rule_; }
  StoppingView view() const { return {ladder_, history_}; }
  Ladder& ladder() { return ladder_; }

  // One value of a running trial, applied.
  StoppingDecision Report(TrialNumber trial, int64_t step, double value, bool finalist = false) {
    const StoppingDecision decision =
        rule_->OnValue(view(), {.trial = trial, .finalist = finalist, .step = step, .value = value, .best = value});
    for (const EnteredRung& entered : decision.entered) Enter(trial, entered);
    if (decision.action == Action::kPause) ladder_.Wait(0, *decision.rung, trial);
    return decision;
  }
  std::vector<EnteredRung> End(TrialNumber trial, TrialEnd end, double last) {
    const std::vector<EnteredRung> all = rule_->OnEnd(view(), trial, 0, end, last);
    for (const EnteredRung& entered : all) Enter(trial, entered);
    return all;
  }
  // The next promotion, applied; its (trial, rung).
  std::optional<std::pair<TrialNumber, int64_t>> Promote() {
    const auto promotion = rule_->NextPromotion(view());
    if (!promotion) return std::nullopt;
    ladder_.StopWaiting(0, promotion->from_rung, promotion->trial);
    return std::pair(promotion->trial, promotion->from_rung);
  }
  std::optional<std::pair<TrialNumber, int64_t>> PickFinalist(int64_t completed) {
    const auto promotion = rule_->NextFinalist(view(), completed);
    if (!promotion) return std::nullopt;
    ladder_.StopWaiting(0, promotion->from_rung, promotion->trial);
    return std::pair(promotion->trial, promotion->from_rung);
  }

 private:
  void Enter(TrialNumber trial, const EnteredRung& entered) {
    ladder_.Enter({.rung = entered.rung, .trial = trial, .value = entered.value});
  }

  std::unique_ptr<StoppingRule> rule_;
  Ladder ladder_;
  CompletedHistory history_;
};

}  // namespace athanor::testing
