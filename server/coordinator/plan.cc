#include "server/coordinator/plan.h"

#include <algorithm>
#include <numeric>
#include <variant>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/search/search_method.h"
#include "server/stopping/hyperband.h"
#include "server/stopping/stopping_rule.h"

namespace athanor {
namespace {

constexpr int64_t kSampleSize = 10;

// Ladders of a study that are all alike.
struct PlannedLadders {
  int64_t copies = 1;
  int64_t trials = 0;  // that climb each of them
  int64_t first_rung = 0;
  bool waits_for_all = false;  // a rung is complete before its best move on
};

// Of the trials at one rung, how many go on to the next.
struct GoingOn {
  int64_t expected = 0;
  int64_t at_most = 0;
};

GoingOn Promoted(const GoingOn& here, const HalvingOptions& options, const PlannedLadders& ladder) {
  const int64_t promotable_late = here.at_most - options.reduction_factor + 1;
  return {.expected = here.expected / options.reduction_factor,
          .at_most =
              ladder.waits_for_all ? here.at_most / options.reduction_factor : std::max<int64_t>(promotable_late, 0)};
}

GoingOn Continued(const GoingOn& here, const AshaStopping& options) {
  const int64_t start_up = std::min(here.expected, options.startup_trials - 1);
  return {.expected = std::max({here.expected / options.reduction_factor, int64_t{1}, start_up}),
          .at_most = here.at_most};
}

// The trials of each bracket fill it in order, cycle after cycle.
std::vector<PlannedLadders> LaddersOf(const Hyperband& options, const std::vector<int64_t>& sizes, int64_t trials) {
  const int64_t cycle = std::accumulate(sizes.begin(), sizes.end(), int64_t{0});
  const int64_t cycles = trials / cycle;
  int64_t left = trials % cycle;
  std::vector<PlannedLadders> ladders;
  for (size_t b = 0; b < sizes.size(); ++b) {
    const auto first_rung = static_cast<int64_t>(b);
    const int64_t part = std::min(left, sizes[b]);
    left -= part;
    if (options.synchronous) {
      ladders.push_back({cycles, sizes[b], first_rung, true});
      ladders.push_back({1, part, first_rung, true});
    } else {
      ladders.push_back({1, cycles * sizes[b] + part, first_rung, false});
    }
  }
  return ladders;
}

absl::StatusOr<std::vector<PlannedLadders>> LaddersOf(const StudySpec& spec, int64_t trials) {
  const auto* const hyperband = std::get_if<Hyperband>(&spec.early_stopping);
  if (hyperband == nullptr) return std::vector<PlannedLadders>{{.trials = trials}};
  ATHANOR_ASSIGN_OR_RETURN(const auto rule, HyperbandRule::Create(*hyperband));
  return LaddersOf(*hyperband, rule->sizes(), trials);
}

// Adds what comes to each rung of the ladders.
void Climb(const StudySpec& spec, const PlannedLadders& ladder, std::vector<PlannedRung>& rungs) {
  const auto* const stopping = std::get_if<AshaStopping>(&spec.early_stopping);
  const auto* const asha = std::get_if<AshaPromotion>(&spec.early_stopping);
  const auto last = static_cast<int64_t>(rungs.size()) - 1;
  const int64_t latest_pause =
      asha == nullptr ? ladder.first_rung : std::min(asha->brackets, std::max(last, int64_t{1})) - 1;
  GoingOn here{.expected = ladder.trials, .at_most = ladder.trials};
  for (int64_t k = 0; k <= last; ++k) {
    PlannedRung& rung = rungs[static_cast<size_t>(k)];
    rung.trials += ladder.copies * here.expected;
    rung.trials_at_most += ladder.copies * here.at_most;
    const GoingOn next =
        stopping != nullptr ? Continued(here, *stopping) : Promoted(here, *Halving(spec.early_stopping), ladder);
    if (k >= ladder.first_rung) here.expected = next.expected;
    if (k >= latest_pause) here.at_most = next.at_most;
  }
}

absl::StatusOr<std::vector<PlannedRung>> PlanRungs(const StudySpec& spec, const std::vector<int64_t>& steps,
                                                   int64_t trials) {
  ATHANOR_ASSIGN_OR_RETURN(const auto ladders, LaddersOf(spec, trials));
  std::vector<PlannedRung> rungs;
  for (const int64_t step : steps) rungs.push_back({.step = step});
  for (const PlannedLadders& ladder : ladders) Climb(spec, ladder, rungs);
  // Finalists come from the highest rung where a trial is paused, so they fill each rung up to their number and no
  // further.
  const bool promotes = !std::holds_alternative<AshaStopping>(spec.early_stopping);
  const int64_t finalists = promotes ? std::min(Halving(spec.early_stopping)->finalists, trials) : 0;
  for (PlannedRung& rung : rungs) {
    rung.trials = std::max(rung.trials, finalists);
    rung.trials_at_most = std::max(rung.trials_at_most, finalists);
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
  if (Halving(completed.early_stopping) != nullptr) {
    ATHANOR_ASSIGN_OR_RETURN(plan.rungs, PlanRungs(completed, rule->Rungs(), *plan.trials));
    plan.resource_expected = ResourceOf(plan.rungs, &PlannedRung::trials);
    plan.resource_at_most = ResourceOf(plan.rungs, &PlannedRung::trials_at_most);
    const auto* const asha = std::get_if<AshaPromotion>(&completed.early_stopping);
    if (asha != nullptr && asha->brackets > 1) {
      plan.notes.push_back(
          "How many trials pass the lowest rungs adapts to how well these rank; at most is if all do.");
    }
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
