#include "server/core/search_space.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/core/parameter_check.h"

namespace athanor {
namespace {

constexpr double kTolerance = 1e-9;  // of a step

// Steps from min to the last grid value of a float.
int64_t LastStep(const Parameter& parameter) {
  const double steps = (parameter.max - parameter.min) / *parameter.step;
  // Far from 0 the division itself is off by a few units in the last place.
  return static_cast<int64_t>(std::floor(steps + std::max(kTolerance, steps * 0x1p-50)));
}

int64_t IntStep(const Parameter& parameter) { return static_cast<int64_t>(parameter.step.value_or(1)); }

bool Contains(const std::vector<Value>& values, const Value& value) {
  return std::ranges::find(values, value) != values.end();
}

}  // namespace

double AtFraction(const Parameter& parameter, double fraction) {
  if (fraction <= 0) return parameter.min;
  if (fraction >= 1) return parameter.max;
  double value;
  if (parameter.scale == Scale::kLinear) {
    value = parameter.min + (parameter.max - parameter.min) * fraction;
  } else if (const double ratio = parameter.max / parameter.min; std::isfinite(ratio)) {
    value = parameter.min * std::pow(ratio, fraction);  // keeps decades round: 1e-4, 1e-3, ...
  } else {
    value = std::exp(std::lerp(std::log(parameter.min), std::log(parameter.max), fraction));
  }
  return std::clamp(value, parameter.min, parameter.max);
}

double FractionOf(const Parameter& parameter, double number) {
  if (parameter.min == parameter.max) return 0;
  const double fraction =
      parameter.scale == Scale::kLog
          ? (std::log(number) - std::log(parameter.min)) / (std::log(parameter.max) - std::log(parameter.min))
          // Halves, because the width of a range may overflow.
          : (number / 2 - parameter.min / 2) / (parameter.max / 2 - parameter.min / 2);
  return std::clamp(fraction, 0.0, 1.0);
}

double NumberOf(const Value& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return static_cast<double>(*integer);
  return std::get<double>(value);
}

absl::StatusOr<SearchSpace> SearchSpace::Create(std::vector<Parameter> parameters) {
  std::set<std::string_view> names;
  for (const Parameter& parameter : parameters) {
    ATHANOR_RETURN_IF_ERROR(CheckParameter(parameter));
    if (!names.insert(parameter.name).second)
      return RefuseParameter(parameter, "", "declared twice; want different names");
  }
  SearchSpace space;
  space.parameters_ = std::move(parameters);
  ATHANOR_RETURN_IF_ERROR(space.ResolveConditions());
  ATHANOR_RETURN_IF_ERROR(space.OrderParentsFirst());
  ATHANOR_RETURN_IF_ERROR(space.CountThem());
  return space;
}

absl::Status SearchSpace::ResolveConditions() {
  conditions_.resize(size());
  for (size_t child = 0; child < size(); ++child) {
    const Parameter& parameter = parameters_[child];
    std::set<size_t> parents;
    for (const Condition& condition : parameter.when) {
      const auto parent = IndexOf(condition.parent);
      if (!parent) {
        return RefuseParameter(parameter, ".when",
                               absl::StrCat("\"", condition.parent, "\" is unknown; want another parameter"));
      }
      const std::string key = absl::StrCat(".when.", condition.parent);
      if (!parents.insert(*parent).second) return RefuseParameter(parameter, key, "named twice; want each parent once");
      if (parameters_[*parent].type == ParameterType::kFloat) {
        return RefuseParameter(parameter, key, "is a float; want a categorical or int parameter");
      }
      if (condition.values.empty()) return RefuseParameter(parameter, key, "no values; want at least one");
      for (size_t i = 0; i < condition.values.size(); ++i) {
        const Value& value = condition.values[i];
        const std::string at = absl::StrCat(key, "[", i, "]");
        if (!IndexOfValue(*parent, value)) {
          return RefuseParameter(parameter, at,
                                 absl::StrCat(ToString(value), " (", TypeName(value), ") is not a value of ",
                                              condition.parent, "; want ", DescribeValues(parameters_[*parent])));
        }
        const auto here = condition.values.begin() + static_cast<std::ptrdiff_t>(i);
        if (std::find(condition.values.begin(), here, value) != here) {
          return RefuseParameter(parameter, at,
                                 absl::StrCat(ToString(value), " is there twice; want different values"));
        }
      }
      conditions_[child].push_back({*parent, condition.values});
    }
  }
  return absl::OkStatus();
}

absl::Status SearchSpace::OrderParentsFirst() {
  std::vector<size_t> missing(size());  // parents not yet in order_
  std::vector<std::vector<size_t>> children(size());
  std::set<size_t> ready;
  for (size_t child = 0; child < size(); ++child) {
    missing[child] = conditions_[child].size();
    for (const ResolvedCondition& condition : conditions_[child]) children[condition.parent].push_back(child);
    if (missing[child] == 0) ready.insert(child);
  }
  while (!ready.empty()) {
    const size_t index = ready.extract(ready.begin()).value();
    order_.push_back(index);
    for (const size_t child : children[index]) {
      if (--missing[child] == 0) ready.insert(child);
    }
  }
  if (order_.size() == size()) return absl::OkStatus();

  // Every parameter left has a parent left: walking up must come round.
  const auto left = [&](size_t index) { return missing[index] > 0; };
  size_t at = 0;
  while (!left(at)) ++at;
  std::vector<size_t> path;
  while (std::ranges::find(path, at) == path.end()) {
    path.push_back(at);
    at = std::ranges::find_if(conditions_[at], [&](const auto& condition) { return left(condition.parent); })->parent;
  }
  path.erase(path.begin(), std::ranges::find(path, at));
  std::string cycle = parameters_[at].name;
  for (auto index = path.rbegin(); index != path.rend(); ++index)
    absl::StrAppend(&cycle, " -> ", parameters_[*index].name);
  return RefuseParameter(parameters_[at], ".when",
                         absl::StrCat("makes the cycle ", cycle, "; want parents that do not depend on it"));
}

absl::Status SearchSpace::CountThem() {
  for (const Points points : {Points::kIgnore, Points::kUse}) {
    bool countable = true;
    for (size_t index = 0; index < size(); ++index) countable = countable && CountValues(index, points).has_value();
    if (!countable) continue;
    auto diagram = ConfigurationDiagram::Build(DiagramVariables(points));
    if (!diagram) {
      return absl::InvalidArgumentError(
          absl::StrCat("parameters: the conditions interlock in more than ", ConfigurationDiagram::kMaxNodes,
                       " ways; want children declared next to their parents, or fewer parents a child"));
    }
    diagrams_[static_cast<int>(points)] = std::make_shared<const ConfigurationDiagram>(*std::move(diagram));
  }
  return absl::OkStatus();
}

std::vector<ConfigurationDiagram::Variable> SearchSpace::DiagramVariables(Points points) const {
  std::vector<ConfigurationDiagram::Variable> variables(size());
  // By parent: which conditions (numbered over its children) hold for the values that any of them names.
  std::vector<std::map<int64_t, std::set<size_t>>> named(size());
  for (size_t child = 0; child < size(); ++child) {
    for (const ResolvedCondition& condition : conditions_[child]) {
      for (const Value& value : condition.values)
        named[condition.parent][*IndexOfValue(condition.parent, value)].insert(child);
    }
  }
  for (size_t parent = 0; parent < size(); ++parent) {
    std::map<std::set<size_t>, int> classes;
    const auto class_of = [&](const std::set<size_t>& children) {
      return classes.try_emplace(children, static_cast<int>(classes.size()) + 1).first->second;
    };
    auto& runs = variables[parent].runs;
    int64_t next = 0;
    for (const auto& [value, children] : named[parent]) {
      if (value > next) runs.push_back({next, value - next, class_of({})});
      runs.push_back({value, 1, class_of(children)});
      next = value + 1;
    }
    if (const int64_t count = *CountValues(parent, points); count > next)
      runs.push_back({next, count - next, class_of({})});
    for (const auto& [children, value_class] : classes) {
      for (const size_t child : children) {
        auto& needs = variables[child].needs;
        auto need = std::ranges::find(needs, parent, &ConfigurationDiagram::Need::parent);
        if (need == needs.end()) need = needs.insert(needs.end(), {.parent = parent, .classes = {}});
        need->classes.push_back(value_class);
      }
    }
  }
  return variables;
}

std::optional<size_t> SearchSpace::IndexOf(std::string_view name) const {
  const auto found = std::ranges::find(parameters_, name, &Parameter::name);
  if (found == parameters_.end()) return std::nullopt;
  return static_cast<size_t>(found - parameters_.begin());
}

bool SearchSpace::IsActive(size_t index, const Configuration& configuration) const {
  return std::ranges::all_of(conditions_[index], [&](const ResolvedCondition& condition) {
    const auto& value = configuration[condition.parent];
    return value && Contains(condition.values, *value);
  });
}

std::optional<int64_t> SearchSpace::CountValues(size_t index, Points points) const {
  const Parameter& parameter = parameters_[index];
  switch (parameter.type) {
    case ParameterType::kCategorical:
      return static_cast<int64_t>(parameter.values.size());
    case ParameterType::kInt:
      return (static_cast<int64_t>(parameter.max) - static_cast<int64_t>(parameter.min)) / IntStep(parameter) + 1;
    case ParameterType::kFloat:
      if (parameter.step) return LastStep(parameter) + 1;
      if (parameter.points && points == Points::kUse) return parameter.min == parameter.max ? 1 : *parameter.points;
      return std::nullopt;
  }
  return std::nullopt;
}

Value SearchSpace::ValueAt(size_t index, int64_t k, Points points) const {
  const Parameter& parameter = parameters_[index];
  if (parameter.type == ParameterType::kCategorical) return parameter.values[static_cast<size_t>(k)];
  if (parameter.type == ParameterType::kInt) return static_cast<int64_t>(parameter.min) + k * IntStep(parameter);
  if (parameter.step) return std::min(parameter.min + static_cast<double>(k) * *parameter.step, parameter.max);
  if (points == Points::kIgnore || *parameter.points == 1) return parameter.min;
  return AtFraction(parameter, static_cast<double>(k) / static_cast<double>(*parameter.points - 1));
}

std::optional<int64_t> SearchSpace::CountConfigurations(Points points) const {
  if (size() == 0) return 1;
  const auto& diagram = diagrams_[static_cast<int>(points)];
  return diagram == nullptr ? std::nullopt : diagram->count();
}

Configuration SearchSpace::ConfigurationAt(int64_t rank, Points points) const {
  Configuration configuration(size());
  if (size() == 0) return configuration;
  const std::vector<int64_t> values = diagrams_[static_cast<int>(points)]->At(rank);
  for (size_t index = 0; index < size(); ++index) {
    if (values[index] != ConfigurationDiagram::kAbsent) configuration[index] = ValueAt(index, values[index], points);
  }
  return configuration;
}

std::optional<int64_t> SearchSpace::IndexOfValue(size_t index, const Value& value) const {
  const Parameter& parameter = parameters_[index];
  if (parameter.type == ParameterType::kCategorical) {
    const auto found = std::ranges::find(parameter.values, value);
    if (found == parameter.values.end()) return std::nullopt;
    return found - parameter.values.begin();
  }
  const auto* const number = std::get_if<int64_t>(&value);
  if (parameter.type != ParameterType::kInt || number == nullptr) return std::nullopt;
  const auto min = static_cast<int64_t>(parameter.min);
  const auto max = static_cast<int64_t>(parameter.max);
  if (*number < min || *number > max || (*number - min) % IntStep(parameter) != 0) return std::nullopt;
  return (*number - min) / IntStep(parameter);
}

absl::Status SearchSpace::CheckValue(size_t index, const Value& value) const {
  const Parameter& parameter = parameters_[index];
  bool ok = false;
  if (parameter.type != ParameterType::kFloat) {
    ok = IndexOfValue(index, value).has_value();
  } else if (const auto* number = std::get_if<double>(&value)) {
    ok = *number >= parameter.min && *number <= parameter.max;
    if (ok && parameter.step) {
      const double k = std::round((*number - parameter.min) / *parameter.step);
      const double tolerance = std::max(kTolerance * *parameter.step, std::abs(*number) * 0x1p-51);
      ok = k <= static_cast<double>(LastStep(parameter)) &&
           std::abs(*number - std::get<double>(ValueAt(index, static_cast<int64_t>(k), Points::kIgnore))) <= tolerance;
    }
  }
  if (ok) return absl::OkStatus();
  return RefuseParameter(parameter, "",
                         absl::StrCat(ToString(value), " (", TypeName(value), ") is not one of its values; want ",
                                      DescribeValues(parameter)));
}

absl::Status SearchSpace::Check(const Configuration& configuration) const {
  if (configuration.size() != size()) {
    return absl::InvalidArgumentError(absl::StrCat("parameters: ", configuration.size(),
                                                   " values given; want one for each of ", size(), " parameters"));
  }
  for (size_t index = 0; index < size(); ++index) {
    const auto& value = configuration[index];
    const bool active = IsActive(index, configuration);
    if (active && !value) {
      return RefuseParameter(parameters_[index], "",
                             absl::StrCat("has no value; want ", DescribeValues(parameters_[index])));
    }
    if (!active && value) {
      return RefuseParameter(parameters_[index], "",
                             absl::StrCat(ToString(*value), " is given where it is inactive; want ",
                                          DescribeConditions(parameters_[index])));
    }
    if (value) ATHANOR_RETURN_IF_ERROR(CheckValue(index, *value));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::vector<Value>>> SearchSpace::AllowedValues(const Configuration& partial) const {
  if (partial.size() != size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "parameters: ", partial.size(), " values given; want one or none for each of ", size(), " parameters"));
  }
  std::vector<std::vector<Value>> allowed(size());
  std::vector<bool> needed(size());
  // Children before parents: a needed child needs its parents with one of its values.
  for (auto index = order_.rbegin(); index != order_.rend(); ++index) {
    const Parameter& parameter = parameters_[*index];
    if (partial[*index]) {
      ATHANOR_RETURN_IF_ERROR(CheckValue(*index, *partial[*index]));
      needed[*index] = true;
    }
    if (!needed[*index]) continue;
    for (const ResolvedCondition& condition : conditions_[*index]) {
      std::vector<Value>& values = allowed[condition.parent];
      const auto& given = partial[condition.parent];
      if (given && !Contains(condition.values, *given)) {
        return RefuseParameter(
            parameter, "",
            absl::StrCat("is given or needed, but inactive while ", parameters_[condition.parent].name, " is ",
                         ToString(*given), "; want ", DescribeConditions(parameter)));
      }
      if (!given) {
        if (values.empty()) {  // nothing restricted it yet: an intersection never stays empty
          values = condition.values;
        } else {
          std::erase_if(values, [&](const Value& value) { return !Contains(condition.values, value); });
        }
        if (values.empty()) {
          return RefuseParameter(
              parameter, "",
              absl::StrCat("and other values given need different values of ", parameters_[condition.parent].name,
                           "; want ", DescribeConditions(parameter)));
        }
      }
      needed[condition.parent] = true;
    }
  }
  return allowed;
}

}  // namespace athanor
