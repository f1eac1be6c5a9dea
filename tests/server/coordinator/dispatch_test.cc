// Who gets which trial next: between studies, within a study, and by long poll. SEMANTICS section 2, "next free slot".
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/testing/coordinator_fixture.h"

namespace athanor {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;
using testing::AshaStudy;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Poll;
using testing::SmallStudy;
using testing::TestCoordinator;

std::vector<TrialNumber> Numbers(const Grants& grants) {
  std::vector<TrialNumber> numbers;
  for (const LeaseGrant& grant : grants) numbers.push_back(grant.ref.trial);
  return numbers;
}

std::vector<std::string> StudiesOf(const Grants& grants) {
  std::vector<std::string> names;
  for (const LeaseGrant& grant : grants) names.push_back(grant.study_name);
  return names;
}

TEST(BetweenStudies, HighestPriorityThenFewestLeasedThenOldest) {
  TestCoordinator coordinator;
  coordinator.Create(SmallStudy("old", 10));
  coordinator.Create(SmallStudy("young", 10));
  StudySpec urgent = SmallStudy("urgent", 2);
  urgent.priority = 1;
  coordinator.Create(urgent);
  coordinator.Register("w");
  EXPECT_THAT(StudiesOf(coordinator.Acquire("w", 6)), ElementsAre("urgent", "urgent", "old", "young", "old", "young"));
}

TEST(BetweenStudies, AStudyWithoutWorkIsPassedOver) {
  TestCoordinator coordinator;
  StudySpec narrow = SmallStudy("narrow", 10);
  narrow.priority = 5;
  narrow.budget.parallel = 1;
  coordinator.Create(narrow);
  const StudyId paused = coordinator.Create(SmallStudy("paused", 10));
  coordinator.Create(SmallStudy("plain", 1));
  ASSERT_TRUE(coordinator.Steer(&Studies::Pause, paused).ok());
  coordinator.Register("w");
  EXPECT_THAT(StudiesOf(coordinator.Acquire("w", 6)), ElementsAre("narrow", "plain"));
}

TEST(BetweenStudies, AWorkerGetsOnlyWhatItCanRun) {
  TestCoordinator coordinator;
  StudySpec spec = SmallStudy("two_gpus", 9);
  spec.trainer["dataset"] = std::string("idx");
  spec.trainer["data_dir"] = std::string("/data");
  spec.requirements.device = "cuda";
  spec.requirements.devices = 2;
  coordinator.Create(spec);
  spec = SmallStudy("labelled", 9);
  spec.trainer["dataset"] = std::string("idx");
  spec.trainer["data_dir"] = std::string("/data");
  spec.requirements.labels = {{"rack", "7"}};
  coordinator.Create(spec);
  spec = SmallStudy("dataset", 9);
  spec.trainer["dataset"] = std::string("fashion-mnist");
  coordinator.Create(spec);
  coordinator.Register("plain", 1, [](WorkerRecord& worker) { worker.datasets = {"other"}; });
  coordinator.Register("one_gpu", 1, [](WorkerRecord& worker) {
    worker.devices = {{"cuda", "a", 1}, {"cpu", "b", 1}};
    worker.datasets = {"other"};
  });
  coordinator.Register("gpus", 1, [](WorkerRecord& worker) {
    worker.devices = {{"cuda", "a", 1}, {"cuda", "b", 1}};
    worker.datasets = {"other"};
  });
  coordinator.Register("rack", 1, [](WorkerRecord& worker) {
    worker.labels = {{"rack", "7"}, {"row", "1"}};
    worker.datasets = {"other"};
  });
  coordinator.Register("data", 1, [](WorkerRecord& worker) { worker.datasets = {"other", "fashion-mnist"}; });
  EXPECT_THAT(StudiesOf(coordinator.Acquire("plain")), IsEmpty());
  EXPECT_THAT(StudiesOf(coordinator.Acquire("one_gpu")), IsEmpty());
  EXPECT_THAT(StudiesOf(coordinator.Acquire("gpus")), ElementsAre("two_gpus"));
  EXPECT_THAT(StudiesOf(coordinator.Acquire("rack")), ElementsAre("labelled"));
  EXPECT_THAT(StudiesOf(coordinator.Acquire("data")), ElementsAre("dataset"));
}

TEST(BetweenStudies, DataThatAreMadeFromASeedAreEverywhere) {
  TestCoordinator coordinator;
  StudySpec spec = SmallStudy("made", 9);
  spec.trainer["dataset"] = std::string("synthetic_table");
  coordinator.Create(spec);
  coordinator.Register("plain", 1, [](WorkerRecord& worker) { worker.datasets = {"other"}; });
  EXPECT_THAT(StudiesOf(coordinator.Acquire("plain")), ElementsAre("made"));
}

TEST(BetweenStudies, ShowsThatNoWorkerMeetsTheRequirements) {
  TestCoordinator coordinator;
  StudySpec spec = SmallStudy("s", 9);
  spec.requirements.device = "cuda";
  const StudyId study = coordinator.Create(spec);
  const auto why = [&] {
    return coordinator.coordinator().studies().WhyWaiting(coordinator.study(study),
                                                          coordinator.clock().Read().monotonic);
  };
  EXPECT_THAT(why(), HasSubstr("no worker is connected"));
  coordinator.Register("cpu");
  EXPECT_THAT(why(), HasSubstr("none of the 1 connected workers meets"));
  coordinator.Register("gpu", 1, [](WorkerRecord& worker) { worker.devices = {{"cuda", "a", 1}}; });
  EXPECT_EQ(why(), "");
}

TEST(WithinAStudy, RequeuedThenEnqueuedThenNew) {
  TestCoordinator coordinator;
  const StudyId study = coordinator.Create(SmallStudy("s", 6));
  coordinator.Register("w");
  const Grants first = coordinator.Acquire("w", 3);
  ASSERT_TRUE(coordinator.Enqueue(study, {{"learning_rate", 0.5}}).ok());
  coordinator.Finish(first[2], AttemptOutcome::kPreempted);
  coordinator.Finish(first[0], AttemptOutcome::kPreempted);
  EXPECT_THAT(Numbers(coordinator.Acquire("w", 9)), ElementsAre(0, 2, 3, 4, 5));
  EXPECT_EQ(coordinator.trial(study, 3).configuration, (Configuration{0.5}));
}

TEST(WithinAStudy, AFailedTrialPreferablyGoesToAnotherWorker) {
  TestCoordinator coordinator;
  coordinator.Create(SmallStudy("s", 4));
  coordinator.Register("a");
  coordinator.Register("b");
  coordinator.Finish(coordinator.Acquire("a").at(0), AttemptOutcome::kFailed);
  EXPECT_THAT(Numbers(coordinator.Acquire("a")), ElementsAre(1));
  EXPECT_THAT(Numbers(coordinator.Acquire("b")), ElementsAre(0));
}

TEST(WithinAStudy, AFailedTrialGoesBackToItsWorkerAtOnceIfThereIsNoOther) {
  TestCoordinator coordinator;
  coordinator.Create(SmallStudy("s", 4));
  coordinator.Register("a");
  coordinator.Register("gone");
  coordinator.Advance(seconds(31));  // too long to be online
  coordinator.Finish(coordinator.Acquire("a").at(0), AttemptOutcome::kFailed);
  EXPECT_THAT(Numbers(coordinator.Acquire("a")), ElementsAre(0));
}

TEST(WithinAStudy, AFailedTrialGoesBackToItsWorkerOnceNothingElseIsLeft) {
  TestCoordinator coordinator;
  coordinator.Create(SmallStudy("s", 2));
  coordinator.Register("a");
  coordinator.Register("b");
  coordinator.Finish(coordinator.Acquire("a").at(0), AttemptOutcome::kFailed);
  EXPECT_THAT(Numbers(coordinator.Acquire("a", 9)), ElementsAre(1, 0));
}

TEST(WithinAStudy, PromotionsComeBeforeEnqueuedAndNewTrialsAndAfterRequeuedOnes) {
  TestCoordinator coordinator;
  const StudyId study = coordinator.Create(AshaStudy("s", 9));
  coordinator.Register("w");
  const Grants first = coordinator.Acquire("w", 4);
  for (int i = 0; i < 3; ++i) coordinator.Train(first[i], [i](int64_t) { return 0.1 * (i + 1); });
  coordinator.Finish(first[3], AttemptOutcome::kPreempted);
  ASSERT_TRUE(coordinator.Enqueue(study, {{"learning_rate", 0.5}}).ok());
  EXPECT_THAT(Numbers(coordinator.Acquire("w", 4)), ElementsAre(3, 2, 4, 5));
  EXPECT_EQ(coordinator.trial(study, 4).configuration, (Configuration{0.5}));
}

TEST(LeaseGrant, HoldsWhatTheWorkerNeeds) {
  TestCoordinator coordinator;
  StudySpec spec = AshaStudy("s", 9);
  spec.retry.stall_timeout_ms = 1'234;
  spec.checkpoint.interval_ms = 4'321;
  spec.trainer["model"] = std::string("lenet");
  const StudyId study = coordinator.Create(spec);
  coordinator.Register("w");
  const LeaseGrant grant = coordinator.Acquire("w").at(0);
  EXPECT_EQ(grant.study_name, "s");
  EXPECT_EQ(grant.options.at("model"), Value(std::string("lenet")));
  EXPECT_EQ(grant.options.at("epochs"), Value(int64_t{9}));
  EXPECT_EQ(grant.options.at("learning_rate"), *coordinator.trial(study, 0).configuration[0]);
  EXPECT_EQ(grant.until_step, 9);
  EXPECT_THAT(grant.hold_at, ElementsAre(1, 3));
  EXPECT_TRUE(grant.pauses_at_hold);
  EXPECT_THAT(grant.checkpoints, IsEmpty());
  EXPECT_EQ(grant.stall_timeout_ms, 1'234);
  EXPECT_EQ(grant.checkpoint_interval_ms, 4'321);
  EXPECT_EQ(grant.objective.metric, "accuracy");
}

// ---- Acquire ----

TEST(Acquire, RepeatedWithTheSameSequenceGivesTheSameLeases) {
  TestCoordinator coordinator;
  coordinator.Create(SmallStudy("s", 9));
  coordinator.Register("w");
  const AcquireOptions options = coordinator.NextAcquire("w", 2);
  const Grants first = coordinator.TryAcquire(options).value();
  const Grants again = coordinator.TryAcquire(options).value();
  ASSERT_EQ(first.size(), 2);
  ASSERT_EQ(again.size(), 2);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(first[i].ref, again[i].ref);
  EXPECT_THAT(Numbers(coordinator.Acquire("w")), ElementsAre(2));
  EXPECT_EQ(coordinator.TryAcquire(options).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(Acquire, RepeatedWithTheSameSequenceLeavesOutWhatHasEnded) {
  TestCoordinator coordinator;
  coordinator.Create(SmallStudy("s", 9));
  coordinator.Register("w");
  const AcquireOptions options = coordinator.NextAcquire("w", 2);
  const Grants first = coordinator.TryAcquire(options).value();
  coordinator.Train(first[0], [](int64_t) { return 0.5; });
  EXPECT_THAT(Numbers(coordinator.TryAcquire(options).value()), ElementsAre(1));
}

TEST(Acquire, IsRefusedForStrangersOldIncarnationsAndNoSlots) {
  TestCoordinator coordinator;
  coordinator.Create(SmallStudy("s", 9));
  coordinator.Register("w", 5);
  const auto code = [&](AcquireOptions options) { return coordinator.TryAcquire(options).status().code(); };
  EXPECT_EQ(code({.worker = "x", .incarnation = 1, .sequence = 1}), absl::StatusCode::kNotFound);
  EXPECT_EQ(code({.worker = "w", .incarnation = 4, .sequence = 1}), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(code({.worker = "w", .incarnation = 6, .sequence = 1}), absl::StatusCode::kNotFound);
  EXPECT_EQ(code({.worker = "w", .incarnation = 5, .sequence = 1, .max_trials = 0}),
            absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(coordinator.coordinator().state().studies.at(1)->trials(), IsEmpty());
}

TEST(LongPoll, IsServedWhenWorkAppears) {
  TestCoordinator coordinator;
  coordinator.Register("a");
  coordinator.Register("b");
  const auto first = coordinator.Park("a", seconds(10), 2);
  const auto second = coordinator.Park("b", seconds(10));
  EXPECT_FALSE(first->answer.has_value());
  coordinator.Create(SmallStudy("s", 2));
  ASSERT_TRUE(first->leased());
  EXPECT_THAT(Numbers(**first->answer), ElementsAre(0, 1));
  EXPECT_FALSE(second->answer.has_value());
  coordinator.Finish((**first->answer)[1], AttemptOutcome::kPreempted);
  ASSERT_TRUE(second->leased());
  EXPECT_THAT(Numbers(**second->answer), ElementsAre(1));
}

TEST(LongPoll, IsAnsweredEmptyAtItsDeadlineAndNotBefore) {
  TestCoordinator coordinator;
  coordinator.Register("w");
  const auto poll = coordinator.Park("w", seconds(10));
  coordinator.Advance(seconds(10) - nanoseconds(1));
  EXPECT_FALSE(poll->answer.has_value());
  coordinator.Advance(nanoseconds(1));
  ASSERT_TRUE(poll->answer.has_value());
  EXPECT_THAT(**poll->answer, IsEmpty());
}

TEST(LongPoll, WaitsNoLongerThanTheCoordinatorAllows) {
  TestCoordinator coordinator({.long_poll = seconds(3)});
  coordinator.Register("w");
  const auto poll = coordinator.Park("w", seconds(100));
  coordinator.Advance(seconds(3));
  EXPECT_TRUE(poll->answer.has_value());
}

TEST(LongPoll, CancelledGetsNoLease) {
  TestCoordinator coordinator;
  coordinator.Register("w");
  const auto poll = coordinator.Park("w", seconds(10));
  coordinator.coordinator().dispatch().Cancel(poll->id);
  const StudyId study = coordinator.Create(SmallStudy("s", 2));
  EXPECT_FALSE(poll->answer.has_value());
  EXPECT_EQ(coordinator.study(study).Count(TrialState::kRunning), 0);
}

TEST(LongPoll, GivenBackLeasesAreQueuedWithoutAFailure) {
  TestCoordinator coordinator;
  const StudyId study = coordinator.Create(SmallStudy("s", 2));
  coordinator.Register("w");
  const auto poll = coordinator.Park("w", seconds(10));
  ASSERT_TRUE(poll->leased());
  ASSERT_TRUE(coordinator
                  .Run([&](Transaction& tx) {
                    coordinator.coordinator().dispatch().GiveBack(tx, **poll->answer);
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kWaiting);
  EXPECT_EQ(coordinator.trial(study, 0).stuck_failures, 0);
}

TEST(LongPoll, OfANewIncarnationReplacesThatOfTheOld) {
  TestCoordinator coordinator;
  coordinator.Register("w", 1);
  const auto old = coordinator.Park("w", seconds(10));
  coordinator.Register("w", 2);
  const auto young = coordinator.Park("w", seconds(10));
  coordinator.Create(SmallStudy("s", 1));
  EXPECT_FALSE(old->leased());
  EXPECT_TRUE(young->leased());
}

TEST(LongPoll, IsLeftWaitingByCallsThatArriveAfterIt) {
  TestCoordinator coordinator;
  coordinator.Register("w", 2);
  const AcquireOptions stale = coordinator.NextAcquire("w");
  const auto poll = coordinator.Park("w", seconds(10));
  AcquireOptions of_old_incarnation = coordinator.NextAcquire("w");
  of_old_incarnation.incarnation = 1;
  EXPECT_EQ(coordinator.TryAcquire(stale).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(coordinator.TryAcquire(of_old_incarnation).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(poll->answer.has_value());
  coordinator.Create(SmallStudy("s", 1));
  EXPECT_TRUE(poll->leased());
}

TEST(LongPoll, AreAllAnsweredEmptyAtShutdown) {
  TestCoordinator coordinator;
  coordinator.Register("a");
  coordinator.Register("b");
  const auto a = coordinator.Park("a", seconds(10));
  const auto b = coordinator.Park("b", seconds(10));
  ASSERT_TRUE(coordinator
                  .Run([&](Transaction& tx) {
                    coordinator.coordinator().ReleaseWaiting(tx);
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_THAT(a->answer->value(), IsEmpty());
  EXPECT_THAT(b->answer->value(), IsEmpty());
}

TEST(LongPoll, BeyondTheLimitAreRefused) {
  TestCoordinator coordinator({.max_waiting_acquires = 1});
  coordinator.Register("a");
  coordinator.Register("b");
  const auto a = coordinator.Park("a", seconds(10));
  const auto b = coordinator.Park("b", seconds(10));
  EXPECT_FALSE(a->answer.has_value());
  EXPECT_EQ(b->answer->status().code(), absl::StatusCode::kResourceExhausted);
  const auto again = coordinator.Park("a", seconds(10));  // takes the place of its first
  EXPECT_THAT(a->answer->value(), IsEmpty());
  EXPECT_FALSE(again->answer.has_value());
  coordinator.Advance(seconds(10));
  EXPECT_THAT(again->answer->value(), IsEmpty());
  EXPECT_FALSE(coordinator.Park("b", seconds(10))->answer.has_value());
}

}  // namespace
}  // namespace athanor
