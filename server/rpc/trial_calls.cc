#include "server/rpc/trial_calls.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/rpc/convert_study.h"
#include "server/rpc/convert_value.h"
#include "server/rpc/fingerprint.h"
#include "server/rpc/paging.h"

namespace athanor {
namespace {

constexpr int32_t kMostBest = 1000;
constexpr int32_t kDefaultPoints = 1000;
constexpr int32_t kMostPoints = 100'000;

absl::StatusOr<TrialOrder> OrderOf(v1::TrialOrder order) {
  switch (order) {
    case v1::TRIAL_ORDER_UNSPECIFIED:
    case v1::TRIAL_ORDER_NUMBER:
      return TrialOrder::kNumber;
    case v1::TRIAL_ORDER_NUMBER_DESCENDING:
      return TrialOrder::kNumberDescending;
    case v1::TRIAL_ORDER_BEST:
      return TrialOrder::kBest;
    default:
      return absl::InvalidArgumentError(absl::StrCat("order: ", static_cast<int>(order), " is unknown"));
  }
}

absl::StatusOr<TrialFilter> FilterOf(const v1::TrialFilter& proto) {
  TrialFilter filter;
  for (const int number : proto.states()) {
    const auto state = FromProto(static_cast<v1::TrialState>(number));
    if (!state.has_value()) return absl::InvalidArgumentError("filter.states: holds a state that does not exist");
    filter.states.push_back(*state);
  }
  ATHANOR_ASSIGN_OR_RETURN(filter.parameters, FromProto(proto.parameters(), "filter.parameters"));
  if (proto.has_min_best_value()) filter.min_best_value = proto.min_best_value();
  if (proto.has_max_best_value()) filter.max_best_value = proto.max_best_value();
  filter.worker = proto.worker();
  return filter;
}

// The metrics at the last step of any curve.
v1::Measurement LastOf(const std::vector<MetricCurve>& curves) {
  Measurement last;
  for (const MetricCurve& curve : curves) last.step = std::max(last.step, curve.points.back().step);
  for (const MetricCurve& curve : curves) {
    const CurvePoint& point = curve.points.back();
    if (point.step != last.step) continue;
    last.metrics.push_back({curve.metric, point.value});
    last.elapsed_ms = point.elapsed_ms;
  }
  return ToProto(last);
}

absl::Status AddFinalMetrics(Store& store, v1::Trial& trial) {
  if (trial.state() != v1::TRIAL_STATE_COMPLETED) return absl::OkStatus();
  const auto metrics = store.ReadFinalMetrics(trial.study_id(), trial.number());
  if (absl::IsNotFound(metrics.status())) return absl::OkStatus();  // deleted meanwhile
  ATHANOR_RETURN_IF_ERROR(metrics.status());
  *trial.mutable_final_metrics() = MetricsToProto(*metrics);
  return absl::OkStatus();
}

}  // namespace

void TrialCalls::AnswerWithMetrics(absl::StatusOr<v1::ListTrialsResponse> response, Done<v1::ListTrialsResponse> done) {
  if (!response.ok()) return done(response.status());
  AnswerFromStore<v1::ListTrialsResponse>(
      context_, std::move(done),
      [this, response = *std::move(response)]() mutable -> absl::StatusOr<v1::ListTrialsResponse> {
        for (v1::Trial& trial : *response.mutable_trials()) {
          ATHANOR_RETURN_IF_ERROR(AddFinalMetrics(context_.store, trial));
        }
        return std::move(response);
      });
}

void TrialCalls::List(const v1::ListTrialsRequest& request, Done<v1::ListTrialsResponse> done) {
  const absl::StatusOr<int64_t> size = PageSize(request.page_size());
  if (!size.ok()) return done(size.status());
  const absl::StatusOr<TrialOrder> order = OrderOf(request.order());
  if (!order.ok()) return done(order.status());
  absl::StatusOr<TrialFilter> filter = FilterOf(request.filter());
  if (!filter.ok()) return done(filter.status());
  const std::string fingerprint = ListFingerprint(request);
  int64_t offset = 0;
  if (!request.page_token().empty()) {
    const absl::StatusOr<int64_t> position = ReadPosition(request.page_token(), fingerprint);
    if (!position.ok()) return done(position.status());
    offset = *position;
  }
  context_.owner.Submit<v1::ListTrialsResponse>(
      [this, name = request.study(), filter = *std::move(filter), order = *order, offset, limit = *size,
       fingerprint](Transaction&) -> absl::StatusOr<v1::ListTrialsResponse> {
        ATHANOR_ASSIGN_OR_RETURN(const LiveStudy* study, context_.coordinator.state().FindStudy(name));
        const TrialPage page = Trials::List(*study, filter, order, offset, limit);
        v1::ListTrialsResponse response;
        for (const TrialNumber number : page.trials) *response.add_trials() = TrialToProto(*study, number);
        if (page.next_offset.has_value()) response.set_next_page_token(MakePageToken(*page.next_offset, fingerprint));
        return response;
      },
      [this, done = std::move(done)](absl::StatusOr<v1::ListTrialsResponse> response) {
        AnswerWithMetrics(std::move(response), done);
      });
}

void TrialCalls::GetBest(const v1::GetBestTrialsRequest& request, Done<v1::ListTrialsResponse> done) {
  if (request.count() < 0) {
    return done(absl::InvalidArgumentError(absl::StrCat("count: ", request.count(), "; want 0 to ", kMostBest)));
  }
  const int32_t count = request.count() == 0 ? 1 : std::min(request.count(), kMostBest);
  context_.owner.Submit<v1::ListTrialsResponse>(
      [this, name = request.study(), count](Transaction&) -> absl::StatusOr<v1::ListTrialsResponse> {
        ATHANOR_ASSIGN_OR_RETURN(const LiveStudy* study, context_.coordinator.state().FindStudy(name));
        v1::ListTrialsResponse response;
        for (const auto& [value, number] : study->ranking()) {
          if (response.trials_size() == count) break;
          *response.add_trials() = TrialToProto(*study, number);
        }
        return response;
      },
      [this, done = std::move(done)](absl::StatusOr<v1::ListTrialsResponse> response) {
        AnswerWithMetrics(std::move(response), done);
      });
}

void TrialCalls::Get(const v1::GetTrialRequest& request, Done<v1::TrialDetail> done) {
  context_.owner.Submit<v1::TrialDetail>(
      [this, name = request.study(), number = request.number()](Transaction&) -> absl::StatusOr<v1::TrialDetail> {
        ATHANOR_ASSIGN_OR_RETURN(const LiveStudy* study, context_.coordinator.state().FindStudy(name));
        ATHANOR_RETURN_IF_ERROR(State::CheckTrial(*study, number));
        v1::TrialDetail detail;
        *detail.mutable_trial() = TrialToProto(*study, number);
        const LiveAttempt* live = study->live(number);
        const auto last = live == nullptr ? std::nullopt : live->reported.At(live->reported.last_step());
        if (last.has_value()) *detail.mutable_last() = ToProto(*last);
        return detail;
      },
      [this, done = std::move(done)](absl::StatusOr<v1::TrialDetail> found) {
        if (!found.ok()) return done(found.status());
        AnswerFromStore<v1::TrialDetail>(
            context_, done, [this, detail = *std::move(found)]() mutable -> absl::StatusOr<v1::TrialDetail> {
              const StudyId study = detail.trial().study_id();
              const TrialNumber number = detail.trial().number();
              ATHANOR_RETURN_IF_ERROR(AddFinalMetrics(context_.store, *detail.mutable_trial()));
              ATHANOR_ASSIGN_OR_RETURN(const auto attempts, context_.store.ReadAttempts(study, number));
              for (const Attempt& attempt : attempts) *detail.add_attempts() = ToProto(attempt);
              ATHANOR_ASSIGN_OR_RETURN(
                  const auto decisions,
                  context_.store.ReadDecisions(study, number, 0, std::numeric_limits<int32_t>::max()));
              for (const DecisionRecord& decision : decisions) *detail.add_decisions() = ToProto(decision);
              if (!detail.has_last()) {
                ATHANOR_ASSIGN_OR_RETURN(const auto curves,
                                         context_.store.ReadCurves(study, number, {}, Archived::kLeaveOut));
                if (!curves.empty()) *detail.mutable_last() = LastOf(curves);
              }
              return std::move(detail);
            });
      });
}

void TrialCalls::GetCurve(const v1::GetCurveRequest& request, Done<v1::Curve> done) {
  const int32_t asked = request.max_points();
  if (asked < 0 || asked == 1) {
    return done(absl::InvalidArgumentError(absl::StrCat("max_points: ", asked, "; want 2 to ", kMostPoints)));
  }
  const auto max_points = static_cast<size_t>(asked == 0 ? kDefaultPoints : std::min(asked, kMostPoints));
  context_.owner.Submit<StudyId>(
      [this, name = request.study(), number = request.number()](Transaction&) -> absl::StatusOr<StudyId> {
        ATHANOR_ASSIGN_OR_RETURN(const LiveStudy* study, context_.coordinator.state().FindStudy(name));
        ATHANOR_RETURN_IF_ERROR(State::CheckTrial(*study, number));
        return study->id();
      },
      [this, request, max_points, done = std::move(done)](absl::StatusOr<StudyId> study) {
        if (!study.ok()) return done(study.status());
        AnswerFromStore<v1::Curve>(
            context_, done, [this, request, max_points, study = *study]() -> absl::StatusOr<v1::Curve> {
              const Archived archived = request.include_archived() ? Archived::kInclude : Archived::kLeaveOut;
              ATHANOR_ASSIGN_OR_RETURN(
                  const auto curves,
                  context_.store.ReadCurves(study, request.number(),
                                            {request.metrics().begin(), request.metrics().end()}, archived));
              v1::Curve curve;
              curve.set_study_id(study);
              curve.set_number(request.number());
              for (const MetricCurve& metric : curves) *curve.add_metrics() = ToProto(metric, max_points);
              return curve;
            });
      });
}

void TrialCalls::Enqueue(const v1::EnqueueTrialRequest& request, Done<v1::EnqueueTrialResponse> done) {
  absl::StatusOr<NamedValues> parameters = FromProto(request.parameters(), "parameters");
  if (!parameters.ok()) return done(parameters.status());
  context_.owner.Submit<v1::EnqueueTrialResponse>(
      [this, name = request.study(), parameters = *std::move(parameters),
       key = KeyOf("EnqueueTrial", request)](Transaction& tx) -> absl::StatusOr<v1::EnqueueTrialResponse> {
        ATHANOR_ASSIGN_OR_RETURN(const int64_t position,
                                 context_.coordinator.trials().Enqueue(tx, name, parameters, key));
        v1::EnqueueTrialResponse response;
        response.set_position(position);
        return response;
      },
      std::move(done));
}

void TrialCalls::ChangeTrial(const v1::ChangeTrialRequest& request, const char* method, Change change,
                             Done<v1::Trial> done) {
  context_.owner.Submit<v1::Trial>(
      [this, change, name = request.study(), number = request.number(),
       key = KeyOf(method, request)](Transaction& tx) -> absl::StatusOr<v1::Trial> {
        Trials& trials = context_.coordinator.trials();
        ATHANOR_ASSIGN_OR_RETURN(const FoundTrial found, (trials.*change)(tx, name, number, key));
        return TrialToProto(*found.study, found.number);
      },
      std::move(done));
}

void TrialCalls::Retry(const v1::ChangeTrialRequest& request, Done<v1::Trial> done) {
  ChangeTrial(request, "RetryTrial", &Trials::Retry, std::move(done));
}

void TrialCalls::Cancel(const v1::ChangeTrialRequest& request, Done<v1::Trial> done) {
  ChangeTrial(request, "CancelTrial", &Trials::Cancel, std::move(done));
}

}  // namespace athanor
