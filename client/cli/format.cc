#include "client/cli/format.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <iterator>

namespace athanor::cli {
namespace {

// "STUDY_STATE_ACTIVE" without the prefix.
std::string WithoutPrefix(const std::string& name, std::string_view prefix) {
  return name.size() > prefix.size() ? name.substr(prefix.size()) : "UNKNOWN";
}

}  // namespace

std::string FormatNumber(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  // Whole numbers up to a million keep all their digits: 65536 is not 6.554e+04.
  if (value == std::trunc(value) && std::abs(value) < 1e6) return fmt::format("{:.0f}", value);
  return fmt::format("{:.4g}", value);
}

std::string FormatMetric(double value) {
  const double size = std::abs(value);
  if (!std::isfinite(value) || (size != 0 && (size < 1e-3 || size >= 1e5))) return FormatNumber(value);
  return fmt::format("{:.4f}", value);
}

std::string FormatDuration(int64_t milliseconds) {
  if (milliseconds < 0) return fmt::format("-{}", FormatDuration(-milliseconds));
  if (milliseconds < 1000) return fmt::format("{}ms", milliseconds);
  const int64_t seconds = milliseconds / 1000;
  if (seconds < 10) return fmt::format("{}.{}s", seconds, milliseconds % 1000 / 100);
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  if (seconds < 86400) return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{}d{:02}h", seconds / 86400, seconds / 3600 % 24);
}

std::string FormatAge(int64_t unix_ms, int64_t now_unix_ms) {
  if (unix_ms == 0) return "-";
  // Clocks of two machines differ a little; nothing happened in the future.
  return FormatDuration(std::max<int64_t>(now_unix_ms - unix_ms, 0)) + " ago";
}

std::string FormatTime(int64_t unix_ms) {
  if (unix_ms == 0) return "-";
  return fmt::format("{:%Y-%m-%d %H:%M:%S}Z", fmt::gmtime(static_cast<std::time_t>(unix_ms / 1000)));
}

std::string FormatBytes(int64_t bytes) {
  static constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double size = static_cast<double>(bytes);
  size_t unit = 0;
  while (std::abs(size) >= 1024 && unit + 1 < kUnits.size()) {
    size /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", size, kUnits[unit]);
}

std::string FormatValue(const v1::Value& value) {
  switch (value.kind_case()) {
    case v1::Value::kBoolValue:
      return value.bool_value() ? "true" : "false";
    case v1::Value::kIntValue:
      return std::to_string(value.int_value());
    case v1::Value::kFloatValue:
      return FormatNumber(value.float_value());
    case v1::Value::kStringValue:
      return value.string_value();
    case v1::Value::KIND_NOT_SET:
      break;
  }
  return "-";
}

std::string FormatParameters(const google::protobuf::RepeatedPtrField<v1::NamedValue>& parameters) {
  std::string text;
  for (const v1::NamedValue& parameter : parameters) {
    if (!text.empty()) text += ' ';
    text += fmt::format("{}={}", parameter.name(), FormatValue(parameter.value()));
  }
  return text;
}

std::string Lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

std::string Upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

std::string StateName(v1::StudyState state) { return WithoutPrefix(v1::StudyState_Name(state), "STUDY_STATE_"); }
std::string StateName(v1::TrialState state) { return WithoutPrefix(v1::TrialState_Name(state), "TRIAL_STATE_"); }
std::string StateName(v1::WorkerState state) { return WithoutPrefix(v1::WorkerState_Name(state), "WORKER_STATE_"); }
std::string ActionName(v1::Action action) { return WithoutPrefix(v1::Action_Name(action), "ACTION_"); }
std::string OutcomeName(v1::AttemptOutcome outcome) {
  if (outcome == v1::ATTEMPT_OUTCOME_UNSPECIFIED) return "LIVE";
  return WithoutPrefix(v1::AttemptOutcome_Name(outcome), "ATTEMPT_OUTCOME_");
}

Style StateStyle(v1::StudyState state) {
  switch (state) {
    case v1::STUDY_STATE_ACTIVE:
      return Style::kActive;
    case v1::STUDY_STATE_COMPLETED:
      return Style::kGood;
    case v1::STUDY_STATE_PAUSED:
      return Style::kWarn;
    case v1::STUDY_STATE_FAILED:
      return Style::kBad;
    default:
      return Style::kDim;
  }
}

Style StateStyle(v1::TrialState state) {
  switch (state) {
    case v1::TRIAL_STATE_RUNNING:
      return Style::kActive;
    case v1::TRIAL_STATE_COMPLETED:
      return Style::kGood;
    case v1::TRIAL_STATE_PAUSED:
      return Style::kWarn;
    case v1::TRIAL_STATE_FAILED:
    case v1::TRIAL_STATE_INFEASIBLE:
      return Style::kBad;
    default:
      return Style::kDim;
  }
}

Style StateStyle(v1::WorkerState state) {
  switch (state) {
    case v1::WORKER_STATE_ONLINE:
      return Style::kGood;
    case v1::WORKER_STATE_DRAINING:
      return Style::kWarn;
    case v1::WORKER_STATE_QUARANTINED:
      return Style::kBad;
    default:
      return Style::kDim;
  }
}

bool IsFinished(v1::StudyState state) {
  return state == v1::STUDY_STATE_COMPLETED || state == v1::STUDY_STATE_CANCELLED || state == v1::STUDY_STATE_FAILED;
}

bool IsFinished(v1::TrialState state) {
  return state != v1::TRIAL_STATE_UNSPECIFIED && state != v1::TRIAL_STATE_WAITING && state != v1::TRIAL_STATE_RUNNING &&
         state != v1::TRIAL_STATE_PAUSED;
}

std::string FormatEnd(const v1::Trial& trial, const google::protobuf::RepeatedField<int64_t>& rungs) {
  // Where a trial that did not reach the end stands.
  const auto where = [&]() -> std::string {
    if (trial.has_rung() && trial.rung() >= 0 && trial.rung() < rungs.size()) {
      return fmt::format("at rung {} (step {})", trial.rung(), rungs.Get(static_cast<int>(trial.rung())));
    }
    return fmt::format("at step {}", trial.final_step());
  };
  switch (trial.state()) {
    case v1::TRIAL_STATE_WAITING:
      return "waiting";
    case v1::TRIAL_STATE_RUNNING:
      return "running";
    case v1::TRIAL_STATE_PAUSED:
      return "paused " + where();
    case v1::TRIAL_STATE_COMPLETED:
      return "completed";
    case v1::TRIAL_STATE_PRUNED:
      return "pruned " + where();
    case v1::TRIAL_STATE_FAILED:
      return trial.reason().empty() ? "failed" : "failed: " + trial.reason();
    case v1::TRIAL_STATE_INFEASIBLE:
      return trial.reason().empty() ? "infeasible" : "infeasible: " + trial.reason();
    case v1::TRIAL_STATE_CANCELLED:
      return "cancelled";
    default:
      return StateName(trial.state());
  }
}

const std::string& EffectiveMethod(const v1::Search& search) {
  return search.picked().empty() ? search.method() : search.picked();
}

std::string FormatSearch(const v1::Search& search) {
  std::string text = search.picked().empty() ? search.method() : fmt::format("auto: {}", search.picked());
  text += fmt::format(", seed {}", search.seed());
  if (search.has_startup_trials()) text += fmt::format(", {} start-up trials", search.startup_trials());
  if (search.has_random_share()) text += fmt::format(", {} random", FormatNumber(search.random_share()));
  if (!search.picked_reason().empty()) text += fmt::format(" ({})", search.picked_reason());
  return text;
}

namespace {

// "1 to 27, factor 3"
template <typename Options>
std::string FormatRungs(const Options& options, int64_t max_resource) {
  return fmt::format("{} to {}, factor {}", options.has_min_resource() ? options.min_resource() : 1,
                     options.has_max_resource() ? options.max_resource() : max_resource,
                     options.has_reduction_factor() ? options.reduction_factor() : 3);
}

std::string FormatThreshold(const v1::ThresholdStopping& options) {
  if (!options.has_upper()) return "threshold from " + FormatNumber(options.lower());
  if (!options.has_lower()) return "threshold to " + FormatNumber(options.upper());
  return fmt::format("threshold {} to {}", FormatNumber(options.lower()), FormatNumber(options.upper()));
}

std::string FormatPatience(const v1::PatienceStopping& options, int64_t max_resource) {
  std::string text = fmt::format("patience {}", options.has_patience() ? options.patience() : 5);
  if (options.min_delta() > 0) text += fmt::format(", min delta {}", FormatNumber(options.min_delta()));
  if (options.has_inner()) text += ", then " + FormatStopping(options.inner(), max_resource);
  return text;
}

}  // namespace

std::string FormatStopping(const v1::EarlyStopping& stopping, int64_t max_resource) {
  switch (stopping.method_case()) {
    case v1::EarlyStopping::kMedian:
      return "median";
    case v1::EarlyStopping::kPercentile:
      return fmt::format(
          "percentile {}",
          FormatNumber(stopping.percentile().has_percentile() ? stopping.percentile().percentile() : 50));
    case v1::EarlyStopping::kAsha: {
      const std::string text = "asha " + FormatRungs(stopping.asha(), max_resource);
      return stopping.asha().brackets() > 1 ? fmt::format("{}, {} brackets", text, stopping.asha().brackets()) : text;
    }
    case v1::EarlyStopping::kAshaStopping:
      return "asha_stopping " + FormatRungs(stopping.asha_stopping(), max_resource);
    case v1::EarlyStopping::kHyperband:
      return "hyperband " + FormatRungs(stopping.hyperband(), max_resource) +
             (stopping.hyperband().synchronous() ? ", synchronous" : "");
    case v1::EarlyStopping::kThreshold:
      return FormatThreshold(stopping.threshold());
    case v1::EarlyStopping::kPatience:
      return FormatPatience(stopping.patience(), max_resource);
    case v1::EarlyStopping::METHOD_NOT_SET:
      break;
  }
  return "none";
}

std::string FormatBracket(const v1::Trial& trial, const v1::Study& study) {
  const v1::EarlyStopping& stopping = study.spec().early_stopping();
  if (!stopping.has_hyperband() && stopping.asha().brackets() <= 1) return "";
  if (study.rungs().empty()) return std::to_string(trial.bracket());
  const auto first = static_cast<int>(trial.bracket() % study.rungs_size());
  if (first + 1 == study.rungs_size()) return fmt::format("{} (never pauses)", trial.bracket());
  return fmt::format("{} (pauses from step {} on)", trial.bracket(), study.rungs(first));
}

std::string FormatSteps(int64_t count, v1::Resource resource) {
  return fmt::format("{} {}{}", count, resource == v1::RESOURCE_STEP ? "step" : "epoch", count == 1 ? "" : "s");
}

}  // namespace athanor::cli
