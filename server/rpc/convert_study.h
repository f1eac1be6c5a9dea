// Studies, trials and what belongs to them, domain -> wire. The functions over LiveStudy belong on the owner thread;
// the others are pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "athanor/v1/study.pb.h"
#include "athanor/v1/study_service.pb.h"
#include "server/coordinator/live_study.h"
#include "server/coordinator/plan.h"
#include "server/store/store.h"

namespace athanor {

// With its best trial. `waits`: why it makes no progress although ACTIVE (Studies::WhyWaiting); shown as the reason
// where the study has none of its own.
v1::Study ToProto(const LiveStudy& study, const std::string& waits);

// Everything but final_metrics, which only the store has.
v1::Trial TrialToProto(const LiveStudy& study, TrialNumber number);
// The active parameters of a configuration, in the order of the space.
google::protobuf::RepeatedPtrField<v1::NamedValue> ConfigurationToProto(const SearchSpace& space,
                                                                        const Configuration& configuration);
google::protobuf::RepeatedPtrField<v1::NamedValue> MetricsToProto(const std::vector<Metric>& metrics);

v1::Progress ToProto(const Progress& progress);
v1::Attempt ToProto(const Attempt& attempt);
v1::Decision ToProto(const DecisionRecord& decision);
v1::Environment ToProto(const Environment& environment);
v1::Measurement ToProto(const Measurement& measurement);

// `spec` went through Complete.
absl::StatusOr<v1::StudyPlan> ToProto(const StudyPlan& plan, const StudySpec& spec);

// At most `max_points` (>= 2) of `count` points, evenly spread, the first and the last among them: their indices,
// ascending.
std::vector<size_t> ThinnedIndices(size_t count, size_t max_points);
v1::MetricCurve ToProto(const MetricCurve& curve, size_t max_points);

}  // namespace athanor
