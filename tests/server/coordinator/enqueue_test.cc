// Enqueued configurations under every method that completes partial ones, over a space with conditions.
#include <gmock/gmock.h>

#include "tests/testing/coordinator_fixture.h"

namespace athanor::testing {
namespace {

using ::testing::SizeIs;
using ::testing::StartsWith;

class EnqueueTest : public ::testing::TestWithParam<const char*> {
 protected:
  EnqueueTest() {
    coordinator_.Register("w");
    StudySpec spec = SmallStudy("a", 60);
    spec.search.method = GetParam();
    spec.parameters.push_back({.name = "optimizer",
                               .type = ParameterType::kCategorical,
                               .values = {std::string("sgd"), std::string("adam")}});
    spec.parameters.push_back({.name = "momentum",
                               .type = ParameterType::kFloat,
                               .min = 0,
                               .max = 0.9,
                               .when = {{"optimizer", {Value(std::string("sgd"))}}}});
    study_ = coordinator_.Create(spec);
  }

  // Trains one trial, better the larger its learning rate, and returns it.
  const Trial& Next() {
    const Grants grants = coordinator_.Acquire("w");
    EXPECT_THAT(grants, SizeIs(1));
    const TrialNumber number = grants.at(0).ref.trial;
    const double rate = std::get<double>(*coordinator_.trial(study_, number).configuration[0]);
    coordinator_.Train(grants[0], [=](int64_t) { return rate; });
    return coordinator_.trial(study_, number);
  }

  void ExpectCompleted() {
    ASSERT_TRUE(coordinator_.Enqueue(study_, {{"momentum", 0.25}}).ok());
    ASSERT_TRUE(coordinator_.Enqueue(study_, {{"optimizer", std::string("adam")}, {"learning_rate", 0.125}}).ok());
    ASSERT_TRUE(coordinator_.Enqueue(study_, {{"optimizer", std::string("sgd")}}).ok());
    const auto next_index = coordinator_.study(study_).NextSuggestion()->index;
    const Trial by_child = Next(), whole = Next(), by_parent = Next();
    const SearchSpace& space = coordinator_.study(study_).space();
    for (const Trial& trial : {by_child, whole, by_parent}) {
      EXPECT_TRUE(space.Check(trial.configuration.Unpack()).ok()) << space.Check(trial.configuration.Unpack());
    }
    // A child makes its parent's value; one that lacks nothing uses up no suggestion.
    EXPECT_EQ(by_child.configuration[1], std::optional<Value>(std::string("sgd")));
    EXPECT_EQ(by_child.configuration[2], std::optional<Value>(0.25));
    EXPECT_EQ(by_child.suggestion_index, next_index);
    EXPECT_EQ(whole.configuration, (Configuration{Value(0.125), Value(std::string("adam")), std::nullopt}));
    EXPECT_EQ(whole.suggestion_index, std::nullopt);
    EXPECT_EQ(by_parent.configuration[1], std::optional<Value>(std::string("sgd")));
    EXPECT_TRUE(by_parent.configuration[2].has_value());
    EXPECT_EQ(by_parent.suggestion_index, next_index + 1);
  }

  TestCoordinator coordinator_;
  StudyId study_ = 0;
};

TEST_P(EnqueueTest, PartialConfigurationsAreCompletedAtTheStartAndLater) {
  ExpectCompleted();
  while (coordinator_.study(study_).trials().size() < 25) Next();  // by now a model has something to say
  ExpectCompleted();
  while (coordinator_.state(study_) == StudyState::kActive) Next();
  EXPECT_EQ(coordinator_.study(study_).trials().size(), 60);
}

TEST_P(EnqueueTest, ValuesThatNoConfigurationHasAreRefused) {
  const auto contradiction = coordinator_.Enqueue(study_, {{"optimizer", std::string("adam")}, {"momentum", 0.5}});
  EXPECT_EQ(contradiction.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(contradiction.status().message()), StartsWith("parameters.momentum"));
  EXPECT_EQ(coordinator_.Enqueue(study_, {{"learning_rate", 7.0}}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(coordinator_.study(study_).enqueued().empty());
}

INSTANTIATE_TEST_SUITE_P(Methods, EnqueueTest, ::testing::Values("random", "sobol", "tpe", "gp"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace athanor::testing
