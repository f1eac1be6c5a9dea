// The options of the built-in trainer, as data: the coordinator refuses a typo at submission by this table, and the
// trainer reads its settings through it, so that the two cannot disagree. No LibTorch here.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"

namespace athanor {

enum class OptionType { kBool, kInt, kFloat, kChoice, kString };

struct TrainerOption {
  std::string_view name;
  OptionType type;
  Value default_value;
  // kInt and kFloat: inclusive bounds, unless `exclusive_min` / `exclusive_max`. An int is accepted where a float is
  // wanted.
  double min = 0;
  double max = 0;
  bool exclusive_min = false;
  bool exclusive_max = false;
  std::vector<std::string_view> choices = {};  // kChoice
  std::string_view help;                       // one line; with the unit
  std::string_view search = {};  // what is sensible to search, as a study file would say it; empty: fix it
  std::string_view source = {};  // the paper or the program that it is taken from
};

// A part of the table, as documentation divides it.
struct TrainerOptionGroup {
  std::string_view title;
  std::span<const TrainerOption> options;
};

// In the order in which documentation lists them. Static storage.
std::span<const TrainerOption> TrainerOptions();
std::span<const TrainerOptionGroup> TrainerOptionGroups();

// Null if there is no option of that name.
const TrainerOption* FindTrainerOption(std::string_view name);

// The known option whose name is closest to `name`, for "did you mean"; empty if none is close (ClosestName).
std::string_view ClosestTrainerOption(std::string_view name);

// "int in [1, 100000]", "one of sgd, adam, adamw", ...
std::string Accepts(const TrainerOption& option);

// Why the option does not take the value ("-1 is out of range; want int in [1, 100000]"), or nothing if it does.
std::optional<std::string> WhyRefused(const TrainerOption& option, const Value& value);

// Lower-case hex SHA-256 over names, types, ranges, choices and defaults. Coordinator and worker must agree on it.
std::string TrainerOptionsHash();

// Typed access to settings checked against the table: the given value, else the default. An int given where a float is
// wanted is widened. Asking for a name that is not in the table, or by a wrong type, is a programming error and throws
// std::logic_error.
class TrainerSettings {
 public:
  TrainerSettings() = default;
  // `given` must hold known options with accepted values only (WhyRefused empty); throws std::invalid_argument
  // otherwise.
  explicit TrainerSettings(NamedValues given);

  bool Bool(std::string_view name) const;
  int64_t Int(std::string_view name) const;
  double Float(std::string_view name) const;
  std::string String(std::string_view name) const;  // kChoice and kString

  // True if the option was given, false if the default is in force.
  bool Has(std::string_view name) const;
  const NamedValues& given() const { return given_; }

 private:
  const Value& Get(std::string_view name, OptionType type) const;
  NamedValues given_;
};

}  // namespace athanor
