#include "server/coordinator/retention.h"

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "server/coordinator/live_study.h"
#include "server/core/orientation.h"

namespace athanor {
namespace {

// Newest checkpoints of a trial that will be trained on.
constexpr size_t kToGoOnFrom = 2;

// Its best value, smaller is better; nothing without a finite one.
std::optional<double> BestOf(const LiveStudy& study, TrialNumber number) {
  const Trial& trial = study.trial(number);
  if (!trial.best.has_value() || !std::isfinite(trial.best->value)) return std::nullopt;
  return Orient(study.spec().objective().goal, trial.best->value);
}

}  // namespace

RetentionFacts FactsOf(const LiveStudy& study, TrialNumber number) {
  const Trial& trial = study.trial(number);
  RetentionFacts facts;
  facts.state = trial.state;
  facts.study = study.record().state;
  facts.keep_best = study.spec().checkpoint.keep_best;
  if (trial.state == TrialState::kPaused) {
    const Rung& rung = study.rung(trial, study.ladder().HighestRung(number));
    facts.rung_value = rung.ValueOf(number).value_or(std::numeric_limits<double>::infinity());
  }
  if (const auto best = BestOf(study, number); best.has_value() && IsFinished(trial.state)) {
    facts.place = study.ended_ranking().Rank(*best, number);
  }
  return facts;
}

Retention Retain(const RetentionFacts& facts, Retries retries) {
  if (facts.state == TrialState::kPaused && !std::isfinite(facts.rung_value)) {
    return {0, "PAUSED without a finite value: never promoted, never a finalist"};
  }
  if (!IsFinished(facts.state)) {
    return {kToGoOnFrom, absl::StrCat(ToString(facts.state), ", and older than its two newest")};
  }
  if (facts.place.has_value() && *facts.place < facts.keep_best) {
    return {1, absl::StrCat("older than the newest of a trial among the best ", facts.keep_best)};
  }
  if (facts.state == TrialState::kFailed || facts.state == TrialState::kCancelled) {
    if (facts.study == StudyState::kCancelled) return {0, "its study is CANCELLED, so it cannot be retried"};
    if (retries == Retries::kResume) return {1, "older than the newest, from which a retry goes on"};
    return {0, absl::StrCat(ToString(facts.state), "; a retry trains from step 0")};
  }
  return {0, absl::StrCat(ToString(facts.state), ", and not among the best ", facts.keep_best)};
}

bool IsAmongBest(const LiveStudy& study, TrialNumber number) {
  const auto best = BestOf(study, number);
  return best.has_value() && study.ranking().Rank(*best, number) < study.spec().checkpoint.keep_best;
}

}  // namespace athanor
