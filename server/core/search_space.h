// The parameters of a study and the configurations they span.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/value.h"
#include "server/core/configuration_diagram.h"

namespace athanor {

enum class ParameterType { kFloat, kInt, kCategorical };
enum class Scale { kLinear, kLog };

// Holds while the parent is active with one of `values`.
struct Condition {
  std::string parent;
  std::vector<Value> values;
  bool operator==(const Condition&) const = default;
};

struct Parameter {
  std::string name;
  ParameterType type = ParameterType::kFloat;
  // Inclusive. kInt bounds are exact up to 2^53.
  double min = 0;
  double max = 0;
  Scale scale = Scale::kLinear;
  std::optional<double> step = {};     // values lie on min + k * step; > 0
  std::optional<int64_t> points = {};  // kFloat under a grid: evenly spaced on `scale`, both ends included
  std::vector<Value> values = {};      // kCategorical, in the order given
  std::vector<Condition> when = {};    // all must hold; empty = always active
  bool operator==(const Parameter&) const = default;
};

// One value a parameter, in the order of the space; nullopt where the parameter is inactive. kFloat holds double, kInt
// int64_t, kCategorical whatever type its choice has.
using Configuration = std::vector<std::optional<Value>>;

// The value at `fraction` in [0, 1] of the way from min to max of a kFloat or kInt parameter on its scale: 0 gives min,
// 1 gives max exactly, and rounding never leaves the range.
double AtFraction(const Parameter& parameter, double fraction);
// Its inverse, up to rounding: where `number` lies between min (0) and max (1) on the parameter's scale. Beyond them it
// is 0 or 1; 0 if they are equal.
double FractionOf(const Parameter& parameter, double number);
// The number that a value of a kFloat or kInt parameter is.
double NumberOf(const Value& value);

// An immutable, checked list of parameters. Thread-safe; cheap to copy.
class SearchSpace {
 public:
  // Of nothing: one empty configuration.
  SearchSpace() = default;
  // INVALID_ARGUMENT whose message starts with the key path ("parameters.momentum.max: ...") on: a duplicate or empty
  // name, an empty range, min > max, a non-finite bound, a log scale with min <= 0, a step that is not positive or too
  // fine for doubles to tell its values apart, points < 1, no values, a duplicate value, a key that its type does not
  // have, int bounds that are not integers up to 2^53, a `when` that names an unknown parent or value, a parent that is
  // a float (equality on floats is no condition), a cycle, or conditions that interlock in more ways than can be
  // counted (ConfigurationDiagram::kMaxNodes).
  static absl::StatusOr<SearchSpace> Create(std::vector<Parameter> parameters);

  std::span<const Parameter> parameters() const { return parameters_; }
  size_t size() const { return parameters_.size(); }
  // nullopt if unknown.
  std::optional<size_t> IndexOf(std::string_view name) const;
  // Parameter indices, parents before children; otherwise in declared order.
  std::span<const size_t> topological_order() const { return order_; }

  // Whether parameter `index` is active, given the values of its parents in `configuration`: each is there, and one of
  // those wanted. A child of an inactive parent is inactive, because its parent has no value.
  bool IsActive(size_t index, const Configuration& configuration) const;

  // The values a parameter can take where they are countable: ints, categories, floats with a step; with kUse also
  // floats with points. In ascending (categories: given) order. nullopt for a continuous float.
  //
  // The last value of a float with a step is the largest min + k * step that is at most max, give or take 1e-9 of a
  // step: 0 to 0.3 by 0.1 has four values although 3 * 0.1 > 0.3 in doubles; the last is then max itself. `points` of a
  // range with min == max are one value.
  enum class Points { kIgnore, kUse };
  std::optional<int64_t> CountValues(size_t index, Points points = Points::kIgnore) const;
  // 0 <= k < CountValues.
  Value ValueAt(size_t index, int64_t k, Points points = Points::kIgnore) const;

  // The number of distinct configurations (inactive parameters absent), nullopt if a float is continuous or it exceeds
  // 2^62. Exact. O(parameters).
  std::optional<int64_t> CountConfigurations(Points points = Points::kIgnore) const;
  // Configuration `rank` of them in declared order, the last parameter fastest, absent before every value. 0 <= rank <
  // CountConfigurations.
  Configuration ConfigurationAt(int64_t rank, Points points = Points::kIgnore) const;

  // INVALID_ARGUMENT with key path unless every active parameter has a value of its type, in range and on its grid (a
  // float within 1e-9 of a step), and every inactive one has none.
  absl::Status Check(const Configuration& configuration) const;

  // For a configuration of which only some values are given (nullopt: left open): by parameter, the values of which it
  // must take one so that every given one is active; empty where it may take any. INVALID_ARGUMENT with key path, as
  // Check, if a given value is wrong by itself or no completion has them all. Given parameters come back with an empty
  // list.
  absl::StatusOr<std::vector<std::vector<Value>>> AllowedValues(const Configuration& partial) const;

 private:
  // Wanted values of one parent, resolved.
  struct ResolvedCondition {
    size_t parent;
    std::vector<Value> values;
  };

  absl::Status ResolveConditions();
  absl::Status OrderParentsFirst();
  absl::Status CountThem();
  absl::Status CheckValue(size_t index, const Value& value) const;
  std::optional<int64_t> IndexOfValue(size_t index, const Value& value) const;
  std::vector<ConfigurationDiagram::Variable> DiagramVariables(Points points) const;

  std::vector<Parameter> parameters_;
  std::vector<size_t> order_;
  std::vector<std::vector<ResolvedCondition>> conditions_;  // by parameter
  // By Points; null where a float is continuous.
  std::shared_ptr<const ConfigurationDiagram> diagrams_[2];
};

}  // namespace athanor
