#include "server/search/auto.h"

#include <gtest/gtest.h>

#include <string>

#include "server/search/search_method.h"
#include "tests/server/core/spaces.h"

namespace athanor {
namespace {

using testing::Choice;
using testing::Float;
using testing::Int;
using testing::Number;
using testing::Text;
using testing::When;

std::vector<Parameter> Floats(int count) {
  std::vector<Parameter> parameters;
  for (int i = 0; i < count; ++i) parameters.push_back(Float("x" + std::to_string(i), 0, 1));
  return parameters;
}

StudySpec Spec(std::vector<Parameter> parameters, std::optional<int64_t> trials, int64_t parallel) {
  StudySpec spec;
  spec.parameters = std::move(parameters);
  spec.budget.trials = trials;
  spec.budget.parallel = parallel;
  spec.search.method = "auto";
  return spec;
}

TEST(ChooseMethodTest, PicksByBudgetParametersAndParallelism) {
  const std::vector<Parameter> finite = {Int("n", 1, 5), Choice("c", {Number(1), Number(2)})};
  std::vector<Parameter> conditional = Floats(3);
  conditional.push_back(When(Float("momentum", 0, 1), "n", {Number(1)}));
  conditional.push_back(Int("n", 1, 3));
  std::vector<Parameter> categorical = Floats(1);
  categorical.push_back(Choice("c", {Text("a"), Text("b")}));
  StudySpec stopping = Spec(Floats(5), 5'000, 8);
  stopping.early_stopping = AshaPromotion{};
  StudySpec warm = Spec(Floats(5), 8, 8);
  warm.warm_start = {"earlier"};
  const struct {
    StudySpec spec;
    std::string method, reason;
  } cases[] = {
      {Spec(finite, 10, 1), "random", "10 trials cover all 10 configurations: each comes once, in random order."},
      {Spec(finite, 9, 1), "sobol", "9 trials: too few for a model to learn from."},
      {Spec(Floats(1), 1, 1), "sobol", "1 trial: too few for a model to learn from."},
      {Spec(Floats(5), 50, 50), "sobol", "all of 50 trials may run at once: none is left when the first results come."},
      {Spec(conditional, 50, 4), "tpe", "1 of 5 parameters conditional: tpe models each branch."},
      {Spec(categorical, 50, 4), "tpe", "1 of 2 parameters categorical: tpe needs no distances."},
      {Spec(Floats(5), 5'000, 8), "cmaes",
       "5000 trials over 5 parameters, all of them numbers: enough to learn the shape of the objective."},
      {stopping, "tpe", "5000 trials, 8 at once, over 5 parameters: more than a Gaussian process keeps up with."},
      {Spec(Floats(5), 100, 8), "gp",
       "100 trials, 8 at once, over 5 parameters: few enough for a Gaussian process, which learns most from each."},
      {Spec(Floats(5), 2'000, 0), "gp",
       "2000 trials, over 5 parameters: few enough for a Gaussian process, which learns most from each."},
      {Spec(Floats(5), 2'001, 0), "tpe", "2001 trials, over 5 parameters: more than a Gaussian process keeps up with."},
      {warm, "gp",
       "8 trials, 8 at once, over 5 parameters: few enough for a Gaussian process, which learns most from each."},
      {Spec(Floats(5), std::nullopt, 0), "tpe",
       "an open number of trials, over 5 parameters: more than a Gaussian process keeps up with."},
  };
  for (const auto& [spec, method, reason] : cases) {
    const MethodChoice choice = ChooseMethod(spec);
    EXPECT_EQ(choice.method, method) << reason;
    EXPECT_EQ(choice.reason, reason);
  }
}

TEST(PickMethodTest, PicksOnceForAuto) {
  StudySpec spec = Spec(Floats(5), 100, 8);
  PickMethod(spec);
  EXPECT_EQ(spec.search.method, "auto");
  EXPECT_EQ(spec.search.picked, "gp");
  EXPECT_FALSE(spec.search.picked_reason.empty());
  const SearchSpace space = testing::Space(spec.parameters);
  EXPECT_EQ((*CreateSearchMethod(spec, space))->name(), "gp");

  // A budget that was raised later does not change the method.
  spec.budget.trials = 5'000;
  PickMethod(spec);
  EXPECT_EQ(spec.search.picked, "gp");

  StudySpec random = Spec(Floats(5), 100, 8);
  random.search.method = "random";
  PickMethod(random);
  EXPECT_EQ(random.search.picked, "");
}

}  // namespace
}  // namespace athanor
