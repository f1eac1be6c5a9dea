// Studies that start from the trials of earlier ones.
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "tests/testing/coordinator_fixture.h"

namespace athanor::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

// Suggests the best configuration of earlier studies, as long as it is shown any.
class RepeatBest final : public SearchMethod {
 public:
  explicit RepeatBest(const SearchSpace& space) : space_(space) {}
  std::string_view name() const override { return "repeat_best"; }
  Configuration Suggest(const SearchView& view, int64_t, const Configuration&) const override {
    for (const PriorTrial& prior : view.prior) {
      if (prior.score == 0) return prior.configuration;
    }
    return {AtFraction(space_.parameters()[0], 0)};
  }

 private:
  const SearchSpace& space_;
};

CoordinatorOptions WithRepeatBest() {
  CoordinatorOptions options;
  options.create_search = [](const StudySpec& spec,
                             const SearchSpace& space) -> absl::StatusOr<std::unique_ptr<SearchMethod>> {
    if (spec.search.effective_method() == "tpe") return std::make_unique<RepeatBest>(space);
    return CreateSearchMethod(spec, space);
  };
  return options;
}

StudySpec From(const std::string& name, std::vector<std::string> sources) {
  StudySpec spec = SmallStudy(name, 3);
  spec.search.method = "tpe";
  spec.warm_start = std::move(sources);
  return spec;
}

class WarmStartTest : public ::testing::Test {
 protected:
  WarmStartTest() : coordinator_(WithRepeatBest()) {
    coordinator_.Register("w");
    earlier_ = coordinator_.Create(SmallStudy("earlier", 4));
    for (double value = 0.5; value < 0.9; value += 0.1) {
      const Grants grants = coordinator_.Acquire("w");
      if (!grants.empty()) coordinator_.Train(grants[0], [=](int64_t) { return value; });
    }
  }
  absl::Status Refused(StudySpec spec) { return coordinator_.TryCreate(std::move(spec)).status(); }

  TestCoordinator coordinator_;
  StudyId earlier_ = 0;
};

TEST_F(WarmStartTest, MethodSeesTheTrialsOfTheEarlierStudy) {
  ASSERT_EQ(coordinator_.state(earlier_), StudyState::kCompleted);
  const StudyId study = coordinator_.Create(From("next", {"earlier"}));
  EXPECT_THAT(coordinator_.study(study).prior(), SizeIs(4));
  EXPECT_THAT(coordinator_.Acquire("w"), SizeIs(1));
  EXPECT_EQ(coordinator_.trial(study, 0).configuration, coordinator_.trial(earlier_, 3).configuration);
  EXPECT_EQ(coordinator_.study(study).trials().size(), 1);  // they are none of its own
}

TEST_F(WarmStartTest, TrialsAreKeptWhateverBecomesOfTheEarlierStudy) {
  const StudyId study = coordinator_.Create(From("next", {"earlier"}));
  const auto best = coordinator_.trial(earlier_, 3).configuration;
  ASSERT_TRUE(
      coordinator_.Run([&](Transaction& tx) { return coordinator_.coordinator().studies().Delete(tx, "earlier", {}); })
          .ok());
  coordinator_.Reopen();
  EXPECT_THAT(coordinator_.study(study).prior(), SizeIs(4));
  EXPECT_EQ(coordinator_.study(study).spec().warm_start, std::vector<std::string>{"earlier"});
  EXPECT_THAT(coordinator_.Acquire("w"), SizeIs(1));
  EXPECT_EQ(coordinator_.trial(study, 0).configuration, best);
}

TEST_F(WarmStartTest, LaterTrialsOfTheEarlierStudyAreNotTaken) {
  const StudyId running = coordinator_.Create(SmallStudy("running", 4));
  const StudyId study = coordinator_.Create(From("next", {"running", "earlier"}));
  EXPECT_THAT(coordinator_.study(study).prior(), SizeIs(4));
  EXPECT_EQ(coordinator_.study(study).prior()[0].source, 1);
  coordinator_.Train(coordinator_.Acquire("w").at(0), [](int64_t) { return 0.99; });
  EXPECT_EQ(coordinator_.study(running).Count(TrialState::kCompleted), 1);
  coordinator_.Reopen();
  EXPECT_THAT(coordinator_.study(study).prior(), SizeIs(4));
}

TEST_F(WarmStartTest, UnknownStudyIsNotFoundAndNothingIsCreated) {
  const absl::Status status = Refused(From("next", {"earlier", "missing"}));
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "warm_start[1]: study \"missing\" does not exist");
  EXPECT_EQ(coordinator_.coordinator().state().studies.size(), 1);
}

TEST_F(WarmStartTest, OtherObjectiveIsRefused) {
  StudySpec minimized = From("next", {"earlier"});
  minimized.objectives[0].goal = Goal::kMinimize;
  const absl::Status status = Refused(minimized);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "warm_start[0]: study \"earlier\" is to maximize accuracy; want one to minimize accuracy");
  StudySpec other = From("next", {"earlier"});
  other.objectives[0].metric = "loss";
  EXPECT_THAT(std::string(Refused(other).message()), HasSubstr("want one to maximize loss"));
}

TEST_F(WarmStartTest, MethodsThatLearnNothingRefuseIt) {
  for (const char* method : {"random", "sobol", "grid"}) {
    StudySpec spec = method == std::string("grid") ? SmallGrid("next") : SmallStudy("next", 3);
    spec.search.method = method;
    spec.warm_start = {"earlier"};
    const absl::Status status = Refused(spec);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), StartsWith("warm_start: \"earlier\" is given to "));
  }
}

TEST_F(WarmStartTest, AutoPicksAMethodThatLearns) {
  StudySpec spec = SmallStudy("next", 3);  // so few that a study of its own would not be modelled
  spec.search.method = "auto";
  spec.warm_start = {"earlier"};
  const StudyId study = coordinator_.Create(spec);
  const std::string picked = coordinator_.study(study).spec().search.picked;
  EXPECT_TRUE(picked == "tpe" || picked == "gp") << picked;
  spec.name = "alone";
  spec.warm_start.clear();
  EXPECT_EQ(coordinator_.study(coordinator_.Create(spec)).spec().search.picked, "sobol");
}

TEST_F(WarmStartTest, ListsThatMakeNoSenseAreRefused) {
  EXPECT_THAT(std::string(Refused(From("next", {"earlier", "next"})).message()),
              StartsWith("warm_start[1]: \"next\" is this study itself"));
  EXPECT_THAT(std::string(Refused(From("next", {"earlier", "earlier"})).message()),
              StartsWith("warm_start[1]: \"earlier\" is given twice"));
  EXPECT_THAT(std::string(Refused(From("next", std::vector<std::string>(17, "earlier"))).message()),
              StartsWith("warm_start: 17 studies are too many"));
}

TEST_F(WarmStartTest, RepeatedRequestCreatesNothingEvenIfTheEarlierStudyIsGone) {
  const auto first = coordinator_.TryCreate(From("next", {"earlier"}), "once");
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(
      coordinator_.Run([&](Transaction& tx) { return coordinator_.coordinator().studies().Delete(tx, "earlier", {}); })
          .ok());
  const auto again = coordinator_.TryCreate(From("next", {"earlier"}), "once");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*again, *first);
}

}  // namespace
}  // namespace athanor::testing
