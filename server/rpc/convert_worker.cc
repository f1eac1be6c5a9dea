#include "server/rpc/convert_worker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/rpc/convert_study.h"
#include "server/rpc/convert_value.h"

namespace athanor {
namespace {

constexpr size_t kMaxReasonBytes = 64 * 1024;

std::optional<AttemptStart> StartOf(bool stated, int64_t resumed_step, const v1::Environment& environment) {
  if (!stated) return std::nullopt;
  return AttemptStart{resumed_step, FromProto(environment)};
}

Metric FromProto(const v1::Metric& metric) { return {metric.name(), metric.value()}; }

}  // namespace

LeaseRef FromProto(const v1::LeaseRef& lease) { return {lease.study_id(), lease.trial_number(), lease.token()}; }

v1::LeaseRef ToProto(const LeaseRef& lease) {
  v1::LeaseRef proto;
  proto.set_study_id(lease.study);
  proto.set_trial_number(lease.trial);
  proto.set_token(lease.token);
  return proto;
}

Registration FromProto(const v1::RegisterRequest& request) {
  Registration registration;
  registration.protocol_version = request.protocol_version();
  WorkerRecord& worker = registration.worker;
  worker.name = request.worker();
  worker.incarnation = request.incarnation();
  worker.host = request.host();
  worker.slots = request.slots();
  for (const v1::Device& device : request.devices()) {
    worker.devices.push_back({device.kind(), device.name(), device.memory_bytes()});
  }
  worker.labels = {request.labels().begin(), request.labels().end()};
  worker.trainers = {request.trainers().begin(), request.trainers().end()};
  worker.datasets = {request.datasets().begin(), request.datasets().end()};
  worker.option_table_hash = request.option_table_hash();
  return registration;
}

AcquireOptions FromProto(const v1::AcquireRequest& request) {
  AcquireOptions options;
  options.worker = request.worker();
  options.incarnation = request.incarnation();
  options.sequence = request.sequence();
  options.max_trials = request.max_trials();
  // Longer waits are capped by the coordinator anyway; this one keeps nanoseconds from overflowing.
  constexpr int64_t kLongestWaitMs = 24 * 3600 * 1000;
  options.wait = std::chrono::milliseconds(std::clamp<int64_t>(request.wait_ms(), 0, kLongestWaitMs));
  return options;
}

Checkpoint FromProto(const v1::CheckpointRef& proto) {
  Checkpoint checkpoint;
  checkpoint.sha256 = proto.sha256();
  checkpoint.step = proto.step();
  checkpoint.size_bytes = proto.size_bytes();
  return checkpoint;
}

v1::CheckpointRef ToProto(const Checkpoint& checkpoint) {
  v1::CheckpointRef proto;
  proto.set_sha256(checkpoint.sha256);
  proto.set_step(checkpoint.step);
  proto.set_size_bytes(checkpoint.size_bytes);
  return proto;
}

v1::Lease ToProto(const LeaseGrant& grant) {
  v1::Lease proto;
  *proto.mutable_ref() = ToProto(grant.ref);
  proto.set_study_name(grant.study_name);
  *proto.mutable_options() = ToProto(grant.options);
  proto.set_seed(grant.seed);
  proto.set_resource(ToProto(grant.resource));
  proto.set_until_step(grant.until_step);
  for (const int64_t step : grant.hold_at) proto.add_hold_at(step);
  proto.set_pauses_at_hold(grant.pauses_at_hold);
  for (const Checkpoint& checkpoint : grant.checkpoints) *proto.add_checkpoints() = ToProto(checkpoint);
  proto.set_checkpoint_interval_ms(grant.checkpoint_interval_ms);
  proto.set_stall_timeout_ms(grant.stall_timeout_ms);
  proto.set_objective_metric(grant.objective.metric);
  proto.set_goal(ToProto(grant.objective.goal));
  proto.set_elapsed_ms(grant.elapsed_ms);
  proto.set_final_checkpoint(grant.final_checkpoint);
  return proto;
}

Environment FromProto(const v1::Environment& proto) {
  Environment environment;
  environment.device = proto.device();
  environment.trainer_version = proto.trainer_version();
  environment.libtorch_version = proto.libtorch_version();
  environment.threads = proto.threads();
  environment.dataset_hash = proto.dataset_hash();
  return environment;
}

Progress FromProto(const v1::Progress& proto) {
  Progress progress;
  progress.fraction = proto.fraction();
  progress.optimizer_step = proto.optimizer_step();
  progress.train_loss = proto.train_loss();
  progress.examples_per_second = proto.examples_per_second();
  return progress;
}

Measurement FromProto(const v1::Measurement& proto) {
  Measurement measurement;
  measurement.step = proto.step();
  measurement.elapsed_ms = proto.elapsed_ms();
  measurement.metrics.reserve(static_cast<size_t>(proto.metrics_size()));
  for (const v1::Metric& metric : proto.metrics()) measurement.metrics.push_back(FromProto(metric));
  return measurement;
}

TrialReport FromProto(const v1::TrialReport& proto) {
  TrialReport report;
  report.lease = FromProto(proto.lease());
  report.start = StartOf(proto.has_resumed_step(), proto.resumed_step(), proto.environment());
  report.measurements.reserve(static_cast<size_t>(proto.measurements_size()));
  for (const v1::Measurement& measurement : proto.measurements()) {
    report.measurements.push_back(FromProto(measurement));
  }
  if (proto.has_progress()) report.progress = FromProto(proto.progress());
  return report;
}

absl::StatusOr<FinishOptions> FromProto(const v1::FinishRequest& proto) {
  const auto outcome = FromProto(proto.outcome());
  if (!outcome.has_value()) {
    return absl::InvalidArgumentError("outcome: is missing; want COMPLETED, FAILED, INFEASIBLE or PREEMPTED");
  }
  if (proto.reason().size() > kMaxReasonBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("reason: has ", proto.reason().size(), " bytes; want at most ", kMaxReasonBytes));
  }
  FinishOptions finish;
  finish.lease = FromProto(proto.lease());
  finish.outcome = *outcome;
  finish.reason = proto.reason();
  for (const v1::Metric& metric : proto.final_metrics()) finish.final_metrics.push_back(FromProto(metric));
  finish.start = StartOf(proto.has_resumed_step(), proto.resumed_step(), proto.environment());
  return finish;
}

v1::Verdict ToProto(const Verdict& verdict) {
  v1::Verdict proto;
  *proto.mutable_lease() = ToProto(verdict.lease);
  proto.set_step(verdict.step);
  proto.set_action(ToProto(verdict.action));
  proto.set_status_code(verdict.status.raw_code());  // google.rpc.Code has the same numbers
  proto.set_status_message(std::string(verdict.status.message()));
  return proto;
}

v1::Command ToProto(const Command& command) {
  v1::Command proto;
  switch (command.kind) {
    case CommandKind::kStop:
      proto.set_kind(v1::COMMAND_KIND_STOP);
      break;
    case CommandKind::kPreempt:
      proto.set_kind(v1::COMMAND_KIND_PREEMPT);
      break;
    case CommandKind::kDrain:
      proto.set_kind(v1::COMMAND_KIND_DRAIN);
      return proto;  // names no lease
  }
  *proto.mutable_lease() = ToProto(command.lease);
  return proto;
}

v1::WorkerState StateOf(const State& state, const WorkerInMemory& worker, MonotonicTime now) {
  if (worker.record.standing == WorkerStanding::kQuarantined) return v1::WORKER_STATE_QUARANTINED;
  if (!state.IsOnline(worker, now)) return v1::WORKER_STATE_OFFLINE;
  if (worker.record.standing == WorkerStanding::kDraining) return v1::WORKER_STATE_DRAINING;
  return v1::WORKER_STATE_ONLINE;
}

v1::Worker ToProto(const State& state, const WorkerInMemory& worker, MonotonicTime now) {
  const WorkerRecord& record = worker.record;
  v1::Worker proto;
  proto.set_name(record.name);
  proto.set_state(StateOf(state, worker, now));
  proto.set_reason(record.reason);
  proto.set_host(record.host);
  for (const DeviceRecord& device : record.devices) {
    v1::Device& wire = *proto.add_devices();
    wire.set_kind(device.kind);
    wire.set_name(device.name);
    wire.set_memory_bytes(device.memory_bytes);
  }
  proto.set_slots(static_cast<int32_t>(record.slots));
  proto.set_leased(static_cast<int32_t>(worker.held.size()));
  proto.mutable_labels()->insert(record.labels.begin(), record.labels.end());
  proto.mutable_trainers()->Add(record.trainers.begin(), record.trainers.end());
  proto.mutable_datasets()->Add(record.datasets.begin(), record.datasets.end());
  proto.set_last_seen_unix_ms(ToUnixMs(record.last_seen));
  return proto;
}

}  // namespace athanor
