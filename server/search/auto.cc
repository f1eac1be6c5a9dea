#include "server/search/auto.h"

#include <algorithm>
#include <optional>
#include <variant>

#include "absl/strings/str_cat.h"
#include "server/core/search_space.h"

namespace athanor {
namespace {

struct Facts {
  std::optional<int64_t> trials;  // nullopt: only a clock ends the study
  int64_t parallel = 0;           // 0: no limit
  int64_t parameters = 0;
  int64_t categorical = 0;
  int64_t conditional = 0;
  bool stops_early = false;
};

Facts FactsOf(const StudySpec& spec) {
  const auto count = [&](auto is) { return static_cast<int64_t>(std::ranges::count_if(spec.parameters, is)); };
  return {
      .trials = spec.budget.trials,
      .parallel = spec.budget.parallel,
      .parameters = static_cast<int64_t>(spec.parameters.size()),
      .categorical = count([](const Parameter& p) { return p.type == ParameterType::kCategorical; }),
      .conditional = count([](const Parameter& p) { return !p.when.empty(); }),
      .stops_early = !std::holds_alternative<NoStopping>(spec.early_stopping),
  };
}

// nullopt: more than 2^62, or infinitely many.
std::optional<int64_t> CountConfigurations(const StudySpec& spec) {
  const auto space = SearchSpace::Create(spec.parameters);
  return space.ok() ? space->CountConfigurations(SearchSpace::Points::kIgnore) : std::nullopt;
}

std::string Trials(const Facts& facts) {
  return facts.trials ? absl::StrCat(*facts.trials, *facts.trials == 1 ? " trial" : " trials")
                      : "an open number of trials";
}

std::string Parameters(const Facts& facts) {
  return absl::StrCat(facts.parameters, facts.parameters == 1 ? " parameter" : " parameters");
}

// How the model-based methods stand for a space that suits all of them.
MethodChoice ChooseModel(const Facts& facts) {
  if (facts.trials && *facts.trials >= kManyTrials && facts.categorical == 0 && !facts.stops_early) {
    return {"cmaes", absl::StrCat(Trials(facts), " over ", Parameters(facts),
                                  ", all of them numbers: enough to learn the shape of the objective.")};
  }
  const std::string at_once = facts.parallel > 0 ? absl::StrCat(", ", facts.parallel, " at once") : "";
  const std::string study = absl::StrCat(Trials(facts), at_once, ", over ", Parameters(facts));
  if (facts.trials && *facts.trials <= kFewTrials && facts.parallel <= kFewParallel &&
      facts.parameters <= kFewParameters) {
    return {"gp", absl::StrCat(study, ": few enough for a Gaussian process, which learns most from each.")};
  }
  return {"tpe", absl::StrCat(study, ": more than a Gaussian process keeps up with.")};
}

// Where no model would have anything to learn from, or anything to gain.
std::optional<MethodChoice> ChooseWithoutModel(const StudySpec& spec, const Facts& facts) {
  const auto configurations = CountConfigurations(spec);
  if (facts.trials && configurations && *configurations <= *facts.trials) {
    return MethodChoice{"random", absl::StrCat(Trials(facts), " cover all ", *configurations,
                                               " configurations: each comes once, in random order.")};
  }
  if (facts.trials && *facts.trials <= SearchOptions::kStartupTrials) {
    return MethodChoice{"sobol", absl::StrCat(Trials(facts), ": too few for a model to learn from.")};
  }
  if (facts.trials && facts.parallel >= *facts.trials) {
    return MethodChoice{
        "sobol", absl::StrCat("all of ", Trials(facts), " may run at once: none is left when the first results come.")};
  }
  return std::nullopt;
}

}  // namespace

MethodChoice ChooseMethod(const StudySpec& spec) {
  const Facts facts = FactsOf(spec);
  if (spec.warm_start.empty()) {
    if (auto choice = ChooseWithoutModel(spec, facts)) return *std::move(choice);
  }
  if (facts.conditional > 0) {
    return {"tpe", absl::StrCat(facts.conditional, " of ", Parameters(facts), " conditional: tpe models each branch.")};
  }
  if (3 * facts.categorical > facts.parameters) {
    return {"tpe", absl::StrCat(facts.categorical, " of ", Parameters(facts), " categorical: tpe needs no distances.")};
  }
  return ChooseModel(facts);
}

void PickMethod(StudySpec& spec) {
  SearchOptions& search = spec.search;
  if (search.method != "auto" || !search.picked.empty()) return;
  MethodChoice choice = ChooseMethod(spec);
  search.picked = std::move(choice.method);
  search.picked_reason = std::move(choice.reason);
}

}  // namespace athanor
