// What holds of the rungs that a trial entered and of the decisions about it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <limits>
#include <vector>

#include "server/check/facts.h"
#include "server/core/orientation.h"

namespace athanor::check {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

const RungEntry* EntryAt(const TrialFacts& facts, int64_t rung) {
  const auto found = std::ranges::find(facts.entries, rung, &RungEntry::rung);
  return found == facts.entries.end() ? nullptr : &*found;
}

// A paused trial was let go on: the decision carries the token of the attempt that goes on, not of the one that
// entered.
bool IsPromotion(const RungEntry& entry, const DecisionRecord& decision) {
  return decision.rung == entry.rung && decision.token > entry.token && decision.action == Action::kContinue;
}

// The first objective value, oriented, that the attempt reported at or past `step`.
std::optional<double> FirstFrom(const StudyFacts& study, const AttemptFacts& attempt, int64_t step) {
  for (const Measurement& measurement : attempt.measurements) {
    if (measurement.step < step) continue;
    const auto value = ValueAt(attempt, measurement.step, study.objective().metric);
    if (value.has_value()) return Orient(study.objective().goal, *value);
  }
  return std::nullopt;
}

bool Diverged(const StudyFacts& study, const AttemptFacts& attempt) {
  return std::ranges::any_of(attempt.measurements, [&](const Measurement& measurement) {
    const auto value = ValueAt(attempt, measurement.step, study.objective().metric);
    return value.has_value() && !std::isfinite(*value);
  });
}

// The values that the attempt can have entered a rung at `step` with: what it reported there, or what its end put
// there.
std::vector<double> Explanations(const StudyFacts& study, const TrialFacts& facts, const AttemptFacts& attempt,
                                 int64_t step) {
  if (const auto reported = FirstFrom(study, attempt, step)) return {*reported};
  const AttemptOutcome outcome = attempt.attempt.outcome;
  // A run that diverges below the first rung it would pause at enters that one too.
  if (outcome == AttemptOutcome::kPaused && Diverged(study, attempt)) return {kInfinity};
  if (outcome == AttemptOutcome::kCompleted && facts.trial.final.has_value()) {
    return {Orient(study.objective().goal, facts.trial.final->value)};
  }
  if (outcome == AttemptOutcome::kFailed || outcome == AttemptOutcome::kInfeasible) return {kInfinity};
  return {};
}

void CheckEntry(const StudyFacts& study, const TrialFacts& facts, const RungEntry& entry,
                const std::vector<int64_t>& steps, const Findings& found) {
  const TrialNumber number = facts.trial.number;
  const std::string what = fmt::format("rung {} entry", entry.rung);
  const int64_t ladder = study.rule == nullptr ? 0 : study.rule->LadderOf(facts.trial.bracket);
  if (entry.bracket != ladder) {
    found.OfTrial(number, what, fmt::format("in ladder {} of the trial's bracket {}", ladder, facts.trial.bracket),
                  fmt::format("ladder {}", entry.bracket));
  }
  if (entry.rung < 0 || entry.rung >= static_cast<int64_t>(steps.size())) {
    found.OfTrial(number, what, fmt::format("one of {} rungs", steps.size()), fmt::format("rung {}", entry.rung));
    return;
  }
  const AttemptFacts* attempt = facts.Find(entry.token);
  if (attempt == nullptr) {
    found.OfTrial(number, what, "by one of its attempts", fmt::format("by token {}", entry.token));
    return;
  }
  const int64_t step = steps[static_cast<size_t>(entry.rung)];
  const std::vector<double> explained = Explanations(study, facts, *attempt, step);
  if (explained.empty()) {
    found.OfTrial(number, what, fmt::format("a value of attempt {} at or past step {}", entry.token, step),
                  fmt::format("{}, and none was reported", entry.value));
  } else if (entry.value != explained.front()) {
    found.OfTrial(number, what, fmt::format("{}, oriented, of attempt {}", explained.front(), entry.token),
                  fmt::format("{}", entry.value));
  }
  const bool decided =
      std::ranges::any_of(facts.decisions, [&](const DecisionRecord& one) { return IsPromotion(entry, one); });
  if (entry.promoted != decided) {
    found.OfTrial(number, what, decided ? "promoted, as was decided" : "not promoted: no decision says so",
                  entry.promoted ? "promoted" : "not promoted");
  }
}

// Which rungs the state of the trial asks for.
void CheckReach(const TrialFacts& facts, size_t rungs, const Findings& found) {
  const Trial& trial = facts.trial;
  const std::string entered = fmt::format("{} entered", facts.entries.size());
  if (trial.state == TrialState::kPaused && (facts.entries.empty() || facts.entries.back().promoted)) {
    found.OfTrial(trial.number, "rungs", "one that it waits at: it is PAUSED", entered + ", none to wait at");
  }
  if (trial.state == TrialState::kCompleted && facts.entries.size() != rungs) {
    found.OfTrial(trial.number, "rungs", fmt::format("all {}: it is COMPLETED", rungs), entered);
  }
  const bool failed = trial.state == TrialState::kFailed || trial.state == TrialState::kInfeasible;
  const bool stands_last =
      facts.entries.size() == rungs || (!facts.entries.empty() && facts.entries.back().value == kInfinity);
  if (failed && !stands_last) {
    found.OfTrial(trial.number, "rungs", fmt::format("the next one entered with inf: it is {}", ToString(trial.state)),
                  entered);
  }
}

void CheckDecision(const StudyFacts& study, const TrialFacts& facts, const DecisionRecord& decision,
                   const Findings& found) {
  const TrialNumber number = facts.trial.number;
  const std::string what = fmt::format("decision at revision {}", decision.revision);
  const AttemptFacts* attempt = facts.Find(decision.token);
  if (attempt == nullptr) {
    found.OfTrial(number, what, "about one of its attempts", fmt::format("about token {}", decision.token));
    return;
  }
  if (decision.revision < 1 || decision.revision > study.image.study.revision) {
    found.OfTrial(number, what, fmt::format("a revision up to {} of the study", study.image.study.revision),
                  fmt::format("{}", decision.revision));
  }
  const RungEntry* entry = decision.rung.has_value() ? EntryAt(facts, *decision.rung) : nullptr;
  if (decision.rung.has_value() && entry == nullptr) {
    found.OfTrial(number, what, fmt::format("rung {} entered", *decision.rung), "it never was");
    return;
  }
  const auto reported = ValueAt(*attempt, decision.step, study.objective().metric);
  const bool on_report = reported.has_value() && Same(*reported, decision.value);
  const bool on_entry = entry != nullptr && IsPromotion(*entry, decision) &&
                        Same(decision.value, Unorient(study.objective().goal, entry->value));
  if (!on_report && !on_entry) {
    found.OfTrial(number, what,
                  reported.has_value() ? fmt::format("value {} of step {}", *reported, decision.step)
                                       : fmt::format("a value of attempt {} at step {}", decision.token, decision.step),
                  fmt::format("{}", decision.value));
  }
  const AttemptOutcome outcome = attempt->attempt.outcome;
  const bool obeyed = decision.action == Action::kContinue ||
                      (decision.action == Action::kPause && outcome == AttemptOutcome::kPaused) ||
                      (decision.action == Action::kPrune && outcome == AttemptOutcome::kPruned);
  if (!obeyed) {
    found.OfTrial(number, what, fmt::format("attempt {} ended by {}", decision.token, ToString(decision.action)),
                  ToString(outcome));
  }
}

}  // namespace

void CheckRungs(const StudyFacts& study, const TrialFacts& facts, const Findings& found) {
  const std::vector<int64_t> steps = study.rule == nullptr ? std::vector<int64_t>() : study.rule->Rungs();
  for (size_t i = 0; i < facts.entries.size(); ++i) {
    if (facts.entries[i].rung == static_cast<int64_t>(i)) continue;
    found.OfTrial(facts.trial.number, "rungs", fmt::format("entered from 0 without gaps: rung {}", i),
                  fmt::format("rung {}", facts.entries[i].rung));
    break;
  }
  for (const RungEntry& entry : facts.entries) CheckEntry(study, facts, entry, steps, found);
  if (!steps.empty()) CheckReach(facts, steps.size(), found);
}

void CheckDecisions(const StudyFacts& study, const TrialFacts& facts, const Findings& found) {
  for (const DecisionRecord& decision : facts.decisions) CheckDecision(study, facts, decision, found);
  const auto later = std::ranges::adjacent_find(facts.decisions, std::greater<>(), &DecisionRecord::token);
  if (later != facts.decisions.end()) {
    found.OfTrial(facts.trial.number, fmt::format("decision at revision {}", std::next(later)->revision),
                  fmt::format("about attempt {} or a later one", later->token),
                  fmt::format("about attempt {}", std::next(later)->token));
  }
  for (const AttemptFacts& one : facts.attempts) {
    if (one.attempt.outcome != AttemptOutcome::kPaused) continue;
    const bool decided = std::ranges::any_of(facts.decisions, [&](const DecisionRecord& decision) {
      return decision.token == one.attempt.token && decision.action == Action::kPause;
    });
    if (!decided) {
      found.OfTrial(facts.trial.number, fmt::format("attempt {}", one.attempt.token), "a decision that paused it",
                    "none");
    }
  }
}

}  // namespace athanor::check
