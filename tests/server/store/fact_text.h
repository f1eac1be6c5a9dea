// Facts as text, every field of them, so that a test compares whole records and a failure shows what differs.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/store/store.h"

namespace athanor {

std::string Text(double value);
std::string Text(const Value& value);
std::string Text(const Configuration& configuration);
std::string Text(const Condition& condition);
std::string Text(const Parameter& parameter);
std::string Text(const StudySpec& spec);
std::string Text(const StudyRecord& study);
std::string Text(const Trial& trial);
std::string Text(const Attempt& attempt);
std::string Text(const Measurement& measurement);
std::string Text(const MetricCurve& curve);
std::string Text(const Store::TrialCurve& curve);
std::string Text(const Checkpoint& checkpoint);
std::string Text(const RungEntry& entry);
std::string Text(const DecisionRecord& decision);
std::string Text(const EnqueuedConfiguration& configuration);
std::string Text(const WorkerRecord& worker);
std::string Text(const RequestRecord& request);
std::string Text(const Metric& metric);
std::string Text(const StudyImage& image);

// One fact a line.
template <typename Fact>
std::string Text(const std::vector<Fact>& facts) {
  std::string text;
  for (const Fact& fact : facts) absl::StrAppend(&text, Text(fact), "\n");
  return text;
}

}  // namespace athanor
