#include "server/coordinator/plan.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/search/search_method.h"
#include "server/stopping/stopping_rule.h"

namespace athanor {
namespace {

constexpr int64_t kSampleSize = 10;

// Of the trials at one rung, how many go on to the next.
struct GoingOn {
  int64_t expected = 0;
  int64_t at_most = 0;
};

struct GoOn {
  GoingOn here;

  GoingOn operator()(const AshaPromotion& options) const {
    const int64_t promotable_late = here.at_most - options.reduction_factor + 1;
    return {.expected = here.expected / options.reduction_factor, .at_most = std::max<int64_t>(promotable_late, 0)};
  }
  GoingOn operator()(const AshaStopping& options) const {
    const int64_t start_up = std::min(here.expected, options.startup_trials - 1);
    return {.expected = std::max({here.expected / options.reduction_factor, int64_t{1}, start_up}),
            .at_most = here.at_most};
  }
  template <typename WithoutRungs>
  GoingOn operator()(const WithoutRungs&) const {
    return here;
  }
};

std::vector<PlannedRung> PlanRungs(const StudySpec& spec, const std::vector<int64_t>& steps, int64_t trials) {
  const auto* const promotion = std::get_if<AshaPromotion>(&spec.early_stopping);
  // Finalists come from the highest rung where a trial is paused, so they fill each rung up to their number and no
  // further.
  const int64_t finalists = promotion == nullptr ? 0 : std::min(promotion->finalists, trials);
  std::vector<PlannedRung> rungs;
  GoingOn here{.expected = trials, .at_most = trials};
  for (const int64_t step : steps) {
    rungs.push_back({.step = step,
                     .trials = std::max(here.expected, finalists),
                     .trials_at_most = std::max(here.at_most, finalists)});
    here = std::visit(GoOn{here}, spec.early_stopping);
  }
  return rungs;
}

double ResourceOf(const std::vector<PlannedRung>& rungs, int64_t PlannedRung::*trials) {
  double sum = 0;
  int64_t below = 0;
  for (const PlannedRung& rung : rungs) {
    sum += static_cast<double>(rung.*trials) * static_cast<double>(rung.step - below);
    below = rung.step;
  }
  return sum;
}

}  // namespace

absl::StatusOr<StudyPlan> PlanStudy(const StudySpec& completed) {
  ATHANOR_ASSIGN_OR_RETURN(const SearchSpace space, SearchSpace::Create(completed.parameters));
  ATHANOR_ASSIGN_OR_RETURN(const auto method, CreateSearchMethod(completed, space));
  ATHANOR_ASSIGN_OR_RETURN(const auto rule, CreateStoppingRule(completed));

  StudyPlan plan;
  plan.trials = completed.budget.trials;
  plan.grid_size = method->Count();
  plan.max_resource = MaxResource(completed);
  const int64_t sample = std::min(plan.trials.value_or(kSampleSize), kSampleSize);
  for (int64_t index = 0; index < sample; ++index) plan.sample.push_back(method->Suggest({}, index, {}));
  if (!plan.trials) {
    plan.notes.push_back("The number of trials is open: the study runs until its wall_clock or target ends it.");
    return plan;
  }

  plan.resource_without_stopping = static_cast<double>(*plan.trials) * static_cast<double>(plan.max_resource);
  plan.resource_expected = plan.resource_at_most = plan.resource_without_stopping;
  if (rule != nullptr && !rule->Rungs(0).empty()) {
    plan.rungs = PlanRungs(completed, rule->Rungs(0), *plan.trials);
    plan.resource_expected = ResourceOf(plan.rungs, &PlannedRung::trials);
    plan.resource_at_most = ResourceOf(plan.rungs, &PlannedRung::trials_at_most);
  } else if (rule != nullptr) {
    plan.notes.push_back(
        absl::StrCat("What ", std::string(rule->name()), " will save depends on the values; at most is without it."));
  }
  const auto configurations = space.CountConfigurations(SearchSpace::Points::kIgnore);
  if (!plan.grid_size && configurations && *configurations < *plan.trials) {
    plan.notes.push_back(absl::StrCat("The space has ", *configurations, " configurations for ", *plan.trials,
                                      " trials: some are tried more than once."));
  }
  return plan;
}

}  // namespace athanor
