// The parameters of a study and the configurations they span.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/value.h"

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
  std::optional<double> step;     // values lie on min + k * step; > 0
  std::optional<int64_t> points;  // kFloat under a grid: evenly spaced on `scale`, both ends included
  std::vector<Value> values;      // kCategorical, in the order given
  std::vector<Condition> when;    // all must hold; empty = always active
  bool operator==(const Parameter&) const = default;
};

// One value a parameter, in the order of the space; nullopt where the parameter is inactive. kFloat holds double, kInt int64_t,
// kCategorical whatever type its choice has.
using Configuration = std::vector<std::optional<Value>>;

// An immutable, checked list of parameters. Thread-safe.
class SearchSpace {
 public:
  SearchSpace() = default;
  // INVALID_ARGUMENT whose message starts with the key path ("parameters.momentum.max: ...") on: a duplicate or empty name, an empty
  // range, min > max, a non-finite bound, a log scale with min <= 0, a step that is not positive, points < 1, no values, a
  // duplicate value, a `when` that names an unknown parent or value, or a cycle.
  static absl::StatusOr<SearchSpace> Create(std::vector<Parameter> parameters);

  std::span<const Parameter> parameters() const { return parameters_; }
  size_t size() const { return parameters_.size(); }
  // nullopt if unknown.
  std::optional<size_t> IndexOf(std::string_view name) const;
  // Parameter indices, parents before children; otherwise in declared order.
  std::span<const size_t> topological_order() const { return order_; }

  // Whether parameter `index` is active, given the values of its parents in `configuration`.
  bool IsActive(size_t index, const Configuration& configuration) const;

  // The values a parameter can take where they are countable: ints, categories, floats with a step; with `use_points` also floats with points.
  // In ascending (categories: given) order. nullopt for a continuous float.
  enum class Points { kIgnore, kUse };
  std::optional<int64_t> CountValues(size_t index, Points points) const;
  Value ValueAt(size_t index, int64_t k, Points points) const;

  // The number of distinct configurations (inactive parameters absent), nullopt if a float is continuous or it exceeds 2^62.
  std::optional<int64_t> CountConfigurations(Points points) const;
  // Configuration `rank` of them in declared order, the last parameter fastest. 0 <= rank < CountConfigurations.
  Configuration ConfigurationAt(int64_t rank, Points points) const;

  // INVALID_ARGUMENT with key path unless every active parameter has a value of its type, in range and on its grid, and every inactive one
  // has none.
  absl::Status Check(const Configuration& configuration) const;

 private:
  std::vector<Parameter> parameters_;
  std::vector<size_t> order_;
  // By parameter: (parent index, values) of each condition.
  struct ResolvedCondition {
    size_t parent;
    std::vector<Value> values;
  };
  std::vector<std::vector<ResolvedCondition>> conditions_;
};

}  // namespace athanor
