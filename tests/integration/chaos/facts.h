// What the coordinator tells of its studies, all of it: to be compared between two runs.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/api/study_client.h"

namespace athanor::chaos {

struct TrialFacts {
  v1::TrialDetail detail;
  v1::Curve curve;     // what counts
  v1::Curve reported;  // archived rows as well
};

struct StudyFacts {
  v1::Study study;
  std::vector<TrialFacts> trials;  // in order of number
};

// By name.
using Facts = std::map<std::string, StudyFacts>;

// Blocks. The coordinator's errors as they are.
absl::StatusOr<Facts> ReadFacts(StudyClient& client);

// Sorted, as text: "learning_rate=0.1 optimizer=sgd".
std::string ConfigurationText(const v1::Trial& trial);

// Null if nothing was reported under that name.
const v1::MetricCurve* FindMetric(const v1::Curve& curve, const std::string& metric);

}  // namespace athanor::chaos
