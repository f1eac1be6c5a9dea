#include "server/core/parameter_check.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"

namespace athanor {
namespace {

constexpr double kLargestInt = 0x1p53;

std::string JoinValues(const std::vector<Value>& values) {
  return absl::StrJoin(values, ", ", [](std::string* out, const Value& value) { out->append(ToString(value)); });
}

bool IsInteger(double number) { return std::abs(number) <= kLargestInt && number == std::floor(number); }

absl::Status CheckCategorical(const Parameter& parameter) {
  if (parameter.min != 0 || parameter.max != 0)
    return RefuseParameter(parameter, "", "min and max given; a categorical wants values only");
  if (parameter.scale != Scale::kLinear)
    return RefuseParameter(parameter, ".scale", "given; a categorical wants values only");
  if (parameter.step) return RefuseParameter(parameter, ".step", "given; a categorical wants values only");
  if (parameter.points) return RefuseParameter(parameter, ".points", "given; a categorical wants values only");
  if (parameter.values.empty()) return RefuseParameter(parameter, ".values", "is empty; want at least one value");
  for (size_t i = 0; i < parameter.values.size(); ++i) {
    const Value& value = parameter.values[i];
    const std::string key = absl::StrCat(".values[", i, "]");
    if (const auto* number = std::get_if<double>(&value); number != nullptr && !std::isfinite(*number)) {
      return RefuseParameter(parameter, key, absl::StrCat(ToString(value), " is not finite; want finite values"));
    }
    const auto here = parameter.values.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(parameter.values.begin(), here, value) != here) {
      return RefuseParameter(parameter, key, absl::StrCat(ToString(value), " is there twice; want different values"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckBounds(const Parameter& parameter) {
  for (const auto& [key, bound] : {std::pair(".min", parameter.min), std::pair(".max", parameter.max)}) {
    if (!std::isfinite(bound))
      return RefuseParameter(parameter, key, absl::StrCat(ToString(bound), " is not finite; want a finite number"));
    if (parameter.type == ParameterType::kInt && !IsInteger(bound)) {
      return RefuseParameter(parameter, key,
                             absl::StrCat(ToString(bound), " is not an int; want an int in [-2^53, 2^53]"));
    }
  }
  if (parameter.min > parameter.max) {
    return RefuseParameter(parameter, ".min",
                           absl::StrCat(NumberText(parameter, parameter.min), " is above max ",
                                        NumberText(parameter, parameter.max), "; want min <= max"));
  }
  if (parameter.scale == Scale::kLog && parameter.min <= 0) {
    return RefuseParameter(
        parameter, ".min",
        absl::StrCat(NumberText(parameter, parameter.min), " is not positive; want min > 0 on a log scale"));
  }
  if (!std::isfinite(parameter.max - parameter.min)) {
    return RefuseParameter(parameter, ".max",
                           absl::StrCat(NumberText(parameter, parameter.max),
                                        " is too far from min; want a range that a double can hold"));
  }
  return absl::OkStatus();
}

// The distance between neighbouring values must be at least two units in the last place, or some would coincide.
bool TooFine(const Parameter& parameter, double distance) {
  const double largest = std::max(std::abs(parameter.min), std::abs(parameter.max));
  return distance / 2 < std::nextafter(largest, std::numeric_limits<double>::infinity()) - largest;
}

absl::Status CheckStep(const Parameter& parameter) {
  const double step = *parameter.step;
  const auto refuse = [&](const std::string& why) {
    return RefuseParameter(parameter, ".step", absl::StrCat(NumberText(parameter, step), " ", why));
  };
  if (!std::isfinite(step) || step <= 0) return refuse("is not positive; want a finite step > 0");
  if (parameter.type == ParameterType::kInt && !IsInteger(step))
    return refuse("is not an int; want an int in [1, 2^53]");
  if (parameter.type == ParameterType::kFloat && TooFine(parameter, step)) {
    return refuse("is too fine for the range; want a larger step");
  }
  return absl::OkStatus();
}

absl::Status CheckPoints(const Parameter& parameter) {
  const int64_t points = *parameter.points;
  const auto refuse = [&](const std::string& why) {
    return RefuseParameter(parameter, ".points", absl::StrCat(points, " ", why));
  };
  if (parameter.type != ParameterType::kFloat) return refuse("is given for an int; want step");
  if (parameter.step) return refuse("is given beside step; want one of them");
  if (points < 1) return refuse("is not positive; want an int >= 1");
  if (points == 1 || parameter.min == parameter.max) return absl::OkStatus();
  // On a log scale neighbours are apart by a factor; next to a value they are as far apart as that factor's logarithm
  // times the value.
  const double intervals = static_cast<double>(points) - 1;
  const bool too_fine = parameter.scale == Scale::kLinear
                            ? TooFine(parameter, (parameter.max - parameter.min) / intervals)
                            : (std::log(parameter.max) - std::log(parameter.min)) / intervals < 0x1p-48;
  return too_fine ? refuse("is too many for the range; want fewer points") : absl::OkStatus();
}

}  // namespace

absl::Status RefuseParameter(const Parameter& parameter, const std::string& key, const std::string& why) {
  return absl::InvalidArgumentError(absl::StrCat("parameters.", parameter.name, key, ": ", why));
}

absl::Status CheckParameter(const Parameter& parameter) {
  if (parameter.name.empty()) return absl::InvalidArgumentError("parameters: \"\" is an empty name; want a name");
  if (parameter.type == ParameterType::kCategorical) return CheckCategorical(parameter);
  if (!parameter.values.empty()) return RefuseParameter(parameter, ".values", "given; a number wants min and max");
  ATHANOR_RETURN_IF_ERROR(CheckBounds(parameter));
  if (parameter.step) ATHANOR_RETURN_IF_ERROR(CheckStep(parameter));
  if (parameter.points) ATHANOR_RETURN_IF_ERROR(CheckPoints(parameter));
  return absl::OkStatus();
}

std::string NumberText(const Parameter& parameter, double number) {
  if (parameter.type == ParameterType::kInt && IsInteger(number)) return absl::StrCat(static_cast<int64_t>(number));
  return ToString(number);
}

std::string DescribeValues(const Parameter& parameter) {
  if (parameter.type == ParameterType::kCategorical) return absl::StrCat("one of ", JoinValues(parameter.values));
  std::string text =
      absl::StrCat(parameter.type == ParameterType::kInt ? "int" : "float", " in [",
                   NumberText(parameter, parameter.min), ", ", NumberText(parameter, parameter.max), "]");
  if (parameter.step) absl::StrAppend(&text, " by ", NumberText(parameter, *parameter.step));
  return text;
}

std::string DescribeConditions(const Parameter& parameter) {
  if (parameter.when.empty()) return "no condition";
  return absl::StrJoin(parameter.when, " and ", [](std::string* out, const Condition& condition) {
    absl::StrAppend(out, condition.parent, " in [", JoinValues(condition.values), "]");
  });
}

}  // namespace athanor
