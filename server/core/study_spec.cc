#include "server/core/study_spec.h"

#include <algorithm>

#include "base/trainer_options.h"

namespace athanor {
namespace {

// The largest value that a tuned int option can take.
int64_t LargestInt(const Parameter& parameter) {
  if (parameter.type == ParameterType::kInt) {
    const auto min = static_cast<int64_t>(parameter.min);
    const auto step = static_cast<int64_t>(parameter.step.value_or(1));
    return min + (static_cast<int64_t>(parameter.max) - min) / step * step;
  }
  int64_t largest = 0;
  for (const Value& value : parameter.values) {
    if (const auto* number = std::get_if<int64_t>(&value)) largest = std::max(largest, *number);
  }
  return largest;
}

struct NameOf {
  std::string_view operator()(const NoStopping&) const { return "none"; }
  std::string_view operator()(const MedianStopping&) const { return "median"; }
  std::string_view operator()(const PercentileStopping&) const { return "percentile"; }
  std::string_view operator()(const AshaPromotion&) const { return "asha"; }
  std::string_view operator()(const AshaStopping&) const { return "asha_stopping"; }
  std::string_view operator()(const Hyperband&) const { return "hyperband"; }
  std::string_view operator()(const ThresholdStopping&) const { return "threshold"; }
  std::string_view operator()(const PatienceStopping&) const { return "patience"; }
};

}  // namespace

std::string_view ResourceOption(Resource resource) { return resource == Resource::kEpoch ? "epochs" : "steps"; }

int64_t TrainerResource(const StudySpec& spec) {
  const std::string_view name = ResourceOption(spec.resource);
  if (const auto fixed = spec.trainer.find(std::string(name)); fixed != spec.trainer.end()) {
    return std::get<int64_t>(fixed->second);
  }
  const int64_t by_default = std::get<int64_t>(FindTrainerOption(name)->default_value);
  const auto tuned = std::ranges::find(spec.parameters, name, &Parameter::name);
  if (tuned == spec.parameters.end()) return by_default;
  // Where a condition leaves it out, the trainer's default is in force.
  return tuned->when.empty() ? LargestInt(*tuned) : std::max(LargestInt(*tuned), by_default);
}

const HalvingOptions* Halving(const EarlyStoppingOptions& options) {
  if (const auto* promotion = std::get_if<AshaPromotion>(&options)) return promotion;
  if (const auto* hyperband = std::get_if<Hyperband>(&options)) return hyperband;
  return std::get_if<AshaStopping>(&options);
}

int64_t MaxResource(const StudySpec& spec) {
  const HalvingOptions* const halving = Halving(spec.early_stopping);
  return halving != nullptr && halving->max_resource > 0 ? halving->max_resource : TrainerResource(spec);
}

std::string_view StoppingName(const EarlyStoppingOptions& options) { return std::visit(NameOf{}, options); }

}  // namespace athanor
