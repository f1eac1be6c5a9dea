#include "server/rpc/convert_stopping.h"

#include <string>
#include <variant>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace athanor {
namespace {

void Read(const v1::PercentileStopping& proto, PercentileOptions& options) {
  if (proto.has_percentile()) options.percentile = proto.percentile();
  if (proto.has_startup_trials()) options.startup_trials = proto.startup_trials();
  options.warmup_steps = proto.warmup_steps();
  if (proto.has_interval_steps()) options.interval_steps = proto.interval_steps();
  if (proto.has_min_trials()) options.min_trials = proto.min_trials();
}

void Write(const PercentileOptions& options, v1::PercentileStopping& proto) {
  proto.set_percentile(options.percentile);
  proto.set_startup_trials(options.startup_trials);
  proto.set_warmup_steps(options.warmup_steps);
  proto.set_interval_steps(options.interval_steps);
  proto.set_min_trials(options.min_trials);
}

// What HalvingStopping and HyperbandStopping have in common.
template <typename Proto>
absl::Status ReadRungs(const Proto& proto, HalvingOptions& options) {
  if (proto.has_min_resource()) options.min_resource = proto.min_resource();
  if (proto.has_max_resource()) {
    // In the domain 0 stands for "what the trainer trains for", which nobody asked for here.
    if (proto.max_resource() < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("early_stopping.max_resource: ", proto.max_resource(), " is too small; want int >= 1"));
    }
    options.max_resource = proto.max_resource();
  }
  if (proto.has_reduction_factor()) options.reduction_factor = proto.reduction_factor();
  if (proto.has_finalists()) options.finalists = proto.finalists();
  return absl::OkStatus();
}

template <typename Proto>
void WriteRungs(const HalvingOptions& options, Proto& proto) {
  proto.set_min_resource(options.min_resource);
  if (options.max_resource > 0) proto.set_max_resource(options.max_resource);
  proto.set_reduction_factor(options.reduction_factor);
  proto.set_finalists(options.finalists);
}

void Read(const v1::ThresholdStopping& proto, ThresholdOptions& options) {
  if (proto.has_lower()) options.lower = proto.lower();
  if (proto.has_upper()) options.upper = proto.upper();
  options.warmup_steps = proto.warmup_steps();
  if (proto.has_interval_steps()) options.interval_steps = proto.interval_steps();
}

absl::StatusOr<EarlyStoppingOptions> ReadAsha(const v1::HalvingStopping& proto) {
  AshaPromotion options;
  ATHANOR_RETURN_IF_ERROR(ReadRungs(proto, options));
  options.startup_trials = proto.startup_trials();
  if (proto.has_brackets()) options.brackets = proto.brackets();
  return options;
}

absl::StatusOr<EarlyStoppingOptions> ReadAshaStopping(const v1::HalvingStopping& proto) {
  AshaStopping options;
  ATHANOR_RETURN_IF_ERROR(ReadRungs(proto, options));
  options.startup_trials = proto.startup_trials();
  if (proto.has_brackets()) {
    return absl::InvalidArgumentError(
        absl::StrCat("early_stopping.brackets: ", proto.brackets(), " is given to asha_stopping; only asha has it"));
  }
  return options;
}

absl::StatusOr<EarlyStoppingOptions> ReadHyperband(const v1::HyperbandStopping& proto) {
  Hyperband options;
  ATHANOR_RETURN_IF_ERROR(ReadRungs(proto, options));
  options.synchronous = proto.synchronous();
  return options;
}

template <typename Options, typename Proto>
Options Made(const Proto& proto) {
  Options options;
  Read(proto, options);
  return options;
}

absl::StatusOr<InnerStopping> ReadInner(const v1::EarlyStopping& proto) {
  switch (proto.method_case()) {
    case v1::EarlyStopping::kMedian:
      return Made<MedianStopping>(proto.median());
    case v1::EarlyStopping::kPercentile:
      return Made<PercentileStopping>(proto.percentile());
    case v1::EarlyStopping::kThreshold:
      return Made<ThresholdStopping>(proto.threshold());
    case v1::EarlyStopping::METHOD_NOT_SET:
      return NoStopping{};
    default:
      break;
  }
  const std::string name = proto.has_patience() ? "patience itself" : "a rule with rungs";
  return absl::InvalidArgumentError(
      absl::StrCat("early_stopping.inner.method: ", name, " cannot be asked; want median, percentile or threshold"));
}

absl::StatusOr<EarlyStoppingOptions> ReadPatience(const v1::PatienceStopping& proto) {
  PatienceStopping options;
  if (proto.has_patience()) options.patience = proto.patience();
  options.min_delta = proto.min_delta();
  ATHANOR_ASSIGN_OR_RETURN(options.inner, ReadInner(proto.inner()));
  return options;
}

struct WriteRule {
  v1::EarlyStopping& proto;

  void operator()(const NoStopping&) const {}
  void operator()(const MedianStopping& options) const { Write(options, *proto.mutable_median()); }
  void operator()(const PercentileStopping& options) const { Write(options, *proto.mutable_percentile()); }
  void operator()(const AshaPromotion& options) const {
    WriteRungs(options, *proto.mutable_asha());
    proto.mutable_asha()->set_startup_trials(options.startup_trials);
    proto.mutable_asha()->set_brackets(options.brackets);
  }
  void operator()(const AshaStopping& options) const {
    WriteRungs(options, *proto.mutable_asha_stopping());
    proto.mutable_asha_stopping()->set_startup_trials(options.startup_trials);
  }
  void operator()(const Hyperband& options) const {
    WriteRungs(options, *proto.mutable_hyperband());
    proto.mutable_hyperband()->set_synchronous(options.synchronous);
  }
  void operator()(const ThresholdStopping& options) const {
    v1::ThresholdStopping& threshold = *proto.mutable_threshold();
    if (options.lower.has_value()) threshold.set_lower(*options.lower);
    if (options.upper.has_value()) threshold.set_upper(*options.upper);
    threshold.set_warmup_steps(options.warmup_steps);
    threshold.set_interval_steps(options.interval_steps);
  }
  void operator()(const PatienceStopping& options) const {
    v1::PatienceStopping& patience = *proto.mutable_patience();
    patience.set_patience(options.patience);
    patience.set_min_delta(options.min_delta);
    if (std::holds_alternative<NoStopping>(options.inner)) return;
    std::visit(WriteRule{*patience.mutable_inner()}, options.inner);
  }
};

}  // namespace

v1::EarlyStopping ToProto(const EarlyStoppingOptions& options) {
  v1::EarlyStopping proto;
  std::visit(WriteRule{proto}, options);
  return proto;
}

absl::StatusOr<EarlyStoppingOptions> FromProto(const v1::EarlyStopping& proto) {
  switch (proto.method_case()) {
    case v1::EarlyStopping::kMedian:
      return Made<MedianStopping>(proto.median());
    case v1::EarlyStopping::kPercentile:
      return Made<PercentileStopping>(proto.percentile());
    case v1::EarlyStopping::kAsha:
      return ReadAsha(proto.asha());
    case v1::EarlyStopping::kAshaStopping:
      return ReadAshaStopping(proto.asha_stopping());
    case v1::EarlyStopping::kHyperband:
      return ReadHyperband(proto.hyperband());
    case v1::EarlyStopping::kThreshold:
      return Made<ThresholdStopping>(proto.threshold());
    case v1::EarlyStopping::kPatience:
      return ReadPatience(proto.patience());
    case v1::EarlyStopping::METHOD_NOT_SET:
      break;
  }
  return NoStopping{};
}

}  // namespace athanor
