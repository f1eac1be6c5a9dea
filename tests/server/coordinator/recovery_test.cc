// What survives: the coordinator reopened in mid-study, and commits that fail. SEMANTICS section 3.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "server/store/sqlite/sqlite_store.h"
#include "tests/server/coordinator/scripted_study.h"
#include "tests/testing/coordinator_fixture.h"

namespace athanor {
namespace {

using std::chrono::seconds;
using testing::AshaStudy;
using ::testing::IsEmpty;
using testing::Reopening;
using testing::Script;
using testing::SmallStudy;
using testing::TestCoordinator;

class MidStudy : public ::testing::TestWithParam<std::pair<const char*, EarlyStoppingOptions>> {};

TEST_P(MidStudy, ReopenedAfterEveryStepContinuesIdentically) {
  StudySpec spec = AshaStudy("s", 12, 2);
  spec.early_stopping = GetParam().second;
  EXPECT_EQ(Script(spec, {}).Run(), Script(spec, {.reopening = Reopening::kAfterEveryStep}).Run());
}

TEST(OnDisk, TheSameStudyGivesTheSameFactsAndComesBackTheSame) {
  std::string directory = (std::filesystem::temp_directory_path() / "athanor_recovery_XXXXXX").string();
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  {
    auto store = OpenSqliteStore({.path = directory + "/athanor.db"});
    ASSERT_TRUE(store.ok()) << store.status();
    const StudySpec spec = AshaStudy("s", 12, 2);
    EXPECT_EQ(Script(spec, {.reopening = Reopening::kAfterEveryStep, .store = store->get()}).Run(),
              Script(spec, {}).Run());
  }
  std::filesystem::remove_all(directory);
}

AshaPromotion Promotion9() {
  AshaPromotion asha;
  asha.max_resource = 9;
  asha.finalists = 2;
  return asha;
}
AshaStopping Stopping9() {
  AshaStopping asha;
  asha.max_resource = 9;
  return asha;
}
MedianStopping Median2() {
  MedianStopping median;
  median.startup_trials = 2;
  return median;
}
AshaPromotion Brackets9() {
  AshaPromotion asha = Promotion9();
  asha.brackets = 2;
  return asha;
}
Hyperband Hyperband9(bool synchronous) {
  Hyperband hyperband;
  hyperband.max_resource = 9;
  hyperband.synchronous = synchronous;
  return hyperband;
}
PatienceStopping Patience1(InnerStopping inner) {
  return {.patience = 1, .min_delta = 0.005, .inner = std::move(inner)};
}

INSTANTIATE_TEST_SUITE_P(
    Rules, MidStudy,
    ::testing::Values(std::pair<const char*, EarlyStoppingOptions>("none", NoStopping{}),
                      std::pair<const char*, EarlyStoppingOptions>("asha", Promotion9()),
                      std::pair<const char*, EarlyStoppingOptions>("asha_stopping", Stopping9()),
                      std::pair<const char*, EarlyStoppingOptions>("median", Median2()),
                      std::pair<const char*, EarlyStoppingOptions>("asha_brackets", Brackets9()),
                      std::pair<const char*, EarlyStoppingOptions>("hyperband", Hyperband9(false)),
                      std::pair<const char*, EarlyStoppingOptions>("synchronous", Hyperband9(true)),
                      std::pair<const char*, EarlyStoppingOptions>("patience", Patience1({})),
                      std::pair<const char*, EarlyStoppingOptions>("patience_then_median", Patience1(Median2())),
                      std::pair<const char*, EarlyStoppingOptions>(
                          "threshold", ThresholdStopping{{.lower = 0, .interval_steps = 2}})),
    [](const auto& info) { return std::string(info.param.first); });

TEST(Reopened, TokensGoOnGrowing) {
  TestCoordinator coordinator;
  coordinator.Create(SmallStudy("s", 9));
  coordinator.Register("w");
  Token last = 0;
  for (int i = 0; i < 5; ++i) {
    const LeaseGrant lease = coordinator.Acquire("w").at(0);
    EXPECT_GT(lease.ref.token, last);
    last = lease.ref.token;
    coordinator.Finish(lease, AttemptOutcome::kPreempted);
    coordinator.Reopen();
  }
}

TEST(Reopened, ALeaseGoesOnUnderItsTokenAndIsStillIdempotent) {
  TestCoordinator coordinator;
  const StudyId study = coordinator.Create(SmallStudy("s", 9));
  coordinator.Register("w");
  const LeaseGrant lease = coordinator.Acquire("w").at(0);
  coordinator.Report(lease, 1, 0.5);
  coordinator.Reopen();
  EXPECT_EQ(coordinator.Report(lease, 1, 0.5), Action::kContinue);
  const TrialReport other{.lease = lease.ref, .measurements = {{1, 1, {{"accuracy", 0.75}}}}};
  EXPECT_EQ(coordinator.TryReport(other)->status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(coordinator.Finish(lease), TrialState::kCompleted);
  coordinator.Reopen();
  EXPECT_EQ(coordinator.Finish(lease), TrialState::kCompleted);
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kCompleted);
}

TEST(Reopened, ARepeatedAcquireGetsTheSameLeases) {
  TestCoordinator coordinator;
  coordinator.Create(SmallStudy("s", 9));
  coordinator.Register("w");
  const AcquireOptions options = coordinator.NextAcquire("w", 2);
  const Grants granted = coordinator.TryAcquire(options).value();
  ASSERT_EQ(granted.size(), 2);
  coordinator.Reopen();
  const Grants again = coordinator.TryAcquire(options).value();
  ASSERT_EQ(again.size(), 2);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(again[i].ref, granted[i].ref);
    EXPECT_EQ(again[i].seed, granted[i].seed);
    EXPECT_EQ(again[i].options, granted[i].options);
  }
  AcquireOptions older = options;
  --older.sequence;
  EXPECT_EQ(coordinator.TryAcquire(older).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(coordinator.Acquire("w").at(0).ref.trial, 2);
}

TEST(Repeated, ACheckpointThatComesAfterNewerOnesChangesNothing) {
  TestCoordinator coordinator;
  const StudyId study = coordinator.Create(SmallStudy("s", 1));
  coordinator.Register("w");
  const LeaseGrant lease = coordinator.Acquire("w").at(0);
  for (const int64_t step : {1, 2, 3}) ASSERT_TRUE(coordinator.Checkpoint(lease, step).ok());
  const Revision revision = coordinator.study(study).record().revision;
  EXPECT_TRUE(coordinator.Checkpoint(lease, 1).ok());
  EXPECT_EQ(coordinator.study(study).record().revision, revision);
  EXPECT_EQ(coordinator.study(study).checkpoints(0).size(), 2);
}

// ---- Commits that fail ----

class FailingCommit : public ::testing::Test {
 protected:
  FailingCommit() : study(coordinator.Create(AshaStudy("s", 9))) {
    coordinator.Register("w");
    coordinator.OpenStream("w");
    grants = coordinator.Acquire("w", 3);
    coordinator.Report(grants[0], 1, 0.5);
  }
  void Break() { coordinator.memory_store().SetCommitStatus(absl::ResourceExhaustedError("disk full")); }
  // The next group finds out.
  void Mend() {
    coordinator.memory_store().SetCommitStatus(absl::OkStatus());
    coordinator.clock().Advance(seconds(8));
  }

  TestCoordinator coordinator;
  StudyId study;
  Grants grants;
};

TEST_F(FailingCommit, LeavesMemoryAsItWasAndTellsEveryCaller) {
  const auto poll = coordinator.Park("w", seconds(20), 9);
  ASSERT_TRUE(poll->leased());  // the rest of the trials
  coordinator.Register("idle");
  const auto parked = coordinator.Park("idle", seconds(20));
  const std::string before = coordinator.MemoryText();
  Break();
  std::vector<absl::Status> answers;
  const auto note = [&](const auto& answer) { answers.push_back(answer.status()); };
  Owner& owner = coordinator.owner();
  Coordinator& it = coordinator.coordinator();
  owner.Submit<LiveStudy*>(
      [&](Transaction& tx) {
        return it.studies().Create(tx, SmallStudy("t", 3), {"r1", "C", "f"});
      },
      note);
  owner.Submit<LiveStudy*>([&](Transaction& tx) { return it.studies().Pause(tx, "s", {}); }, note);
  owner.Submit<FoundTrial>([&](Transaction& tx) { return it.trials().Cancel(tx, "s", 2, {}); }, note);
  owner.Submit<TrialState>(
      [&](Transaction& tx) {
        return it.leases().Finish(tx, {.lease = grants[1].ref, .outcome = AttemptOutcome::kFailed});
      },
      note);
  owner.Submit<HeartbeatAnswer>([&](Transaction& tx) { return it.leases().Heartbeat(tx, "w", 1, {}, {}); }, note);
  owner.RunOnce();
  ASSERT_EQ(answers.size(), 5);
  for (const absl::Status& answer : answers) EXPECT_EQ(answer.code(), absl::StatusCode::kResourceExhausted);
  ASSERT_TRUE(parked->answer.has_value());  // study t would have served it
  EXPECT_EQ(parked->answer->status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(coordinator.commands("w"), IsEmpty());
  EXPECT_EQ(coordinator.MemoryText(), before);
  EXPECT_EQ(coordinator.StoreText(), before);

  Mend();
  EXPECT_TRUE(coordinator.TryCreate(SmallStudy("t", 3), "r1").ok());
  EXPECT_EQ(coordinator.Report(grants[1], 1, 0.25), Action::kPause);
  EXPECT_EQ(coordinator.Cancel(study, 2).value(), TrialState::kCancelled);
  EXPECT_EQ(coordinator.MemoryText(), coordinator.StoreText());
}

TEST_F(FailingCommit, UndoesEveryUseCase) {
  coordinator.Finish(coordinator.Acquire("w").at(0), AttemptOutcome::kFailed);
  coordinator.Cancel(study, 3).IgnoreError();
  coordinator.Register("young");
  coordinator.Create(SmallStudy("other", 3));
  coordinator.clock().Advance(seconds(31));
  const std::string before = coordinator.MemoryText();
  Coordinator& it = coordinator.coordinator();
  const auto expect_undone = [&](const char* what, auto use_case) {
    Break();
    EXPECT_FALSE(coordinator
                     .Run([&](Transaction& tx) {
                       use_case(tx);
                       return absl::OkStatus();
                     })
                     .ok())
        << what;
    EXPECT_EQ(coordinator.MemoryText(), before) << what;
    Mend();
    EXPECT_EQ(coordinator.StoreText(), before) << what;
  };
  expect_undone("tick", [&](Transaction& tx) { it.Tick(tx); });
  expect_undone("resume", [&](Transaction& tx) { (void)it.studies().Cancel(tx, "s", {}); });
  expect_undone("retry", [&](Transaction& tx) { (void)it.trials().Retry(tx, "s", 3, {}); });
  expect_undone("enqueue", [&](Transaction& tx) { (void)it.trials().Enqueue(tx, "s", {{"learning_rate", 0.5}}, {}); });
  expect_undone("acquire", [&](Transaction& tx) {
    (void)it.dispatch().AcquireNow(tx, {.worker = "young", .incarnation = 1, .sequence = 1, .max_trials = 4});
  });
  expect_undone("incarnation", [&](Transaction& tx) {
    Registration registration;
    registration.protocol_version = kProtocolVersion;
    registration.worker.name = "w";
    registration.worker.incarnation = 2;
    registration.worker.slots = 1;
    (void)it.leases().Register(tx, registration);
  });
  expect_undone("drain", [&](Transaction& tx) { (void)it.leases().Drain(tx, "w"); });
  expect_undone("enable", [&](Transaction& tx) { (void)it.leases().Enable(tx, "w"); });
  expect_undone("archive", [&](Transaction& tx) {
    (void)it.reports().Report(
        tx, {.lease = grants[1].ref, .start = AttemptStart{0, {}}, .measurements = {{1, 1, {{"accuracy", 0.5}}}}});
  });
  expect_undone("checkpoint", [&](Transaction& tx) {
    (void)it.checkpoints().Register(tx, grants[1].ref, {.step = 1, .sha256 = testing::FakeHash(5), .size_bytes = 1});
  });
}

TEST_F(FailingCommit, ALeaseThatWasNeverGrantedIsGrantedAgainUnderANewToken) {
  const AcquireOptions options = coordinator.NextAcquire("w");
  Break();
  EXPECT_EQ(coordinator.TryAcquire(options).status().code(), absl::StatusCode::kResourceExhausted);
  Mend();
  const Grants granted = coordinator.TryAcquire(options).value();
  ASSERT_EQ(granted.size(), 1);
  EXPECT_EQ(granted[0].ref.trial, 3);
  EXPECT_EQ(coordinator.MemoryText(), coordinator.StoreText());
}

}  // namespace
}  // namespace athanor
