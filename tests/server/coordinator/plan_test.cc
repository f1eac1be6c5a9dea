#include "server/coordinator/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/search/auto.h"
#include "tests/server/core/spaces.h"

namespace athanor {
namespace {

using testing::Choice;
using ::testing::ElementsAre;
using testing::Float;
using testing::Int;
using ::testing::IsEmpty;
using testing::Number;
using ::testing::SizeIs;
using testing::Text;

StudySpec Spec(EarlyStoppingOptions early_stopping, std::optional<int64_t> trials) {
  StudySpec spec;
  spec.name = "planned";
  spec.objectives = {{.metric = "val_accuracy"}};
  spec.parameters = {Float("learning_rate", 1e-4, 1, Scale::kLog)};
  spec.search.method = "random";
  spec.early_stopping = std::move(early_stopping);
  spec.budget.trials = trials;
  spec.budget.wall_clock_ms = 3'600'000;
  spec.trainer = {{"epochs", Number(27)}};
  EXPECT_EQ(Complete(spec), absl::OkStatus());
  return spec;
}

std::vector<int64_t> Steps(const StudyPlan& plan) {
  std::vector<int64_t> steps;
  for (const PlannedRung& rung : plan.rungs) steps.push_back(rung.step);
  return steps;
}
std::vector<int64_t> Expected(const StudyPlan& plan) {
  std::vector<int64_t> trials;
  for (const PlannedRung& rung : plan.rungs) trials.push_back(rung.trials);
  return trials;
}
std::vector<int64_t> AtMost(const StudyPlan& plan) {
  std::vector<int64_t> trials;
  for (const PlannedRung& rung : plan.rungs) trials.push_back(rung.trials_at_most);
  return trials;
}

TEST(PlanStudyTest, CascadesThroughTheRungsOfAsha) {
  const StudyPlan plan = PlanStudy(Spec(AshaPromotion{}, 60)).value();
  EXPECT_EQ(plan.trials, 60);
  EXPECT_EQ(plan.max_resource, 27);
  EXPECT_THAT(Steps(plan), ElementsAre(1, 3, 9, 27));
  EXPECT_THAT(Expected(plan), ElementsAre(60, 20, 6, 2));
  EXPECT_THAT(AtMost(plan), ElementsAre(60, 58, 56, 54));
  EXPECT_EQ(plan.resource_expected, 60 * 1 + 20 * 2 + 6 * 6 + 2 * 18);   // 172
  EXPECT_EQ(plan.resource_at_most, 60 * 1 + 58 * 2 + 56 * 6 + 54 * 18);  // 1484
  EXPECT_EQ(plan.resource_without_stopping, 60 * 27);
  EXPECT_THAT(plan.notes, IsEmpty());
}

TEST(PlanStudyTest, LetsTheFinalistsReachEveryRung) {
  AshaPromotion options;
  options.finalists = 2;
  const StudyPlan plan = PlanStudy(Spec(options, 10)).value();
  EXPECT_THAT(Expected(plan), ElementsAre(10, 3, 2, 2));
  EXPECT_THAT(AtMost(plan), ElementsAre(10, 8, 6, 4));
  options.finalists = 0;
  EXPECT_THAT(Expected(PlanStudy(Spec(options, 10)).value()), ElementsAre(10, 3, 1, 0));
  EXPECT_THAT(AtMost(PlanStudy(Spec(options, 2)).value()), ElementsAre(2, 0, 0, 0));
}

TEST(PlanStudyTest, KeepsAtLeastOneTrialAndAtMostAllUnderAshaStopping) {
  AshaStopping options;
  EXPECT_THAT(Expected(PlanStudy(Spec(options, 10)).value()), ElementsAre(10, 3, 1, 1));
  EXPECT_THAT(AtMost(PlanStudy(Spec(options, 10)).value()), ElementsAre(10, 10, 10, 10));
  EXPECT_EQ(PlanStudy(Spec(options, 10))->resource_at_most, 270);
  options.startup_trials = 6;
  EXPECT_THAT(Expected(PlanStudy(Spec(options, 10)).value()), ElementsAre(10, 5, 5, 5));
}

TEST(PlanStudyTest, LetsTrialsPassTheRungsBelowTheHighestBracket) {
  AshaPromotion options;
  options.brackets = 2;
  const StudyPlan plan = PlanStudy(Spec(options, 60)).value();
  EXPECT_THAT(Expected(plan), ElementsAre(60, 20, 6, 2));  // as if none passed
  EXPECT_THAT(AtMost(plan), ElementsAre(60, 60, 58, 56));  // as if all passed rung 0
  EXPECT_THAT(
      plan.notes,
      ElementsAre("How many trials pass the lowest rungs adapts to how well these rank; at most is if all do."));
  options.brackets = 100;  // all there are: the highest pauses at rung 2
  EXPECT_THAT(AtMost(PlanStudy(Spec(options, 60)).value()), ElementsAre(60, 60, 60, 58));
}

// Brackets of 27, 12, 6 and 4 trials that pause first at rungs 0, 1, 2 and 3.
TEST(PlanStudyTest, SumsTheBracketsOfHyperband) {
  const StudyPlan cycle = PlanStudy(Spec(Hyperband{}, 49)).value();
  EXPECT_THAT(Steps(cycle), ElementsAre(1, 3, 9, 27));
  EXPECT_THAT(Expected(cycle), ElementsAre(49, 9 + 22, 3 + 4 + 10, 1 + 1 + 2 + 4));
  EXPECT_THAT(AtMost(cycle), ElementsAre(49, 25 + 22, 23 + 10 + 10, 21 + 8 + 4 + 4));
  // Twice, and a part of the first bracket.
  EXPECT_THAT(Expected(PlanStudy(Spec(Hyperband{}, 100)).value()),
              ElementsAre(100, 18 + 44, 6 + 8 + 20, 2 + 2 + 4 + 8));
  Hyperband synchronous;
  synchronous.synchronous = true;
  const StudyPlan exact = PlanStudy(Spec(synchronous, 104)).value();  // twice, and six of the first bracket
  EXPECT_THAT(Expected(exact), ElementsAre(104, 62 + 2, 34, 16));
  EXPECT_EQ(Expected(exact), AtMost(exact));
}

TEST(PlanStudyTest, PromisesNothingForRulesWithoutRungs) {
  const StudyPlan plan = PlanStudy(Spec(MedianStopping{}, 10)).value();
  EXPECT_THAT(plan.rungs, IsEmpty());
  EXPECT_EQ(plan.resource_at_most, 270);
  EXPECT_THAT(plan.notes, ElementsAre("What median will save depends on the values; at most is without it."));
}

TEST(PlanStudyTest, ShowsTheFirstConfigurations) {
  const StudySpec spec = Spec(NoStopping{}, 25);
  const StudyPlan plan = PlanStudy(spec).value();
  ASSERT_THAT(plan.sample, SizeIs(10));
  const SearchSpace space = SearchSpace::Create(spec.parameters).value();
  for (const Configuration& configuration : plan.sample) EXPECT_EQ(space.Check(configuration), absl::OkStatus());
  EXPECT_THAT(PlanStudy(Spec(NoStopping{}, 3))->sample, SizeIs(3));
  EXPECT_EQ(plan.grid_size, std::nullopt);
}

TEST(PlanStudyTest, KnowsTheSizeOfAGridWhateverTheBudget) {
  StudySpec spec = Spec(NoStopping{}, 5);
  spec.search.method = "grid";
  spec.parameters = {Choice("optimizer", {Text("sgd"), Text("adam")}), Int("channels", 8, 12)};
  ASSERT_EQ(Complete(spec), absl::OkStatus());
  const StudyPlan plan = PlanStudy(spec).value();
  EXPECT_EQ(plan.grid_size, 10);
  EXPECT_EQ(plan.trials, 5);
}

TEST(PlanStudyTest, LeavesSumsOpenWithoutANumberOfTrials) {
  const StudyPlan plan = PlanStudy(Spec(AshaPromotion{}, std::nullopt)).value();
  EXPECT_EQ(plan.trials, std::nullopt);
  EXPECT_EQ(plan.resource_at_most, std::nullopt);
  EXPECT_THAT(plan.rungs, IsEmpty());
  EXPECT_THAT(plan.sample, SizeIs(10));
  EXPECT_THAT(plan.notes, SizeIs(1));
}

TEST(PlanStudyTest, SaysWhenARandomSpaceIsUsedUp) {
  StudySpec spec = Spec(NoStopping{}, 5);
  spec.parameters = {Int("channels", 8, 10)};
  EXPECT_THAT(PlanStudy(spec)->notes,
              ElementsAre("The space has 3 configurations for 5 trials: some are tried more than once."));
}

TEST(PlanStudyTest, ShowsWhatAPickedMethodWouldTry) {
  StudySpec spec = Spec(NoStopping{}, 5);
  spec.search.method = "auto";
  PickMethod(spec);
  const StudyPlan plan = PlanStudy(spec).value();
  EXPECT_THAT(plan.notes, IsEmpty());
  StudySpec sobol = Spec(NoStopping{}, 5);
  sobol.search.method = "sobol";
  EXPECT_EQ(plan.sample, PlanStudy(sobol)->sample);
}

}  // namespace
}  // namespace athanor
