// What holds of a study as a whole: its state, its budgets, its suggestions.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "server/check/facts.h"

namespace athanor::check {
namespace {

constexpr auto kPoints = SearchSpace::Points::kUse;

int64_t CountIn(const StudyFacts& study, TrialState state) {
  return std::ranges::count(study.image.trials, state, &Trial::state);
}

// Trials that it may create; nullopt = no end.
std::optional<int64_t> TrialsTotal(const StudyFacts& study) {
  if (study.spec().budget.trials.has_value()) return study.spec().budget.trials;
  if (study.spec().search.method != "grid" || !study.space.has_value()) return std::nullopt;
  return study.space->CountConfigurations(kPoints);
}

void CheckState(const StudyFacts& study, const Findings& found) {
  const StudyRecord& record = study.image.study;
  const bool ended = IsFinished(record.state);
  if (ended != (record.ended != WallTime{})) {
    found.OfStudy("ended", ended ? "a time: the study has ended" : "none: the study has not ended",
                  ended ? "none" : "a time");
  }
  if (!ended) return;
  for (const Trial& trial : study.image.trials) {
    if (IsFinished(trial.state)) continue;
    found.OfTrial(trial.number, "state", fmt::format("a finished one: the study is {}", ToString(record.state)),
                  ToString(trial.state));
  }
}

void CheckBudget(const StudyFacts& study, const Findings& found) {
  const auto trials = static_cast<int64_t>(study.image.trials.size());
  const auto enqueued = static_cast<int64_t>(study.image.enqueued.size());
  if (const auto total = TrialsTotal(study); total.has_value() && trials + enqueued > *total) {
    found.OfStudy("budget.trials", fmt::format("at most {}", *total),
                  fmt::format("{} trials, {} enqueued", trials, enqueued));
  }
}

// Reaching max_failures ends a study with every lease of it. Should it go on all the same, the retry of a CANCELLED
// trial has taken it back, and until the next failure: all that runs was leased after the last trial FAILED.
void CheckMaxFailures(const StudyFacts& study, const Findings& found) {
  const auto& max_failures = study.spec().budget.max_failures;
  const int64_t failed = CountIn(study, TrialState::kFailed);
  if (!max_failures.has_value() || failed < *max_failures) return;
  Token last_failure = 0;
  for (const StudyImage::FailedAttempt& attempt : study.image.failed_attempts) {
    const auto trial = std::ranges::lower_bound(study.image.trials, attempt.trial, {}, &Trial::number);
    const bool known = trial != study.image.trials.end() && trial->number == attempt.trial;
    if (known && trial->state == TrialState::kFailed) last_failure = std::max(last_failure, attempt.token);
  }
  for (const Attempt& live : study.image.live_attempts) {
    if (live.token > last_failure) continue;
    found.OfTrial(live.trial, fmt::format("attempt {}", live.token),
                  fmt::format("ended when attempt {} failed: {} trials FAILED, and budget.max_failures is {}",
                              last_failure, failed, *max_failures),
                  "LIVE");
  }
}

// Values computed by another build of the mathematical library may differ in the last digits.
bool SamePoint(const std::optional<Value>& a, const std::optional<Value>& b) {
  if (a.has_value() != b.has_value()) return false;
  if (!a.has_value() || *a == *b) return true;
  const auto* x = std::get_if<double>(&*a);
  const auto* y = std::get_if<double>(&*b);
  return x != nullptr && y != nullptr && std::abs(*x - *y) <= 1e-12 * std::max(std::abs(*x), std::abs(*y));
}

void CheckGridPoint(const StudyFacts& study, const Trial& trial, const Findings& found) {
  const int64_t points = study.space->CountConfigurations(kPoints).value_or(0);
  if (!trial.suggestion_index.has_value() || *trial.suggestion_index < 0 || *trial.suggestion_index >= points) {
    found.OfTrial(trial.number, "suggestion_index", fmt::format("one of the {} points of the grid", points),
                  trial.suggestion_index.has_value() ? fmt::format("{}", *trial.suggestion_index) : "none");
    return;
  }
  const Configuration point = study.space->ConfigurationAt(*trial.suggestion_index, kPoints);
  if (!std::ranges::equal(point, trial.configuration.Unpack(), SamePoint)) {
    found.OfTrial(trial.number, "configuration", fmt::format("point {} of the grid", *trial.suggestion_index),
                  "another");
  }
}

void CheckSuggestions(const StudyFacts& study, const Findings& found) {
  const bool grid = study.spec().search.method == "grid";
  std::map<int64_t, TrialNumber> used;
  for (const Trial& trial : study.image.trials) {
    if (trial.suggestion_index.has_value()) {
      const auto [first, inserted] = used.try_emplace(*trial.suggestion_index, trial.number);
      if (!inserted) {
        found.OfTrial(trial.number, "suggestion_index", "one that no other trial has",
                      fmt::format("{}, as trial {}", *trial.suggestion_index, first->second));
      }
    }
    if (!study.space.has_value()) continue;
    if (grid) {
      CheckGridPoint(study, trial, found);
    } else if (const absl::Status in_space = study.space->Check(trial.configuration.Unpack()); !in_space.ok()) {
      found.OfTrial(trial.number, "configuration", "one of the search space", std::string(in_space.message()));
    }
  }
}

// What was taken over from earlier studies.
void CheckPrior(const StudyFacts& study, const Findings& found) {
  const auto sources = static_cast<int64_t>(study.spec().warm_start.size());
  for (size_t i = 0; i < study.image.prior.size(); ++i) {
    const PriorTrial& prior = study.image.prior[i];
    const std::string what = fmt::format("prior_trials[{}]", i);
    if (prior.source < 0 || prior.source >= sources) {
      found.OfStudy(what, fmt::format("one of the {} studies of warm_start", sources),
                    fmt::format("study {} of them", prior.source));
    }
    if (!(prior.score >= 0 && prior.score < 1)) {
      found.OfStudy(what, "a score in [0, 1)", fmt::format("{}", prior.score));
    }
    if (!study.space.has_value()) continue;
    if (const absl::Status in_space = study.space->Check(prior.configuration); !in_space.ok()) {
      found.OfStudy(what, "a configuration of the search space", std::string(in_space.message()));
    }
  }
}

}  // namespace

void CheckStudy(const StudyFacts& study, const Findings& found) {
  for (size_t i = 0; i < study.image.trials.size(); ++i) {
    if (study.image.trials[i].number == static_cast<TrialNumber>(i)) continue;
    found.OfStudy("trials", fmt::format("dense from 0: trial {}", i),
                  fmt::format("trial {}", study.image.trials[i].number));
    break;
  }
  CheckState(study, found);
  CheckBudget(study, found);
  CheckMaxFailures(study, found);
  CheckSuggestions(study, found);
  CheckPrior(study, found);
}

}  // namespace athanor::check
