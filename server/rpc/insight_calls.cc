#include "server/rpc/insight_calls.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/coordinator/comparable_trials.h"
#include "server/core/orientation.h"
#include "server/insight/common_step.h"
#include "server/insight/importance.h"

namespace athanor {
namespace {

absl::StatusOr<ImportanceMethod> MethodOf(v1::GetImportanceRequest::Method method) {
  switch (method) {
    case v1::GetImportanceRequest::METHOD_UNSPECIFIED:
    case v1::GetImportanceRequest::METHOD_PED_ANOVA:
      return ImportanceMethod::kPedAnova;
    case v1::GetImportanceRequest::METHOD_FANOVA:
      return ImportanceMethod::kFanova;
    default:
      return absl::InvalidArgumentError(absl::StrCat("method: ", static_cast<int>(method), " is unknown"));
  }
}

absl::StatusOr<OrientedCurve> ReadCurve(Store& store, const ComparableTrials& compared, TrialNumber number) {
  ATHANOR_ASSIGN_OR_RETURN(const auto curves,
                           store.ReadCurves(compared.study, number, {compared.metric}, Archived::kLeaveOut));
  OrientedCurve curve;
  if (curves.empty()) return curve;
  for (const CurvePoint& point : curves.front().points) {
    curve.push_back({point.step, Orient(compared.goal, point.value)});
  }
  return curve;
}

// Puts the values at a common step in the place of the best ones, and leaves out trials without one. Returns the step.
absl::StatusOr<int64_t> CompareAtCommonStep(Store& store, ComparableTrials& compared) {
  std::vector<OrientedCurve> curves;
  for (const TrialNumber number : compared.numbers) {
    ATHANOR_ASSIGN_OR_RETURN(OrientedCurve curve, ReadCurve(store, compared, number));
    curves.push_back(std::move(curve));
  }
  const CommonStep common = ChooseCommonStep(curves, compared.rungs);
  std::vector<ScoredConfiguration> there;
  for (size_t i = 0; i < curves.size(); ++i) {
    if (!common.values[i]) continue;
    compared.trials[i].value = *common.values[i];
    there.push_back(std::move(compared.trials[i]));
  }
  compared.trials = std::move(there);
  return common.step;
}

absl::StatusOr<v1::Importance> Compute(Store& store, ComparableTrials compared, ImportanceMethod method) {
  v1::Importance response;
  if (compared.level == ComparableTrials::Level::kCommonStep) {
    ATHANOR_ASSIGN_OR_RETURN(const int64_t step, CompareAtCommonStep(store, compared));
    response.set_step(step);
  }
  const bool any_finite =
      std::ranges::any_of(compared.trials, [](const auto& trial) { return std::isfinite(trial.value); });
  if (compared.trials.size() < kFewestForImportance || !any_finite) {
    return absl::FailedPreconditionError(absl::StrCat("study ", compared.name, " has ", compared.trials.size(),
                                                      " ended trials", any_finite ? "" : " with a finite value",
                                                      " to learn from; want ", kFewestForImportance));
  }
  response.set_trials(static_cast<int64_t>(compared.trials.size()));
  const std::vector<double> importance = ParameterImportance(compared.space, compared.trials, method, compared.seed);
  std::vector<size_t> order(importance.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater<>(), [&](size_t i) { return importance[i]; });
  for (const size_t i : order) {
    v1::Importance::Entry* const entry = response.add_entries();
    entry->set_parameter(compared.space.parameters()[i].name);
    entry->set_importance(importance[i]);
  }
  return response;
}

}  // namespace

void InsightCalls::GetImportance(const v1::GetImportanceRequest& request, Done<v1::Importance> done) {
  const absl::StatusOr<ImportanceMethod> method = MethodOf(request.method());
  if (!method.ok()) return done(method.status());
  context_.owner.Submit<ComparableTrials>(
      [this, name = request.study()](Transaction&) -> absl::StatusOr<ComparableTrials> {
        ATHANOR_ASSIGN_OR_RETURN(const LiveStudy* study, context_.coordinator.state().FindStudy(name));
        return CollectComparableTrials(*study);
      },
      [this, method = *method, done = std::move(done)](absl::StatusOr<ComparableTrials> compared) {
        if (!compared.ok()) return done(compared.status());
        AnswerFromStore<v1::Importance>(
            context_, done, [this, method, compared = *std::move(compared)]() -> absl::StatusOr<v1::Importance> {
              return Compute(context_.store, compared, method);
            });
      });
}

}  // namespace athanor
