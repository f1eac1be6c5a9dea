#include "client/cli/wire_json.h"

#include <map>
#include <string>

#include "client/cli/format.h"

namespace athanor::cli {
namespace {

Json ToJson(const v1::Attempt& attempt) {
  Json json = {{"token", attempt.token()},
               {"worker", attempt.worker()},
               {"started_unix_ms", attempt.started_unix_ms()},
               {"ended_unix_ms", attempt.ended_unix_ms()},
               {"outcome", OutcomeName(attempt.outcome())},
               {"reason", attempt.reason()},
               {"resumed_step", attempt.resumed_step()}};
  if (attempt.has_environment()) {
    const v1::Environment& environment = attempt.environment();
    json["environment"] = {{"device", environment.device()},
                           {"trainer_version", environment.trainer_version()},
                           {"libtorch_version", environment.libtorch_version()},
                           {"threads", environment.threads()},
                           {"dataset_hash", environment.dataset_hash()}};
  }
  return json;
}

Json ToJson(const v1::Decision& decision) {
  Json json = {{"revision", decision.revision()}, {"step", decision.step()}, {"rule", decision.rule()}};
  if (decision.has_rung()) json["rung"] = decision.rung();
  json["value"] = decision.value();
  json["bound"] = decision.bound();
  json["n"] = decision.n();
  json["action"] = ActionName(decision.action());
  return json;
}

}  // namespace

Json ToJson(const v1::Value& value) {
  switch (value.kind_case()) {
    case v1::Value::kBoolValue:
      return value.bool_value();
    case v1::Value::kIntValue:
      return value.int_value();
    case v1::Value::kFloatValue:
      return value.float_value();
    case v1::Value::kStringValue:
      return value.string_value();
    case v1::Value::KIND_NOT_SET:
      break;
  }
  return nullptr;
}

Json ToJson(const google::protobuf::RepeatedPtrField<v1::NamedValue>& values) {
  Json json = Json::object();
  for (const v1::NamedValue& value : values) json[value.name()] = ToJson(value.value());
  return json;
}

Json ToJson(const v1::Study& study) {
  Json json = {{"id", study.id()},
               {"name", study.spec().name()},
               {"state", StateName(study.state())},
               {"reason", study.reason()},
               {"owner", study.spec().owner()},
               {"created_unix_ms", study.created_unix_ms()},
               {"ended_unix_ms", study.ended_unix_ms()},
               {"active_ms", study.active_ms()},
               {"revision", study.revision()},
               {"trials_total", study.trials_total()},
               {"max_resource", study.max_resource()}};
  if (!study.spec().search().picked().empty()) {
    json["picked_search"] = {{"method", study.spec().search().picked()},
                             {"reason", study.spec().search().picked_reason()}};
  }
  for (const v1::WarmStartSource& source : study.warm_start()) {
    json["warm_start"].push_back({{"study", source.study()}, {"trials", source.trials()}});
  }
  json["rungs"] = Json::array();
  for (const int64_t step : study.rungs()) json["rungs"].push_back(step);
  json["trials"] = Json::object();
  for (const v1::TrialCount& count : study.trial_counts()) json["trials"][StateName(count.state())] = count.count();
  if (study.has_best()) json["best"] = ToJson(study.best());
  json["spec"] = ToJson(study.spec());
  return json;
}

Json ToJson(const v1::Trial& trial) {
  Json json = {{"number", trial.number()}, {"state", StateName(trial.state())}};
  if (!trial.reason().empty()) json["reason"] = trial.reason();
  json["parameters"] = ToJson(trial.parameters());
  if (trial.has_best_value()) {
    json["best_value"] = trial.best_value();
    json["best_step"] = trial.best_step();
  }
  if (trial.has_final_value()) {
    json["final_value"] = trial.final_value();
    json["final_step"] = trial.final_step();
  }
  if (trial.has_rung()) json["rung"] = trial.rung();
  json["bracket"] = trial.bracket();
  if (!trial.worker().empty()) json["worker"] = trial.worker();
  json["attempts"] = trial.attempts();
  json["elapsed_ms"] = trial.elapsed_ms();
  json["checkpoint_step"] = trial.checkpoint_step();
  if (trial.has_suggestion_index()) json["suggestion_index"] = trial.suggestion_index();
  json["seed"] = std::to_string(trial.seed());  // 64 bits, of which many readers of JSON keep 53
  json["created_unix_ms"] = trial.created_unix_ms();
  json["started_unix_ms"] = trial.started_unix_ms();
  json["ended_unix_ms"] = trial.ended_unix_ms();
  if (trial.has_progress()) {
    const v1::Progress& progress = trial.progress();
    json["progress"] = {{"fraction", progress.fraction()},
                        {"optimizer_step", progress.optimizer_step()},
                        {"train_loss", progress.train_loss()},
                        {"examples_per_second", progress.examples_per_second()}};
  }
  if (!trial.final_metrics().empty()) json["final_metrics"] = ToJson(trial.final_metrics());
  return json;
}

Json ToJson(const v1::TrialDetail& detail) {
  Json json = ToJson(detail.trial());
  if (detail.has_last()) {
    Json metrics = Json::object();
    for (const v1::Metric& metric : detail.last().metrics()) metrics[metric.name()] = metric.value();
    json["last"] = {{"step", detail.last().step()}, {"elapsed_ms", detail.last().elapsed_ms()}, {"metrics", metrics}};
  }
  json["attempt_list"] = Json::array();
  for (const v1::Attempt& attempt : detail.attempts()) json["attempt_list"].push_back(ToJson(attempt));
  json["decisions"] = Json::array();
  for (const v1::Decision& decision : detail.decisions()) json["decisions"].push_back(ToJson(decision));
  return json;
}

Json ToJson(const v1::StudyPlan& plan) {
  Json json = {{"trials", plan.trials()}, {"grid_size", plan.grid_size()}, {"max_resource", plan.max_resource()}};
  json["rungs"] = Json::array();
  for (const v1::PlannedRung& rung : plan.rungs()) {
    json["rungs"].push_back({{"step", rung.step()}, {"trials_at_most", rung.trials_at_most()}});
  }
  json["resource_at_most"] = plan.resource_at_most();
  json["resource_without_stopping"] = plan.resource_without_stopping();
  json["notes"] = Json::array();
  for (const std::string& note : plan.notes()) json["notes"].push_back(note);
  json["sample"] = Json::array();
  for (const v1::Trial& trial : plan.sample()) {
    json["sample"].push_back({{"number", trial.number()}, {"parameters", ToJson(trial.parameters())}});
  }
  json["spec"] = ToJson(plan.spec());
  return json;
}

Json ToJson(const v1::Worker& worker) {
  Json json = {{"name", worker.name()},     {"state", StateName(worker.state())},
               {"reason", worker.reason()}, {"host", worker.host()},
               {"slots", worker.slots()},   {"leased", worker.leased()}};
  json["devices"] = Json::array();
  for (const v1::Device& device : worker.devices()) {
    json["devices"].push_back(
        {{"kind", device.kind()}, {"name", device.name()}, {"memory_bytes", device.memory_bytes()}});
  }
  json["labels"] = Json::object();
  for (const auto& [name, value] : std::map<std::string, std::string>(worker.labels().begin(), worker.labels().end())) {
    json["labels"][name] = value;
  }
  json["trainers"] = std::vector<std::string>(worker.trainers().begin(), worker.trainers().end());
  json["datasets"] = std::vector<std::string>(worker.datasets().begin(), worker.datasets().end());
  json["last_seen_unix_ms"] = worker.last_seen_unix_ms();
  return json;
}

Json ToJson(const v1::ServerStatus& status) {
  return {{"version", status.version()},
          {"uptime_ms", status.uptime_ms()},
          {"studies", status.studies()},
          {"active_studies", status.active_studies()},
          {"trials", status.trials()},
          {"running_trials", status.running_trials()},
          {"workers_online", status.workers_online()},
          {"database", status.database()},
          {"database_bytes", status.database_bytes()},
          {"checkpoint_bytes", status.checkpoint_bytes()},
          {"checkpoint_quota_bytes", status.checkpoint_quota_bytes()},
          {"disk_free_bytes", status.disk_free_bytes()},
          {"disk_total_bytes", status.disk_total_bytes()},
          {"log_bytes", status.log_bytes()},
          {"artifact_bytes", status.artifact_bytes()},
          {"schema_version", status.schema_version()},
          {"commits", status.commits()},
          {"operations", status.operations()},
          {"commit_p50_ms", status.commit_p50_ms()},
          {"commit_p99_ms", status.commit_p99_ms()},
          {"queued_operations", status.queued_operations()},
          {"write_error", status.write_error()},
          {"integrity", status.integrity()}};
}

Json ToJson(const v1::GarbageCheckpoint& checkpoint) {
  return {{"number", checkpoint.trial_number()},
          {"step", checkpoint.step()},
          {"size_bytes", checkpoint.size_bytes()},
          {"sha256", checkpoint.sha256()},
          {"reason", checkpoint.reason()}};
}

Json ToJson(const v1::GarbageReport& report) {
  Json json = {{"deleted", Json::array()}};
  for (const v1::GarbageCheckpoint& checkpoint : report.deleted()) json["deleted"].push_back(ToJson(checkpoint));
  json["deleted_bytes"] = report.deleted_bytes();
  json["kept"] = report.kept();
  json["kept_bytes"] = report.kept_bytes();
  return json;
}

Json ToJson(const v1::Artifact& artifact) {
  return {{"name", artifact.name()}, {"step", artifact.step()}, {"size_bytes", artifact.size_bytes()}};
}

Json ToJson(const v1::Importance& importance) {
  Json json = {{"parameters", Json::array()}};
  for (const v1::Importance::Entry& entry : importance.entries()) {
    json["parameters"].push_back({{"parameter", entry.parameter()}, {"importance", entry.importance()}});
  }
  json["trials"] = importance.trials();
  if (importance.step() > 0) json["step"] = importance.step();
  return json;
}

Json ToJson(const v1::Curve& curve) {
  Json json = Json::array();
  for (const v1::MetricCurve& metric : curve.metrics()) {
    for (int i = 0; i < metric.steps_size(); ++i) {
      json.push_back({{"number", curve.number()},
                      {"metric", metric.metric()},
                      {"step", metric.steps(i)},
                      {"value", metric.values(i)},
                      {"elapsed_ms", i < metric.elapsed_ms_size() ? metric.elapsed_ms(i) : 0}});
    }
  }
  return json;
}

}  // namespace athanor::cli
