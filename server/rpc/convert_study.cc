#include "server/rpc/convert_study.h"

#include <algorithm>

#include "base/status.h"
#include "server/rpc/convert_study_spec.h"
#include "server/rpc/convert_value.h"

namespace athanor {

v1::Study ToProto(const LiveStudy& study, const std::string& waits) {
  const StudyRecord& record = study.record();
  v1::Study proto;
  proto.set_id(record.id);
  *proto.mutable_spec() = ToProto(record.spec);
  proto.set_state(ToProto(record.state));
  proto.set_reason(record.reason.empty() ? waits : record.reason);
  proto.set_created_unix_ms(ToUnixMs(record.created));
  proto.set_ended_unix_ms(ToUnixMs(record.ended));
  proto.set_active_ms(record.active_ms);
  using enum TrialState;
  for (const TrialState state : {kWaiting, kRunning, kPaused, kCompleted, kPruned, kFailed, kInfeasible, kCancelled}) {
    if (study.Count(state) == 0) continue;
    v1::TrialCount& count = *proto.add_trial_counts();
    count.set_state(ToProto(state));
    count.set_count(study.Count(state));
  }
  if (!study.ranking().empty()) *proto.mutable_best() = TrialToProto(study, study.ranking().At(0).second);
  proto.set_revision(record.revision);
  proto.set_trials_total(study.TrialsTotal().value_or(0));
  if (study.rule() != nullptr) {
    for (const int64_t step : study.rule()->Rungs()) proto.add_rungs(step);
  }
  proto.set_max_resource(study.max_resource());
  for (const std::string& name : record.spec.warm_start) proto.add_warm_start()->set_study(name);
  for (const PriorTrial& trial : study.prior()) {
    v1::WarmStartSource& source = *proto.mutable_warm_start(static_cast<int>(trial.source));
    source.set_trials(source.trials() + 1);
  }
  return proto;
}

google::protobuf::RepeatedPtrField<v1::NamedValue> ConfigurationToProto(const SearchSpace& space,
                                                                        const Configuration& configuration) {
  google::protobuf::RepeatedPtrField<v1::NamedValue> protos;
  for (size_t i = 0; i < space.size(); ++i) {
    if (!configuration[i].has_value()) continue;
    v1::NamedValue& proto = *protos.Add();
    proto.set_name(space.parameters()[i].name);
    *proto.mutable_value() = ToProto(*configuration[i]);
  }
  return protos;
}

google::protobuf::RepeatedPtrField<v1::NamedValue> MetricsToProto(const std::vector<Metric>& metrics) {
  google::protobuf::RepeatedPtrField<v1::NamedValue> protos;
  for (const Metric& metric : metrics) {
    v1::NamedValue& proto = *protos.Add();
    proto.set_name(metric.name);
    proto.mutable_value()->set_float_value(metric.value);
  }
  return protos;
}

v1::Trial TrialToProto(const LiveStudy& study, TrialNumber number) {
  const Trial& trial = study.trial(number);
  v1::Trial proto;
  proto.set_study_id(study.id());
  proto.set_number(number);
  proto.set_state(ToProto(trial.state));
  proto.set_reason(trial.reason);
  *proto.mutable_parameters() = ConfigurationToProto(study.space(), trial.configuration.Unpack());
  if (trial.suggestion_index.has_value()) proto.set_suggestion_index(*trial.suggestion_index);
  proto.set_seed(trial.seed);
  if (trial.best.has_value()) {
    proto.set_best_value(trial.best->value);
    proto.set_best_step(trial.best->step);
  }
  if (trial.final.has_value()) {
    proto.set_final_value(trial.final->value);
    proto.set_final_step(trial.final->step);
  }
  proto.set_created_unix_ms(ToUnixMs(trial.created));
  proto.set_started_unix_ms(ToUnixMs(trial.started));
  proto.set_ended_unix_ms(ToUnixMs(trial.ended));
  proto.set_attempts(trial.attempts);
  const int64_t rung = study.ladder().HighestRung(number);
  if (rung >= 0) proto.set_rung(rung);
  proto.set_bracket(trial.bracket);
  proto.set_elapsed_ms(trial.elapsed_ms);
  if (const auto& checkpoints = study.checkpoints(number); !checkpoints.empty()) {
    proto.set_checkpoint_step(checkpoints.front().step);
  }
  if (const LiveAttempt* live = study.live(number)) {
    proto.set_worker(live->attempt.worker);
    if (live->progress.has_value()) *proto.mutable_progress() = ToProto(*live->progress);
  }
  return proto;
}

v1::Progress ToProto(const Progress& progress) {
  v1::Progress proto;
  proto.set_fraction(progress.fraction);
  proto.set_optimizer_step(progress.optimizer_step);
  proto.set_train_loss(progress.train_loss);
  proto.set_examples_per_second(progress.examples_per_second);
  return proto;
}

v1::Environment ToProto(const Environment& environment) {
  v1::Environment proto;
  proto.set_device(environment.device);
  proto.set_trainer_version(environment.trainer_version);
  proto.set_libtorch_version(environment.libtorch_version);
  proto.set_threads(environment.threads);
  proto.set_dataset_hash(environment.dataset_hash);
  return proto;
}

v1::Attempt ToProto(const Attempt& attempt) {
  v1::Attempt proto;
  proto.set_token(attempt.token);
  proto.set_worker(attempt.worker);
  proto.set_started_unix_ms(ToUnixMs(attempt.started));
  proto.set_ended_unix_ms(ToUnixMs(attempt.ended));
  proto.set_outcome(ToProto(attempt.outcome));
  proto.set_reason(attempt.reason);
  proto.set_resumed_step(attempt.resumed_step.value_or(0));
  *proto.mutable_environment() = ToProto(EnvironmentOf(attempt));
  return proto;
}

v1::Decision ToProto(const DecisionRecord& decision) {
  v1::Decision proto;
  proto.set_revision(decision.revision);
  proto.set_trial_number(decision.trial);
  proto.set_step(decision.step);
  proto.set_rule(decision.rule);
  if (decision.rung.has_value()) proto.set_rung(*decision.rung);
  proto.set_value(decision.value);
  proto.set_bound(decision.bound);
  proto.set_n(decision.n);
  proto.set_action(ToProto(decision.action));
  return proto;
}

v1::Measurement ToProto(const Measurement& measurement) {
  v1::Measurement proto;
  proto.set_step(measurement.step);
  proto.set_elapsed_ms(measurement.elapsed_ms);
  for (const Metric& metric : measurement.metrics) {
    v1::Metric& wire = *proto.add_metrics();
    wire.set_name(metric.name);
    wire.set_value(metric.value);
  }
  return proto;
}

absl::StatusOr<v1::StudyPlan> ToProto(const StudyPlan& plan, const StudySpec& spec) {
  ATHANOR_ASSIGN_OR_RETURN(const SearchSpace space, SearchSpace::Create(spec.parameters));
  v1::StudyPlan proto;
  *proto.mutable_spec() = ToProto(spec);
  proto.set_trials(plan.trials.value_or(0));
  proto.set_grid_size(plan.grid_size.value_or(0));
  for (const Configuration& configuration : plan.sample) {
    v1::Trial& trial = *proto.add_sample();
    trial.set_number(proto.sample_size() - 1);
    *trial.mutable_parameters() = ConfigurationToProto(space, configuration);
  }
  for (const PlannedRung& rung : plan.rungs) {
    v1::PlannedRung& wire = *proto.add_rungs();
    wire.set_step(rung.step);
    wire.set_trials_expected(rung.trials);
    wire.set_trials_at_most(rung.trials_at_most);
  }
  proto.set_max_resource(plan.max_resource);
  proto.set_resource_expected(plan.resource_expected.value_or(0));
  proto.set_resource_at_most(plan.resource_at_most.value_or(0));
  proto.set_resource_without_stopping(plan.resource_without_stopping.value_or(0));
  proto.mutable_notes()->Add(plan.notes.begin(), plan.notes.end());
  return proto;
}

std::vector<size_t> ThinnedIndices(size_t count, size_t max_points) {
  std::vector<size_t> indices;
  const size_t kept = std::min(count, max_points);
  indices.reserve(kept);
  for (size_t i = 0; i < kept; ++i) {
    indices.push_back(kept == count ? i : i * (count - 1) / (kept - 1));
  }
  return indices;
}

v1::MetricCurve ToProto(const MetricCurve& curve, size_t max_points) {
  v1::MetricCurve proto;
  proto.set_metric(curve.metric);
  for (const size_t i : ThinnedIndices(curve.points.size(), max_points)) {
    proto.add_steps(curve.points[i].step);
    proto.add_values(curve.points[i].value);
    proto.add_elapsed_ms(curve.points[i].elapsed_ms);
  }
  return proto;
}

}  // namespace athanor
