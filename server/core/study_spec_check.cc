#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/trainer_options.h"
#include "server/core/parameter_check.h"
#include "server/core/spec_refusal.h"
#include "server/core/stopping_check.h"
#include "server/core/study_spec.h"

namespace athanor {
namespace {

constexpr int64_t kLargestDurationMs = int64_t{10} * 365 * 24 * 3600 * 1000;  // ten years: nanoseconds still fit

absl::Status CheckDuration(const std::string& path, int64_t ms, int64_t min_ms) {
  if (ms >= min_ms && ms <= kLargestDurationMs) return absl::OkStatus();
  return Refuse(path, absl::StrCat(ms, "ms"), absl::StrCat("is out of range; want ", min_ms, "ms to 3650d"));
}

bool HasControlCharacter(std::string_view text) { return std::ranges::any_of(text, absl::ascii_iscntrl); }

// [A-Za-z0-9][A-Za-z0-9_./-]{0,62}
bool IsLabelKey(std::string_view key) {
  return !key.empty() && key.size() <= 63 && absl::ascii_isalnum(key.front()) && std::ranges::all_of(key, [](char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '/' || c == '-';
  });
}

absl::Status CheckLabels(const std::string& path, const std::map<std::string, std::string>& labels) {
  if (labels.size() > 64) return Refuse(path, absl::StrCat(labels.size(), " labels"), "are too many; want at most 64");
  for (const auto& [key, value] : labels) {
    if (!IsLabelKey(key)) {
      return Refuse(path, absl::StrCat("\"", key, "\""), "is no label key; want [A-Za-z0-9][A-Za-z0-9_./-]{0,62}");
    }
    if (value.size() > 255 || HasControlCharacter(value)) {
      return Refuse(absl::StrCat(path, ".", key), absl::StrCat("a value of ", value.size(), " bytes"),
                    "is refused; want at most 255 bytes without control characters");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckIdentity(const StudySpec& spec) {
  const auto allowed = [](char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_' || c == '-'; };
  const bool well_formed = !spec.name.empty() && spec.name.size() <= 63 && absl::ascii_isalnum(spec.name.front()) &&
                           std::ranges::all_of(spec.name, allowed);
  if (!well_formed)
    return Refuse("name", absl::StrCat("\"", spec.name, "\""), "is no study name; want [a-z0-9][a-z0-9_-]{0,62}");
  if (spec.description.size() > 4096) {
    return Refuse("description", absl::StrCat(spec.description.size(), " bytes"), "are too many; want at most 4096");
  }
  ATHANOR_RETURN_IF_ERROR(CheckLabels("labels", spec.labels));
  ATHANOR_RETURN_IF_ERROR(CheckInt("priority", spec.priority, -1'000'000, 1'000'000));
  if (spec.owner.size() > 255 || HasControlCharacter(spec.owner)) {
    return Refuse("owner", absl::StrCat(spec.owner.size(), " bytes"),
                  "are refused; want at most 255 without control characters");
  }
  if (spec.objectives.size() != 1) {
    return Refuse("objective", absl::StrCat(spec.objectives.size(), " objectives"), "given; want exactly one");
  }
  const std::string& metric = spec.objective().metric;
  if (metric.empty() || metric.size() > 128 || HasControlCharacter(metric)) {
    return Refuse("objective.metric", absl::StrCat("\"", metric.substr(0, 128), "\""),
                  "is no metric name; want 1 to 128 bytes without control characters");
  }
  return absl::OkStatus();
}

absl::Status Unknown(const std::string& path, const std::string& name) {
  const std::string closest(ClosestTrainerOption(name));
  return Refuse(path, absl::StrCat("\"", name, "\""),
                closest.empty() ? "is no option of the trainer; want one that the trainer lists"
                                : absl::StrCat("is no option of the trainer; did you mean \"", closest, "\"?"));
}

// Options that mean something in the other unit of resource only would be read and ignored.
absl::Status CheckUnit(const std::string& path, const std::string& name, Resource resource) {
  if (resource == Resource::kStep && name == "epochs") return Refuse(path, name, "is for resource: epoch; want steps");
  if (resource == Resource::kEpoch && (name == "steps" || name == "evaluation_interval")) {
    return Refuse(path, name, "is for resource: step; want epochs");
  }
  return absl::OkStatus();
}

absl::Status CheckTrainer(const StudySpec& spec) {
  for (const auto& [name, value] : spec.trainer) {
    const std::string path = absl::StrCat("trainer.", name);
    const TrainerOption* const option = FindTrainerOption(name);
    if (option == nullptr) return Unknown(path, name);
    ATHANOR_RETURN_IF_ERROR(CheckUnit(path, name, spec.resource));
    if (const auto why = WhyRefused(*option, value)) return absl::InvalidArgumentError(absl::StrCat(path, ": ", *why));
  }
  return absl::OkStatus();
}

// Each end of a range, or each choice, must be taken by the option; what lies between then is too.
absl::Status CheckTunes(const Parameter& parameter, const TrainerOption& option) {
  const auto check = [&](const std::string& key, const Value& value) {
    const auto why = WhyRefused(option, value);
    return why ? absl::InvalidArgumentError(absl::StrCat("parameters.", parameter.name, key, ": ", *why))
               : absl::OkStatus();
  };
  if (parameter.type == ParameterType::kCategorical) {
    for (size_t i = 0; i < parameter.values.size(); ++i) {
      ATHANOR_RETURN_IF_ERROR(check(absl::StrCat(".values[", i, "]"), parameter.values[i]));
    }
    return absl::OkStatus();
  }
  const auto number = [&](double bound) -> Value {
    if (parameter.type == ParameterType::kInt) return static_cast<int64_t>(bound);
    return bound;
  };
  ATHANOR_RETURN_IF_ERROR(check(".min", number(parameter.min)));
  return check(".max", number(parameter.max));
}

absl::Status CheckParameters(const StudySpec& spec) {
  for (const Parameter& parameter : spec.parameters) {
    const std::string path = absl::StrCat("parameters.", parameter.name);
    const TrainerOption* const option = FindTrainerOption(parameter.name);
    if (option == nullptr) return Unknown(path, parameter.name);
    ATHANOR_RETURN_IF_ERROR(CheckUnit(path, parameter.name, spec.resource));
    if (const auto fixed = spec.trainer.find(parameter.name); fixed != spec.trainer.end()) {
      return Refuse(path, parameter.name,
                    absl::StrCat("is tuned here and fixed as trainer.", parameter.name, ": ", ToString(fixed->second),
                                 "; want one"));
    }
    ATHANOR_RETURN_IF_ERROR(CheckTunes(parameter, *option));
  }
  return absl::OkStatus();
}

absl::Status CompleteGrid(StudySpec& spec, const SearchSpace& space) {
  for (size_t index = 0; index < space.size(); ++index) {
    if (space.CountValues(index, SearchSpace::Points::kUse)) continue;
    const Parameter& parameter = space.parameters()[index];
    return Refuse(absl::StrCat("parameters.", parameter.name), DescribeValues(parameter),
                  "is continuous; want points or step under a grid");
  }
  const auto size = space.CountConfigurations(SearchSpace::Points::kUse);
  if (!size) return Refuse("search.method", "grid", "has more than 2^62 points; want a smaller space or random");
  if (!spec.budget.trials) spec.budget.trials = *size;
  if (*spec.budget.trials > *size) {
    return Refuse("budget.trials", absl::StrCat(*spec.budget.trials),
                  absl::StrCat("is more than the grid has; want int in [1, ", *size, "]"));
  }
  return absl::OkStatus();
}

absl::Status CheckCmaes(const SearchSpace& space) {
  for (const Parameter& parameter : space.parameters()) {
    const bool category = parameter.type == ParameterType::kCategorical;
    if (!category && parameter.when.empty()) continue;
    return Refuse("search.method", "cmaes",
                  absl::StrCat("cannot search ", parameter.name, ", which is ",
                               category ? "categorical" : "conditional", "; want tpe"));
  }
  return absl::OkStatus();
}

// The options that only tpe and gp have. What `auto` picks keeps their defaults, and its spec shows none of them: a
// study file for `auto` that named them would be refused.
absl::Status CompleteModel(SearchOptions& search) {
  const std::string& method = search.method;
  if (method == "tpe" || method == "gp") {
    if (!search.startup_trials) search.startup_trials = SearchOptions::kStartupTrials;
    if (!search.random_share) search.random_share = SearchOptions::kRandomShare;
    ATHANOR_RETURN_IF_ERROR(CheckInt("search.startup_trials", *search.startup_trials, 1));
    if (*search.random_share >= 0 && *search.random_share <= 1) return absl::OkStatus();
    return Refuse("search.random_share", ToString(*search.random_share), "is out of range; want float in [0, 1]");
  }
  const std::string why = absl::StrCat("is given to ", method, "; only tpe and gp have it");
  if (search.startup_trials) return Refuse("search.startup_trials", absl::StrCat(*search.startup_trials), why);
  if (search.random_share) return Refuse("search.random_share", ToString(*search.random_share), why);
  return absl::OkStatus();
}

absl::Status CompleteSearch(StudySpec& spec, const SearchSpace& space) {
  constexpr std::string_view kOthers[] = {"auto", "random", "sobol", "tpe", "gp", "cmaes"};
  ATHANOR_RETURN_IF_ERROR(CompleteModel(spec.search));
  if (spec.search.method == "grid") return CompleteGrid(spec, space);
  if (std::ranges::find(kOthers, spec.search.method) == std::end(kOthers)) {
    return Refuse("search.method", absl::StrCat("\"", spec.search.method, "\""),
                  "is unknown; want auto, grid, random, sobol, tpe, gp or cmaes");
  }
  if (spec.search.method == "cmaes") ATHANOR_RETURN_IF_ERROR(CheckCmaes(space));
  if (!spec.budget.trials && !spec.budget.wall_clock_ms) {
    return Refuse("budget.trials", "nothing", "would end the study; want budget.trials or budget.wall_clock");
  }
  return absl::OkStatus();
}

// Whether the studies exist is checked where they are kept.
absl::Status CheckWarmStart(const StudySpec& spec) {
  constexpr size_t kMost = 16;
  const std::vector<std::string>& sources = spec.warm_start;
  if (sources.empty()) return absl::OkStatus();
  const std::string& method = spec.search.effective_method();
  if (method == "grid" || method == "random" || method == "sobol") {
    return Refuse("warm_start", absl::StrCat("\"", sources.front(), "\""),
                  absl::StrCat("is given to ", method, ", which learns from no study; want auto, tpe, gp or cmaes"));
  }
  if (sources.size() > kMost) {
    return Refuse("warm_start", absl::StrCat(sources.size(), " studies"), "are too many; want at most 16");
  }
  for (size_t i = 0; i < sources.size(); ++i) {
    const std::string path = absl::StrCat("warm_start[", i, "]");
    const std::string name = absl::StrCat("\"", sources[i], "\"");
    if (sources[i] == spec.name) return Refuse(path, name, "is this study itself; want an earlier one");
    if (std::ranges::find(sources, sources[i]) < sources.begin() + static_cast<std::ptrdiff_t>(i)) {
      return Refuse(path, name, "is given twice");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckBudget(const BudgetOptions& budget) {
  if (budget.trials) ATHANOR_RETURN_IF_ERROR(CheckInt("budget.trials", *budget.trials, 1));
  ATHANOR_RETURN_IF_ERROR(CheckInt("budget.parallel", budget.parallel, 0));
  if (budget.wall_clock_ms) ATHANOR_RETURN_IF_ERROR(CheckDuration("budget.wall_clock", *budget.wall_clock_ms, 1));
  if (budget.max_failures) ATHANOR_RETURN_IF_ERROR(CheckInt("budget.max_failures", *budget.max_failures, 1));
  if (budget.target && !std::isfinite(*budget.target)) {
    return Refuse("budget.target", ToString(*budget.target), "is not finite; want a finite number");
  }
  return absl::OkStatus();
}

absl::Status CheckRunning(StudySpec& spec) {
  ATHANOR_RETURN_IF_ERROR(CheckInt("retry.max_attempts", spec.retry.max_attempts, 1));
  ATHANOR_RETURN_IF_ERROR(CheckDuration("retry.stall_timeout", spec.retry.stall_timeout_ms, 1));
  std::string& device = spec.requirements.device;
  if (device.empty()) device = "any";
  if (device != "any" && device != "cpu" && device != "cuda") {
    return Refuse("requires.device", absl::StrCat("\"", device, "\""), "is unknown; want any, cpu or cuda");
  }
  ATHANOR_RETURN_IF_ERROR(CheckInt("requires.devices", spec.requirements.devices, 1, 1024));
  ATHANOR_RETURN_IF_ERROR(CheckLabels("requires.labels", spec.requirements.labels));
  ATHANOR_RETURN_IF_ERROR(CheckDuration("checkpoint.interval", spec.checkpoint.interval_ms, 0));
  return CheckInt("checkpoint.keep_best", spec.checkpoint.keep_best, 0);
}

absl::Status CompletePolicies(StudySpec& spec, const SearchSpace& space) {
  ATHANOR_RETURN_IF_ERROR(CompleteStopping(spec));
  ATHANOR_RETURN_IF_ERROR(CheckBudget(spec.budget));
  ATHANOR_RETURN_IF_ERROR(CompleteSearch(spec, space));
  ATHANOR_RETURN_IF_ERROR(CheckWarmStart(spec));
  return CheckRunning(spec);
}

}  // namespace

absl::Status Complete(StudySpec& spec) {
  ATHANOR_RETURN_IF_ERROR(CheckIdentity(spec));
  ATHANOR_RETURN_IF_ERROR(CheckTrainer(spec));
  // The space first: a range that is wrong by itself says more than an option that refuses its end.
  ATHANOR_ASSIGN_OR_RETURN(const SearchSpace space, SearchSpace::Create(spec.parameters));
  ATHANOR_RETURN_IF_ERROR(CheckParameters(spec));
  return CompletePolicies(spec, space);
}

absl::Status CompleteForAnyTrainer(StudySpec& spec) {
  ATHANOR_RETURN_IF_ERROR(CheckIdentity(spec));
  ATHANOR_ASSIGN_OR_RETURN(const SearchSpace space, SearchSpace::Create(spec.parameters));
  return CompletePolicies(spec, space);
}

}  // namespace athanor
