#include "worker/session/lease_convert.h"

#include <utility>

namespace athanor::session {
namespace {

NamedValues ToNamedValues(const v1::Lease& lease) {
  NamedValues options;
  for (const v1::NamedValue& option : lease.options()) {
    const v1::Value& value = option.value();
    switch (value.kind_case()) {
      case v1::Value::kBoolValue:
        options[option.name()] = value.bool_value();
        break;
      case v1::Value::kIntValue:
        options[option.name()] = value.int_value();
        break;
      case v1::Value::kFloatValue:
        options[option.name()] = value.float_value();
        break;
      case v1::Value::kStringValue:
        options[option.name()] = value.string_value();
        break;
      case v1::Value::KIND_NOT_SET:
        break;
    }
  }
  return options;
}

std::string Cut(const std::string& text, size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;  // within a character
  return text.substr(0, bytes);
}

}  // namespace

StartCommand ToStartCommand(const v1::Lease& lease, std::string trial, std::string checkpoint_dir,
                            std::vector<CheckpointFile> checkpoints) {
  return {.trial = std::move(trial),
          .options = ToNamedValues(lease),
          .seed = lease.seed(),
          .device = "",
          .resource = lease.resource() == v1::RESOURCE_STEP ? ResourceUnit::kStep : ResourceUnit::kEpoch,
          .until = lease.until_step(),
          .hold_at = {lease.hold_at().begin(), lease.hold_at().end()},
          .objective = lease.objective_metric(),
          .goal = lease.goal() == v1::GOAL_MINIMIZE ? MetricGoal::kMinimize : MetricGoal::kMaximize,
          .checkpoint_dir = std::move(checkpoint_dir),
          .checkpoint_interval_ms = lease.checkpoint_interval_ms(),
          .checkpoints = std::move(checkpoints),
          .elapsed_ms = lease.elapsed_ms(),
          .final_checkpoint = lease.final_checkpoint()};
}

v1::Measurement ToProto(const MetricsMessage& message) {
  v1::Measurement measurement;
  measurement.set_step(message.step);
  measurement.set_elapsed_ms(message.elapsed_ms);
  for (const auto& [name, value] : message.metrics) {
    v1::Metric& metric = *measurement.add_metrics();
    metric.set_name(name);
    metric.set_value(value);
  }
  return measurement;
}

v1::Progress ToProto(const ProgressMessage& message) {
  v1::Progress progress;
  progress.set_fraction(message.fraction);
  progress.set_optimizer_step(message.optimizer_step);
  progress.set_train_loss(message.train_loss);
  progress.set_examples_per_second(message.examples_per_second);
  return progress;
}

v1::Environment ToEnvironment(const HelloMessage& hello, const StartedMessage& started) {
  v1::Environment environment;
  environment.set_device(started.device);
  environment.set_trainer_version(hello.trainer + " " + hello.version);
  environment.set_libtorch_version(hello.libtorch);
  environment.set_threads(started.threads);
  environment.set_dataset_hash(started.dataset_hash);
  return environment;
}

v1::FinishRequest ToFinishRequest(const v1::LeaseRef& lease, v1::AttemptOutcome outcome, const std::string& reason,
                                  const Metrics& final_metrics) {
  v1::FinishRequest finish;
  *finish.mutable_lease() = lease;
  finish.set_outcome(outcome);
  finish.set_reason(Cut(reason, 60 << 10));
  for (const auto& [name, value] : final_metrics) {
    v1::Metric& metric = *finish.add_final_metrics();
    metric.set_name(name);
    metric.set_value(value);
  }
  return finish;
}

}  // namespace athanor::session
