#include "server/core/stopping_check.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <variant>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/trainer_options.h"
#include "server/core/spec_refusal.h"

namespace athanor {
namespace {

constexpr int64_t kLargestResource = int64_t{1} << 53;  // exact as a double

// Where the options of the rule at hand stand in the study file, with a dot: "early_stopping." or, of an inner rule,
// "early_stopping.inner.".
using Path = std::string;

absl::Status CheckBoundaries(const Path& path, int64_t warmup_steps, int64_t interval_steps) {
  ATHANOR_RETURN_IF_ERROR(CheckInt(path + "warmup_steps", warmup_steps, 0, kLargestResource));
  return CheckInt(path + "interval_steps", interval_steps, 1, kLargestResource);
}

absl::Status CheckPercentile(const Path& path, const PercentileOptions& options) {
  if (!(options.percentile > 0 && options.percentile < 100)) {
    return Refuse(path + "percentile", ToString(options.percentile), "is out of range; want float in (0, 100)");
  }
  ATHANOR_RETURN_IF_ERROR(CheckInt(path + "startup_trials", options.startup_trials, 0));
  ATHANOR_RETURN_IF_ERROR(CheckBoundaries(path, options.warmup_steps, options.interval_steps));
  return CheckInt(path + "min_trials", options.min_trials, 1);
}

absl::Status CompleteMedian(const Path& path, MedianStopping& median) {
  if (median.percentile == 0) median.percentile = 50;  // left out on the wire
  if (median.percentile != 50) {
    return Refuse(path + "percentile", ToString(median.percentile), "is given to median; want method: percentile");
  }
  return CheckPercentile(path, median);
}

absl::Status CheckThreshold(const Path& path, const ThresholdOptions& options) {
  if (!options.lower && !options.upper) return Refuse(path + "lower", "nothing", "is given; want lower, upper or both");
  for (const auto& [key, bound] : {std::pair("lower", options.lower), std::pair("upper", options.upper)}) {
    if (bound && !std::isfinite(*bound)) {
      return Refuse(path + key, ToString(*bound), "is not finite; want a finite number");
    }
  }
  if (options.lower && options.upper && *options.lower > *options.upper) {
    return Refuse(path + "lower", ToString(*options.lower),
                  absl::StrCat("is above upper; want float <= ", ToString(*options.upper)));
  }
  return CheckBoundaries(path, options.warmup_steps, options.interval_steps);
}

absl::Status CompleteHalving(StudySpec& spec, HalvingOptions& options) {
  const std::string name(ResourceOption(spec.resource));
  const bool tuned = std::ranges::find(spec.parameters, name, &Parameter::name) != spec.parameters.end();
  ATHANOR_RETURN_IF_ERROR(CheckInt("early_stopping.min_resource", options.min_resource, 1, kLargestResource));
  ATHANOR_RETURN_IF_ERROR(CheckInt("early_stopping.max_resource", options.max_resource, 0, kLargestResource));
  ATHANOR_RETURN_IF_ERROR(CheckInt("early_stopping.reduction_factor", options.reduction_factor, 2, 1'000'000));
  ATHANOR_RETURN_IF_ERROR(CheckInt("early_stopping.finalists", options.finalists, 0));
  ATHANOR_RETURN_IF_ERROR(CheckInt("early_stopping.startup_trials", options.startup_trials, 0));
  if (options.max_resource == 0) {
    options.max_resource = TrainerResource(spec);
  } else if (!tuned && !spec.trainer.contains(name)) {
    if (const auto why = WhyRefused(*FindTrainerOption(name), options.max_resource)) {
      return absl::InvalidArgumentError(absl::StrCat("early_stopping.max_resource: as trainer.", name, ": ", *why));
    }
    spec.trainer[name] = options.max_resource;
  }
  if (const int64_t trained = TrainerResource(spec); trained < options.max_resource) {
    const std::string path = absl::StrCat(tuned ? "parameters." : "trainer.", name);
    return Refuse(path, absl::StrCat(trained),
                  absl::StrCat("is below early_stopping.max_resource; want int >= ", options.max_resource));
  }
  if (options.min_resource > options.max_resource) {
    return Refuse("early_stopping.min_resource", absl::StrCat(options.min_resource),
                  absl::StrCat("is above max_resource; want int in [1, ", options.max_resource, "]"));
  }
  return absl::OkStatus();
}

// Of the two rules that promote.
absl::Status RefuseStartupTrials(const HalvingOptions& options, const char* rule) {
  if (options.startup_trials == 0) return absl::OkStatus();
  return Refuse("early_stopping.startup_trials", absl::StrCat(options.startup_trials),
                absl::StrCat("is given to ", rule, "; only asha_stopping has it"));
}

struct CompleteInner {
  const Path path = "early_stopping.inner.";

  absl::Status operator()(NoStopping&) const { return absl::OkStatus(); }
  absl::Status operator()(MedianStopping& options) const { return CompleteMedian(path, options); }
  absl::Status operator()(PercentileStopping& options) const { return CheckPercentile(path, options); }
  absl::Status operator()(ThresholdStopping& options) const { return CheckThreshold(path, options); }
};

struct CompleteRule {
  StudySpec& spec;
  const Path path = "early_stopping.";

  absl::Status operator()(NoStopping&) const { return absl::OkStatus(); }
  absl::Status operator()(MedianStopping& options) const { return CompleteMedian(path, options); }
  absl::Status operator()(PercentileStopping& options) const { return CheckPercentile(path, options); }
  absl::Status operator()(AshaPromotion& options) const {
    ATHANOR_RETURN_IF_ERROR(RefuseStartupTrials(options, "asha"));
    ATHANOR_RETURN_IF_ERROR(CheckInt(path + "brackets", options.brackets, 1));
    return CompleteHalving(spec, options);
  }
  absl::Status operator()(AshaStopping& options) const {
    if (options.finalists > HalvingOptions{}.finalists) {
      return Refuse(path + "finalists", absl::StrCat(options.finalists),
                    "is given to asha_stopping; only asha and hyperband have it");
    }
    return CompleteHalving(spec, options);
  }
  absl::Status operator()(Hyperband& options) const {
    ATHANOR_RETURN_IF_ERROR(RefuseStartupTrials(options, "hyperband"));
    return CompleteHalving(spec, options);
  }
  absl::Status operator()(ThresholdStopping& options) const { return CheckThreshold(path, options); }
  absl::Status operator()(PatienceStopping& options) const {
    ATHANOR_RETURN_IF_ERROR(CheckInt(path + "patience", options.patience, 0, kLargestResource));
    if (!std::isfinite(options.min_delta) || options.min_delta < 0) {
      return Refuse(path + "min_delta", ToString(options.min_delta), "is out of range; want float >= 0");
    }
    return std::visit(CompleteInner{}, options.inner);
  }
};

}  // namespace

absl::Status CompleteStopping(StudySpec& spec) { return std::visit(CompleteRule{spec}, spec.early_stopping); }

}  // namespace athanor
