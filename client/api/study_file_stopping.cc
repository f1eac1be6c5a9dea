#include "client/api/study_file_stopping.h"

#include <optional>
#include <utility>
#include <vector>

#include "client/api/study_file_fields.h"

namespace athanor {
namespace {

using fields::AlreadyRead;
using fields::Bool;
using fields::Float;
using fields::Int;
using fields::Peek;
using fields::ReadWord;
using fields::Section;

enum class Method { kNone, kMedian, kPercentile, kAsha, kAshaStopping, kHyperband, kThreshold, kPatience };
using MethodNames = std::vector<std::pair<std::string_view, Method>>;

// Without `percentile` for the median, which is the one at 50.
enum class PercentileRule { kMedian, kAny };
absl::Status ReadPercentile(const YamlNode& node, PercentileRule rule, v1::PercentileStopping* options) {
  Section section(node);
  section.Required("method", AlreadyRead());
  if (rule == PercentileRule::kAny)
    section.Optional("percentile", Float([=](double value) { options->set_percentile(value); }));
  return section.Optional("startup_trials", Int([=](int64_t value) { options->set_startup_trials(value); }))
      .Optional("warmup_steps", Int([=](int64_t value) { options->set_warmup_steps(value); }))
      .Optional("interval_steps", Int([=](int64_t value) { options->set_interval_steps(value); }))
      .Optional("min_trials", Int([=](int64_t value) { options->set_min_trials(value); }))
      .Read();
}

// What HalvingStopping and HyperbandStopping have in common.
template <typename Options>
Section RungSection(const YamlNode& node, Options* options) {
  return Section(node)
      .Required("method", AlreadyRead())
      .Optional("min_resource", Int([=](int64_t value) { options->set_min_resource(value); }))
      .Optional("max_resource", Int([=](int64_t value) { options->set_max_resource(value); }))
      .Optional("reduction_factor", Int([=](int64_t value) { options->set_reduction_factor(value); }));
}

absl::Status ReadAsha(const YamlNode& node, v1::HalvingStopping* options) {
  return RungSection(node, options)
      .Optional("finalists", Int([=](int64_t value) { options->set_finalists(value); }))
      .Optional("brackets", Int([=](int64_t value) { options->set_brackets(value); }))
      .Read();
}

absl::Status ReadAshaStopping(const YamlNode& node, v1::HalvingStopping* options) {
  return RungSection(node, options)
      .Optional("startup_trials", Int([=](int64_t value) { options->set_startup_trials(value); }))
      .Read();
}

absl::Status ReadHyperband(const YamlNode& node, v1::HyperbandStopping* options) {
  return RungSection(node, options)
      .Optional("finalists", Int([=](int64_t value) { options->set_finalists(value); }))
      .Optional("synchronous", Bool([=](bool value) { options->set_synchronous(value); }))
      .Read();
}

absl::Status ReadThreshold(const YamlNode& node, v1::ThresholdStopping* options) {
  return Section(node)
      .Required("method", AlreadyRead())
      .Optional("lower", Float([=](double value) { options->set_lower(value); }))
      .Optional("upper", Float([=](double value) { options->set_upper(value); }))
      .Optional("warmup_steps", Int([=](int64_t value) { options->set_warmup_steps(value); }))
      .Optional("interval_steps", Int([=](int64_t value) { options->set_interval_steps(value); }))
      .Read();
}

absl::Status ReadRule(const YamlNode& node, const MethodNames& methods, v1::EarlyStopping* stopping);

absl::Status ReadPatience(const YamlNode& node, v1::PatienceStopping* options) {
  const auto inner = [options](const YamlNode& value) {
    const MethodNames methods = {
        {"median", Method::kMedian}, {"percentile", Method::kPercentile}, {"threshold", Method::kThreshold}};
    return ReadRule(value, methods, options->mutable_inner());
  };
  return Section(node)
      .Required("method", AlreadyRead())
      .Optional("patience", Int([=](int64_t value) { options->set_patience(value); }))
      .Optional("min_delta", Float([=](double value) { options->set_min_delta(value); }))
      .Optional("inner", inner)
      .Read();
}

absl::Status ReadRule(const YamlNode& node, const MethodNames& methods, v1::EarlyStopping* stopping) {
  const std::optional<YamlNode> child = Peek(node, "method");
  if (!child) return Section(node).Required("method", AlreadyRead()).Read();
  ATHANOR_ASSIGN_OR_RETURN(const Method method, ReadWord(*child, methods));
  switch (method) {
    case Method::kMedian:
      return ReadPercentile(node, PercentileRule::kMedian, stopping->mutable_median());
    case Method::kPercentile:
      return ReadPercentile(node, PercentileRule::kAny, stopping->mutable_percentile());
    case Method::kAsha:
      return ReadAsha(node, stopping->mutable_asha());
    case Method::kAshaStopping:
      return ReadAshaStopping(node, stopping->mutable_asha_stopping());
    case Method::kHyperband:
      return ReadHyperband(node, stopping->mutable_hyperband());
    case Method::kThreshold:
      return ReadThreshold(node, stopping->mutable_threshold());
    case Method::kPatience:
      return ReadPatience(node, stopping->mutable_patience());
    case Method::kNone:
      break;
  }
  return Section(node).Required("method", AlreadyRead()).Read();
}

}  // namespace

absl::Status ReadEarlyStopping(const YamlNode& node, v1::EarlyStopping* stopping) {
  return ReadRule(node,
                  {{"asha", Method::kAsha},
                   {"asha_stopping", Method::kAshaStopping},
                   {"hyperband", Method::kHyperband},
                   {"median", Method::kMedian},
                   {"none", Method::kNone},
                   {"patience", Method::kPatience},
                   {"percentile", Method::kPercentile},
                   {"threshold", Method::kThreshold}},
                  stopping);
}

}  // namespace athanor
