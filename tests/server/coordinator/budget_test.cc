// How many trials a study creates, which configurations they have, and what ends the study. SEMANTICS section 2.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "absl/strings/str_cat.h"
#include "tests/testing/coordinator_fixture.h"

namespace athanor {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using testing::SmallGrid;
using testing::SmallStudy;
using testing::TestCoordinator;

// Everything about the suggestions that must not depend on who ran them.
std::vector<std::string> Suggestions(TestCoordinator& coordinator, StudyId id) {
  std::vector<std::string> all;
  for (const Trial& trial : coordinator.study(id).trials()) {
    std::string text = absl::StrCat(trial.number, " seed ", trial.seed);
    for (const auto& value : trial.configuration.Unpack()) absl::StrAppend(&text, " ", value ? ToString(*value) : "-");
    all.push_back(text);
  }
  return all;
}

// Lets `workers` workers train everything there is, round by round.
void RunToEnd(TestCoordinator& coordinator, int workers) {
  for (int worker = 0; worker < workers; ++worker) coordinator.Register(absl::StrCat("w", worker));
  for (bool any = true; any;) {
    any = false;
    Grants round;
    for (int worker = 0; worker < workers; ++worker) {
      for (LeaseGrant& grant : coordinator.Acquire(absl::StrCat("w", worker))) round.push_back(std::move(grant));
    }
    for (const LeaseGrant& grant : round) {
      any = true;
      coordinator.Train(grant, [](int64_t step) { return 0.1 * static_cast<double>(step); });
    }
  }
}

class ExactBudget : public ::testing::TestWithParam<int> {};

TEST_P(ExactBudget, CreatesExactlyThatManyTrials) {
  TestCoordinator coordinator;
  const StudyId study = coordinator.Create(SmallStudy("s", 10));
  RunToEnd(coordinator, GetParam());
  EXPECT_EQ(coordinator.study(study).trials().size(), 10);
  EXPECT_EQ(coordinator.study(study).Count(TrialState::kCompleted), 10);
  EXPECT_EQ(coordinator.state(study), StudyState::kCompleted);
}

INSTANTIATE_TEST_SUITE_P(Workers, ExactBudget, ::testing::Values(1, 3, 16));

TEST(Budget, HoldsWhenTrialsFailAreCancelledDeclaredInfeasibleOrEnqueued) {
  TestCoordinator coordinator;
  StudySpec spec = SmallStudy("s", 6);
  spec.retry.max_attempts = 1;
  const StudyId study = coordinator.Create(spec);
  coordinator.Register("w");
  ASSERT_TRUE(coordinator.Enqueue(study, {{"learning_rate", 0.5}}).ok());
  const Grants grants = coordinator.Acquire("w", 64);
  ASSERT_EQ(grants.size(), 6);
  EXPECT_EQ(coordinator.Finish(grants[0], AttemptOutcome::kFailed), TrialState::kFailed);
  EXPECT_EQ(coordinator.Finish(grants[1], AttemptOutcome::kInfeasible), TrialState::kInfeasible);
  EXPECT_EQ(coordinator.Cancel(study, 2).value(), TrialState::kCancelled);
  EXPECT_TRUE(coordinator.Acquire("w", 64).empty());
  for (int i = 3; i < 6; ++i) coordinator.Train(grants[i], [](int64_t) { return 0.5; });
  EXPECT_EQ(coordinator.study(study).trials().size(), 6);
  EXPECT_EQ(coordinator.state(study), StudyState::kCompleted);
}

TEST(Budget, CountsARetryAsTheSameTrial) {
  TestCoordinator coordinator;
  StudySpec spec = SmallStudy("s", 2);
  spec.retry.max_attempts = 1;
  const StudyId study = coordinator.Create(spec);
  coordinator.Register("w");
  coordinator.Finish(coordinator.Acquire("w").at(0), AttemptOutcome::kFailed);
  coordinator.Train(coordinator.Acquire("w").at(0), [](int64_t) { return 0.5; });
  ASSERT_EQ(coordinator.state(study), StudyState::kCompleted);
  ASSERT_EQ(coordinator.Retry(study, 0).value(), TrialState::kWaiting);
  EXPECT_EQ(coordinator.state(study), StudyState::kActive);
  const Grants again = coordinator.Acquire("w", 8);
  ASSERT_EQ(again.size(), 1);
  EXPECT_EQ(again[0].ref.trial, 0);
  EXPECT_EQ(coordinator.Train(again[0], [](int64_t) { return 0.5; }), TrialState::kCompleted);
  EXPECT_EQ(coordinator.study(study).trials().size(), 2);
  EXPECT_EQ(coordinator.state(study), StudyState::kCompleted);
}

TEST(Budget, EnqueuingIsRefusedOnceEveryTrialIsSpokenFor) {
  TestCoordinator coordinator;
  const StudyId study = coordinator.Create(SmallStudy("s", 3));
  coordinator.Register("w");
  ASSERT_EQ(coordinator.Acquire("w").size(), 1);
  EXPECT_EQ(coordinator.Enqueue(study, {{"learning_rate", 0.25}}).value(), 0);
  EXPECT_EQ(coordinator.Enqueue(study, {{"learning_rate", 0.5}}).value(), 1);
  const auto refused = coordinator.Enqueue(study, {{"learning_rate", 0.75}});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(refused.status().message(), HasSubstr("budget.trials 3"));
}

TEST(Budget, EnqueuedConfigurationsShiftNoSuggestion) {
  TestCoordinator plain, enqueued;
  StudySpec spec = SmallStudy("s", 3);
  spec.parameters.push_back({.name = "momentum", .type = ParameterType::kFloat, .min = 0, .max = 0.9});
  const StudyId a = plain.Create(spec);
  spec.budget.trials = 5;
  const StudyId b = enqueued.Create(spec);
  RunToEnd(plain, 1);
  enqueued.Register("w");
  ASSERT_EQ(enqueued.Acquire("w").size(), 1);
  ASSERT_TRUE(enqueued.Enqueue(b, {{"learning_rate", 0.5}, {"momentum", 0.25}}).ok());
  ASSERT_TRUE(enqueued.Enqueue(b, {{"learning_rate", 0.125}}).ok());
  ASSERT_EQ(enqueued.Acquire("w", 8).size(), 4);

  EXPECT_EQ(enqueued.trial(b, 0).suggestion_index, 0);
  EXPECT_EQ(enqueued.trial(b, 1).suggestion_index, std::nullopt);
  EXPECT_EQ(enqueued.trial(b, 2).suggestion_index, 1);  // completed by the search
  EXPECT_EQ(enqueued.trial(b, 3).suggestion_index, 2);
  EXPECT_EQ(enqueued.trial(b, 4).suggestion_index, 3);
  EXPECT_EQ(enqueued.trial(b, 0).configuration, plain.trial(a, 0).configuration);
  EXPECT_EQ(enqueued.trial(b, 1).configuration, (Configuration{0.5, 0.25}));
  EXPECT_EQ(enqueued.trial(b, 2).configuration, (Configuration{0.125, plain.trial(a, 1).configuration[1]}));
  EXPECT_EQ(enqueued.trial(b, 3).configuration, plain.trial(a, 2).configuration);
}

TEST(Budget, AGridRunsEachPointOnce) {
  TestCoordinator coordinator;
  const StudyId study = coordinator.Create(SmallGrid("g"));
  RunToEnd(coordinator, 4);
  std::vector<Configuration> expected;
  for (const int64_t batch_size : {16, 32, 64}) {
    for (const char* optimizer : {"sgd", "adam"}) expected.push_back({batch_size, std::string(optimizer)});
  }
  std::vector<Configuration> run;
  for (const Trial& trial : coordinator.study(study).trials()) run.push_back(trial.configuration.Unpack());
  EXPECT_EQ(run, expected);
  EXPECT_EQ(coordinator.state(study), StudyState::kCompleted);
}

TEST(Budget, ASmallerGridRunsTheFirstPointsAndALargerOneIsRefused) {
  TestCoordinator coordinator;
  StudySpec spec = SmallGrid("g");
  spec.budget.trials = 7;
  EXPECT_EQ(coordinator.TryCreate(spec).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(coordinator.coordinator().state().studies.empty());
  spec.budget.trials = 3;
  const StudyId study = coordinator.Create(spec);
  RunToEnd(coordinator, 2);
  ASSERT_EQ(coordinator.study(study).trials().size(), 3);
  EXPECT_EQ(coordinator.trial(study, 2).configuration, (Configuration{int64_t{32}, std::string("sgd")}));
  EXPECT_EQ(coordinator.Enqueue(study, {}).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(Budget, AGridTakesNothingEnqueued) {
  TestCoordinator coordinator;
  const StudyId study = coordinator.Create(SmallGrid("g"));
  EXPECT_EQ(coordinator.Enqueue(study, {{"batch_size", int64_t{16}}}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(Budget, ParallelCountsRunningAndNotPausedTrials) {
  TestCoordinator coordinator;
  StudySpec spec = testing::AshaStudy("s", 9);
  spec.budget.parallel = 2;
  const StudyId study = coordinator.Create(spec);
  coordinator.Register("w");
  Grants grants = coordinator.Acquire("w", 8);
  ASSERT_EQ(grants.size(), 2);
  EXPECT_EQ(coordinator.Train(grants[0], [](int64_t) { return 0.5; }), TrialState::kPaused);
  EXPECT_EQ(coordinator.Acquire("w", 8).size(), 1);
  EXPECT_TRUE(coordinator.Acquire("w", 8).empty());
  EXPECT_EQ(coordinator.study(study).Count(TrialState::kRunning), 2);
  EXPECT_EQ(coordinator.study(study).Count(TrialState::kPaused), 1);
}

TEST(Budget, MaxFailuresMakesTheStudyFailedAndCancelsTheRest) {
  TestCoordinator coordinator;
  StudySpec spec = SmallStudy("s", 10);
  spec.retry.max_attempts = 1;
  spec.budget.max_failures = 2;
  const StudyId study = coordinator.Create(spec);
  coordinator.Register("w");
  const Grants grants = coordinator.Acquire("w", 4);
  EXPECT_EQ(coordinator.Finish(grants[0], AttemptOutcome::kInfeasible), TrialState::kInfeasible);
  EXPECT_EQ(coordinator.Finish(grants[1], AttemptOutcome::kFailed), TrialState::kFailed);
  EXPECT_EQ(coordinator.state(study), StudyState::kActive);
  EXPECT_EQ(coordinator.Finish(grants[2], AttemptOutcome::kFailed), TrialState::kFailed);
  EXPECT_EQ(coordinator.state(study), StudyState::kFailed);
  EXPECT_EQ(coordinator.state(study, 3), TrialState::kCancelled);
  EXPECT_THAT(coordinator.study(study).record().reason, HasSubstr("max_failures"));
  EXPECT_THAT(coordinator.trial(study, 3).reason, HasSubstr("max_failures"));
  EXPECT_TRUE(coordinator.Acquire("w", 8).empty());
}

TEST(Budget, TheFirstFiniteValueAsGoodAsTheTargetCompletesTheStudy) {
  TestCoordinator coordinator;
  StudySpec spec = SmallStudy("s", 10);
  spec.budget.target = 0.9;
  const StudyId study = coordinator.Create(spec);
  coordinator.Register("w");
  const Grants grants = coordinator.Acquire("w", 2);
  EXPECT_EQ(coordinator.Report(grants[0], 1, std::numeric_limits<double>::infinity()), Action::kContinue);
  EXPECT_EQ(coordinator.Report(grants[0], 2, std::nextafter(0.9, 0.0)), Action::kContinue);
  EXPECT_EQ(coordinator.Report(grants[1], 1, 0.9), Action::kPrune);
  EXPECT_EQ(coordinator.state(study), StudyState::kCompleted);
  for (const TrialNumber number : {0, 1}) {
    EXPECT_EQ(coordinator.state(study, number), TrialState::kPruned);
    EXPECT_THAT(coordinator.trial(study, number).reason, HasSubstr("target 0.9"));
  }
  EXPECT_EQ(coordinator.trial(study, 1).best->value, 0.9);
}

TEST(Budget, ATargetToBeMinimisedIsReachedFromAbove) {
  TestCoordinator coordinator;
  StudySpec spec = SmallStudy("s", 10);
  spec.objectives = {{"loss", Goal::kMinimize}};
  spec.budget.target = 0.1;
  const StudyId study = coordinator.Create(spec);
  coordinator.Register("w");
  const LeaseGrant lease = coordinator.Acquire("w").at(0);
  EXPECT_EQ(coordinator.Report(lease, 1, -std::numeric_limits<double>::infinity()), Action::kContinue);
  EXPECT_EQ(coordinator.Report(lease, 2, 0.2), Action::kContinue);
  EXPECT_EQ(coordinator.Report(lease, 3, 0.05), Action::kPrune);
  EXPECT_EQ(coordinator.state(study), StudyState::kCompleted);
}

TEST(Budget, WallClockEndsTheStudyToTheMillisecond) {
  TestCoordinator coordinator;
  StudySpec spec = SmallStudy("s", 10);
  spec.budget.wall_clock_ms = 60'000;
  const StudyId study = coordinator.Create(spec);
  coordinator.Register("w");
  ASSERT_EQ(coordinator.Acquire("w").size(), 1);
  for (int i = 0; i < 59; ++i) {
    coordinator.Advance(seconds(1));
    coordinator.HeartbeatAll();
  }
  coordinator.Advance(milliseconds(999));
  EXPECT_EQ(coordinator.state(study), StudyState::kActive);
  coordinator.Advance(milliseconds(1));
  EXPECT_EQ(coordinator.state(study), StudyState::kCompleted);
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kPruned);
  EXPECT_THAT(coordinator.trial(study, 0).reason, HasSubstr("wall_clock"));
  EXPECT_EQ(coordinator.study(study).record().active_ms, 60'000);
}

TEST(Budget, WallClockStandsStillWhileTheStudyIsPausedAndTheCoordinatorDown) {
  TestCoordinator coordinator;
  StudySpec spec = SmallStudy("s", 10);
  spec.budget.wall_clock_ms = 60'000;
  const StudyId other = coordinator.Create(SmallStudy("other", 10));
  coordinator.Advance(seconds(4));  // time before its creation is not its own
  const StudyId study = coordinator.Create(spec);
  coordinator.Advance(seconds(20));
  ASSERT_TRUE(coordinator.Steer(&Studies::Pause, study).ok());
  EXPECT_EQ(coordinator.study(study).record().active_ms, 20'000);
  coordinator.Advance(hours(1));
  ASSERT_TRUE(coordinator.Steer(&Studies::Resume, study).ok());
  coordinator.Advance(seconds(20));
  EXPECT_EQ(coordinator.study(study).record().active_ms, 40'000);
  coordinator.clock().Advance(hours(5));
  coordinator.Reopen();
  coordinator.Advance(seconds(19) + milliseconds(999));
  EXPECT_EQ(coordinator.state(study), StudyState::kActive);
  coordinator.Advance(milliseconds(1));
  EXPECT_EQ(coordinator.state(study), StudyState::kCompleted);
  EXPECT_EQ(coordinator.state(other), StudyState::kActive);
}

TEST(Budget, SameFileGivesTheSameTrialsWithAnyNumberOfWorkersAndAcrossReopening) {
  TestCoordinator one, many, reopened;
  const StudyId a = one.Create(SmallStudy("s", 8));
  const StudyId b = many.Create(SmallStudy("s", 8));
  const StudyId c = reopened.Create(SmallStudy("s", 8));
  RunToEnd(one, 1);
  RunToEnd(many, 5);
  reopened.Register("w");
  for (int i = 0; i < 8; ++i) {
    reopened.Train(reopened.Acquire("w").at(0), [](int64_t) { return 0.5; });
    reopened.Reopen();
  }
  EXPECT_EQ(Suggestions(one, a).size(), 8);
  EXPECT_EQ(Suggestions(one, a), Suggestions(many, b));
  EXPECT_EQ(Suggestions(one, a), Suggestions(reopened, c));
}

TEST(Seeds, AreAHashOfStudySeedAndNumberUnlessGiven) {
  TestCoordinator coordinator;
  StudySpec spec = SmallStudy("hashed", 3);
  const StudyId hashed = coordinator.Create(spec);
  spec = SmallStudy("fixed", 2);
  spec.trainer["seed"] = int64_t{7};
  spec.priority = -1;
  const StudyId fixed = coordinator.Create(spec);
  spec = SmallStudy("tuned", 2);
  spec.parameters.push_back({.name = "seed", .type = ParameterType::kInt, .min = 5, .max = 6});
  spec.priority = -2;
  const StudyId tuned = coordinator.Create(spec);
  coordinator.Register("w");
  const Grants grants = coordinator.Acquire("w", 64);
  ASSERT_EQ(grants.size(), 7);
  std::set<uint64_t> seeds;
  for (int i = 0; i < 3; ++i) seeds.insert(coordinator.trial(hashed, i).seed);
  EXPECT_EQ(seeds.size(), 3);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(coordinator.trial(fixed, i).seed, 7);
    EXPECT_EQ(coordinator.trial(tuned, i).seed,
              static_cast<uint64_t>(std::get<int64_t>(*coordinator.trial(tuned, i).configuration[1])));
  }
  for (const LeaseGrant& grant : grants) {
    EXPECT_EQ(grant.seed, coordinator.trial(grant.ref.study, grant.ref.trial).seed);
  }
}

}  // namespace
}  // namespace athanor
