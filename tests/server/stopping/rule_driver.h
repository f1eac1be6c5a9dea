// Plays the owner of a study around a stopping rule: applies what it decides to the ladder, as the coordinator does.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "server/stopping/stopping_rule.h"

namespace athanor::testing {

class RuleDriver {
 public:
  // `total`: trials that the study will create.
  explicit RuleDriver(std::unique_ptr<StoppingRule> rule, std::optional<int64_t> total = std::nullopt)
      : rule_(std::move(rule)), total_(total) {}

  const StoppingRule& rule() const { return *rule_; }
  StoppingView view() const { return {ladder_, history_, created_, total_}; }
  Ladder& ladder() { return ladder_; }
  int64_t created() const { return created_; }
  bool MayCreate() const { return !total_.has_value() || created_ < *total_; }
  // 0 for a trial that was not created here.
  int64_t BracketOf(TrialNumber trial) const {
    const auto found = brackets_.find(trial);
    return found == brackets_.end() ? 0 : found->second;
  }

  // A new trial, in the bracket that the rule says. For rules with one bracket it may be left out.
  TrialNumber Create() {
    const int64_t bracket = rule_->BracketOf(view(), created_);
    brackets_[created_] = bracket;
    ladder_.Join(rule_->LadderOf(bracket), created_, rule_->FirstRung(bracket));
    return created_++;
  }
  // One value of a running trial, applied.
  StoppingDecision Report(TrialNumber trial, int64_t step, double value, bool finalist = false) {
    const StoppingDecision decision = rule_->OnValue(view(), {.trial = trial,
                                                              .bracket = BracketOf(trial),
                                                              .finalist = finalist,
                                                              .step = step,
                                                              .value = value,
                                                              .best = value});
    for (const EnteredRung& entered : decision.entered) Enter(trial, entered);
    if (decision.action == Action::kPause) {
      ladder_.Stop(trial);
      ladder_.Wait(LadderOf(trial), *decision.rung, trial);
    }
    return decision;
  }
  std::vector<EnteredRung> End(TrialNumber trial, TrialEnd end, double last) {
    ladder_.Stop(trial);
    const std::vector<EnteredRung> all = rule_->OnEnd(view(), trial, BracketOf(trial), end, last);
    for (const EnteredRung& entered : all) Enter(trial, entered);
    return all;
  }
  // CANCELLED: it enters no rung.
  void Cancel(TrialNumber trial) {
    ladder_.Stop(trial);
    ladder_.StopWaiting(LadderOf(trial), ladder_.HighestRung(trial), trial);
  }
  // The next promotion, applied; its (trial, rung).
  std::optional<std::pair<TrialNumber, int64_t>> Promote() { return Resume(rule_->NextPromotion(view())); }
  std::optional<std::pair<TrialNumber, int64_t>> PickFinalist(int64_t completed) {
    return Resume(rule_->NextFinalist(view(), completed));
  }

 private:
  int64_t LadderOf(TrialNumber trial) const { return rule_->LadderOf(BracketOf(trial)); }
  void Enter(TrialNumber trial, const EnteredRung& entered) {
    ladder_.Enter({.bracket = LadderOf(trial), .rung = entered.rung, .trial = trial, .value = entered.value});
  }
  std::optional<std::pair<TrialNumber, int64_t>> Resume(const std::optional<Promotion>& promotion) {
    if (!promotion) return std::nullopt;
    ladder_.StopWaiting(LadderOf(promotion->trial), promotion->from_rung, promotion->trial);
    ladder_.Start(promotion->trial);
    return std::pair(promotion->trial, promotion->from_rung);
  }

  std::unique_ptr<StoppingRule> rule_;
  std::optional<int64_t> total_;
  int64_t created_ = 0;
  std::map<TrialNumber, int64_t> brackets_;
  Ladder ladder_;
  CompletedHistory history_;
};

}  // namespace athanor::testing
