#include "tests/integration/chaos/facts.h"

#include <algorithm>

#include "base/status.h"

namespace athanor::chaos {
namespace {

constexpr int kAllPoints = 100'000;

absl::StatusOr<v1::Curve> ReadCurve(StudyClient& client, const std::string& study, int64_t trial, bool archived) {
  v1::GetCurveRequest request;
  request.set_study(study);
  request.set_number(trial);
  request.set_max_points(kAllPoints);
  request.set_include_archived(archived);
  return client.GetCurve(request);
}

absl::StatusOr<StudyFacts> ReadStudy(StudyClient& client, const v1::Study& study) {
  const std::string& name = study.spec().name();
  StudyFacts facts{study, {}};
  v1::ListTrialsRequest request;
  request.set_study(name);
  request.set_page_size(1000);
  ATHANOR_RETURN_IF_ERROR(client.ForEachTrial(request, [&](const v1::Trial& trial) -> absl::Status {
    TrialFacts& of_trial = facts.trials.emplace_back();
    ATHANOR_ASSIGN_OR_RETURN(of_trial.detail, client.GetTrial(name, trial.number()));
    ATHANOR_ASSIGN_OR_RETURN(of_trial.curve, ReadCurve(client, name, trial.number(), false));
    ATHANOR_ASSIGN_OR_RETURN(of_trial.reported, ReadCurve(client, name, trial.number(), true));
    return absl::OkStatus();
  }));
  return facts;
}

}  // namespace

absl::StatusOr<Facts> ReadFacts(StudyClient& client) {
  Facts facts;
  v1::ListStudiesRequest request;
  request.set_page_size(1000);
  ATHANOR_ASSIGN_OR_RETURN(const v1::ListStudiesResponse studies, client.ListStudies(request));
  for (const v1::Study& study : studies.studies()) {
    ATHANOR_ASSIGN_OR_RETURN(facts[study.spec().name()], ReadStudy(client, study));
  }
  return facts;
}

std::string ConfigurationText(const v1::Trial& trial) {
  std::vector<std::string> parts;
  for (const v1::NamedValue& parameter : trial.parameters()) {
    parts.push_back(parameter.name() + "=" + parameter.value().ShortDebugString());
  }
  std::ranges::sort(parts);
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : " ") + part;
  return text;
}

const v1::MetricCurve* FindMetric(const v1::Curve& curve, const std::string& metric) {
  const auto found = std::ranges::find(curve.metrics(), metric, &v1::MetricCurve::metric);
  return found == curve.metrics().end() ? nullptr : &*found;
}

}  // namespace athanor::chaos
