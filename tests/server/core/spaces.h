// Short spellings for spaces in tests, random small spaces, and every configuration of one by brute force.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "server/core/search_space.h"

namespace athanor::testing {

inline Parameter Float(std::string name, double min, double max, Scale scale = Scale::kLinear) {
  return {.name = std::move(name), .type = ParameterType::kFloat, .min = min, .max = max, .scale = scale};
}
inline Parameter Stepped(Parameter parameter, double step) {
  parameter.step = step;
  return parameter;
}
inline Parameter Pointed(Parameter parameter, int64_t points) {
  parameter.points = points;
  return parameter;
}
inline Parameter Int(std::string name, double min, double max, Scale scale = Scale::kLinear) {
  return {.name = std::move(name), .type = ParameterType::kInt, .min = min, .max = max, .scale = scale};
}
inline Parameter Choice(std::string name, std::vector<Value> values) {
  return {.name = std::move(name), .type = ParameterType::kCategorical, .values = std::move(values)};
}
inline Parameter When(Parameter parameter, std::string parent, std::vector<Value> values) {
  parameter.when.push_back({std::move(parent), std::move(values)});
  return parameter;
}
inline Value Text(std::string text) { return text; }
inline Value Number(int64_t number) { return number; }

// A space that must be valid.
inline SearchSpace Space(std::vector<Parameter> parameters) {
  return SearchSpace::Create(std::move(parameters)).value();
}

// "a=1 b=- c=0.5"
inline std::string Print(const SearchSpace& space, const Configuration& configuration) {
  std::string text;
  for (size_t i = 0; i < space.size(); ++i) {
    text +=
        (i == 0 ? "" : " ") + space.parameters()[i].name + "=" + (configuration[i] ? ToString(*configuration[i]) : "-");
  }
  return text;
}

// Two to six parameters of one to three values, ints and categories, with conditions on one or two others; declared in
// any order.
inline std::vector<Parameter> RandomFiniteParameters(Random& random) {
  const size_t size = 2 + random.Below(5);
  std::vector<Parameter> parameters;
  std::vector<std::vector<Value>> values;
  for (size_t i = 0; i < size; ++i) {
    const std::string name(1, static_cast<char>('a' + i));
    const auto count = static_cast<int64_t>(1 + random.Below(3));
    values.emplace_back();
    if (random.Below(2) == 0) {
      for (int64_t k = 0; k < count; ++k) values.back().emplace_back(k * 2 + 3);
      parameters.push_back(Stepped(Int(name, 3, static_cast<double>(3 + 2 * (count - 1))), 2));
    } else {
      for (int64_t k = 0; k < count; ++k) values.back().emplace_back(std::string(1, static_cast<char>('x' + k)));
      parameters.push_back(Choice(name, values.back()));
    }
  }
  // A parameter may depend on those that a permutation puts before it, so parents may be declared after their children.
  const uint64_t seed = random.Next();
  for (size_t place = 1; place < size; ++place) {
    if (random.Below(3) == 0) continue;
    Parameter& child = parameters[Permute(seed, size, place)];
    for (size_t earlier = 0; earlier < place && child.when.size() < 2; ++earlier) {
      if (random.Below(2) == 0) continue;
      const size_t parent = Permute(seed, size, earlier);
      Condition condition{parameters[parent].name, {}};
      for (const Value& value : values[parent]) {
        if (random.Below(2) == 0) condition.values.push_back(value);
      }
      if (!condition.values.empty()) child.when.push_back(condition);
    }
  }
  return parameters;
}

// Every configuration in declared order, the last parameter fastest, absent before values: all assignments, those that
// break a condition thrown out.
inline std::vector<Configuration> EveryConfiguration(const SearchSpace& space) {
  const auto holds = [&](const Configuration& configuration, const Condition& condition) {
    for (size_t i = 0; i < space.size(); ++i) {
      if (space.parameters()[i].name != condition.parent || !configuration[i]) continue;
      for (const Value& wanted : condition.values) {
        if (wanted == *configuration[i]) return true;
      }
    }
    return false;
  };
  std::vector<Configuration> all = {{}};
  for (size_t i = 0; i < space.size(); ++i) {
    std::vector<Configuration> longer;
    for (const Configuration& prefix : all) {
      for (int64_t k = -1; k < *space.CountValues(i, SearchSpace::Points::kUse); ++k) {
        longer.push_back(prefix);
        if (k < 0) {
          longer.back().push_back(std::nullopt);
        } else {
          longer.back().push_back(space.ValueAt(i, k, SearchSpace::Points::kUse));
        }
      }
    }
    all = std::move(longer);
  }
  std::vector<Configuration> valid;
  for (const Configuration& configuration : all) {
    bool ok = true;
    for (size_t i = 0; i < space.size() && ok; ++i) {
      bool active = true;
      for (const Condition& condition : space.parameters()[i].when) active = active && holds(configuration, condition);
      ok = active == configuration[i].has_value();
    }
    if (ok) valid.push_back(configuration);
  }
  return valid;
}

}  // namespace athanor::testing
