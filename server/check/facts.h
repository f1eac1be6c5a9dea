// What the parts of the history check (history_check.h) look at, and where they put what they find.
//
// Facts are read through the Store interface alone, so that the check tells what any reader of the database would see.
// A part may rely on nothing in them: that they fit together is what it checks.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "server/check/history_check.h"
#include "server/core/search_space.h"
#include "server/stopping/stopping_rule.h"
#include "server/store/store.h"

namespace athanor::check {

// Whether two reported values are the same fact: a NaN is itself.
inline bool Same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

// A study, with what its specification makes.
struct StudyFacts {
  StudyImage image;
  std::optional<SearchSpace> space;    // nullopt if the specification makes none
  std::unique_ptr<StoppingRule> rule;  // null without early stopping, or if the specification makes none

  const StudySpec& spec() const { return image.study.spec; }
  const Objective& objective() const { return spec().objective(); }
};

// An attempt and all that it reported.
struct AttemptFacts {
  Attempt attempt;
  std::vector<Measurement> measurements;  // by step, archived ones included
};

// A trial and everything that hangs on it. Refers to the study's facts, which outlive it.
struct TrialFacts {
  const Trial& trial;
  std::vector<AttemptFacts> attempts;     // by token
  std::vector<MetricCurve> counting;      // what counts, as the store tells it
  std::vector<DecisionRecord> decisions;  // by revision
  std::span<const RungEntry> entries;     // by bracket, rung
  std::span<const Checkpoint> checkpoints;

  // nullptr if the trial has no such attempt. O(attempts).
  const AttemptFacts* Find(Token token) const;
  // A metric of the trial at the steps that count; empty if it has none.
  std::span<const CurvePoint> Counting(const std::string& metric) const;
};

// The value of a metric at a step; nullopt if the attempt did not report it there.
std::optional<double> ValueAt(const AttemptFacts& attempt, int64_t step, const std::string& metric);

// Hands on what is found in one study, and counts it. Not thread-safe.
class Findings {
 public:
  // `found` is called at once for every violation.
  Findings(const StudyRecord& study, const std::function<void(const Violation&)>& found, HistoryCounts& counts)
      : study_(study), found_(found), counts_(counts) {}

  // `what` is a key path or a fact ("budget.trials", "attempt 7"), `want` what SEMANTICS asks of it, `have` what stands
  // there; together one line for people: "study 1 "s", trial 3: WHAT: want WANT, have HAVE".
  void OfStudy(std::string what, std::string want, std::string have) const;
  void OfTrial(TrialNumber trial, std::string what, std::string want, std::string have) const;

 private:
  const StudyRecord& study_;
  const std::function<void(const Violation&)>& found_;
  HistoryCounts& counts_;
};

// The parts. Each is independent of what the others find, and pure but for `found`.

// States that go together, budgets, suggestions, prior trials: what can be told without looking at single trials.
void CheckStudy(const StudyFacts& study, const Findings& found);
// Tokens strictly increase, one attempt is live at most, and outcomes lead to the state that the trial is in.
void CheckAttempts(const StudyFacts& study, const TrialFacts& trial, const Findings& found);
// What counts is what the attempts reported, less what a resumption from an older step archived; best and final follow
// from it.
void CheckMeasurements(const StudyFacts& study, const TrialFacts& trial, const Findings& found);
// Every entry of a rung is a value that its attempt reported there, archived or not, or the end of the trial.
void CheckRungs(const StudyFacts& study, const TrialFacts& trial, const Findings& found);
// Decisions are of values that were reported, by the rule of the study, and pauses and prunings happened.
void CheckDecisions(const StudyFacts& study, const TrialFacts& trial, const Findings& found);

}  // namespace athanor::check
