// What the parts of the history check look at, and where they put what they find.
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

// NaN is what it is.
inline bool Same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

// A study, with what its specification makes.
struct StudyFacts {
  StudyImage image;
  std::optional<SearchSpace> space;    // nullopt if the specification makes none
  std::unique_ptr<StoppingRule> rule;  // null without early stopping, or if the specification makes none

  const StudySpec& spec() const { return image.study.spec; }
  const Objective& objective() const { return spec().objective(); }
};

struct AttemptFacts {
  Attempt attempt;
  std::vector<Measurement> measurements;  // by step, archived ones included
};

struct TrialFacts {
  const Trial& trial;
  std::vector<AttemptFacts> attempts;     // by token
  std::vector<MetricCurve> counting;      // what counts, as the store tells it
  std::vector<DecisionRecord> decisions;  // by revision
  std::span<const RungEntry> entries;     // by bracket, rung
  std::span<const Checkpoint> checkpoints;

  const AttemptFacts* Find(Token token) const;
  // A metric of the trial at the steps that count; empty if it has none.
  std::span<const CurvePoint> Counting(const std::string& metric) const;
};

// The value of a metric at a step; nullopt if the attempt did not report it there.
std::optional<double> ValueAt(const AttemptFacts& attempt, int64_t step, const std::string& metric);

// Hands on what is found in one study.
class Findings {
 public:
  Findings(const StudyRecord& study, const std::function<void(const Violation&)>& found, HistoryCounts& counts)
      : study_(study), found_(found), counts_(counts) {}

  void OfStudy(std::string what, std::string want, std::string have) const;
  void OfTrial(TrialNumber trial, std::string what, std::string want, std::string have) const;

 private:
  const StudyRecord& study_;
  const std::function<void(const Violation&)>& found_;
  HistoryCounts& counts_;
};

// The parts. Each is independent of what the others find.
void CheckStudy(const StudyFacts& study, const Findings& found);
void CheckAttempts(const StudyFacts& study, const TrialFacts& trial, const Findings& found);
void CheckMeasurements(const StudyFacts& study, const TrialFacts& trial, const Findings& found);
void CheckRungs(const StudyFacts& study, const TrialFacts& trial, const Findings& found);
void CheckDecisions(const StudyFacts& study, const TrialFacts& trial, const Findings& found);

}  // namespace athanor::check
