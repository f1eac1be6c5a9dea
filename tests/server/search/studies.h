// Studies as search methods see them, made by hand.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "server/core/ladder.h"
#include "server/search/search_method.h"

namespace athanor::testing {

// Trials in the order of their numbers, and the rungs they entered.
class StudyUnderSearch {
 public:
  explicit StudyUnderSearch(std::vector<int64_t> rungs = {}) : rungs_(std::move(rungs)) {}

  // A trial in a state, with a best value if it has one.
  TrialNumber Add(Configuration configuration, TrialState state, std::optional<double> best = std::nullopt) {
    Trial trial;
    trial.number = static_cast<TrialNumber>(trials_.size());
    trial.state = state;
    trial.configuration = std::move(configuration);
    if (best) trial.best = trial.final = ObjectiveValue{*best, 1};
    trials_.push_back(std::move(trial));
    return trials_.back().number;
  }
  TrialNumber AddCompleted(Configuration configuration, double best) {
    return Add(std::move(configuration), TrialState::kCompleted, best);
  }
  void Enter(TrialNumber trial, int64_t rung, double oriented, int64_t bracket = 0) {
    ladder_.Enter({.bracket = bracket, .rung = rung, .trial = trial, .value = oriented});
  }
  void AddPrior(Configuration configuration, double score) { prior_.push_back({std::move(configuration), score}); }

  SearchView View(Goal goal = Goal::kMinimize) const {
    return {.trials = trials_,
            .goal = goal,
            .ladder = rungs_.empty() ? nullptr : &ladder_,
            .rungs = rungs_,
            .prior = prior_};
  }
  const std::vector<Trial>& trials() const { return trials_; }

 private:
  std::vector<Trial> trials_;
  std::vector<int64_t> rungs_;
  std::vector<PriorTrial> prior_;
  Ladder ladder_;
};

}  // namespace athanor::testing
