// Checkpoints between trainer, worker and coordinator.
#include <filesystem>
#include <fstream>

#include "base/random.h"
#include "base/sha256.h"
#include "tests/worker/session/session_fixture.h"

namespace athanor::session {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Not;
using ::testing::StartsWith;

class CheckpointTest : public SessionTest {
 protected:
  // A checkpoint of trial `number` as the scripted trainer writes it, held by the coordinator.
  v1::CheckpointRef Store(int64_t number, int64_t step) {
    const uint64_t identity = HashString("{}/" + std::to_string(number));
    const std::string content = std::to_string(step) + " 0 " + std::to_string(identity) + "\n";
    v1::CheckpointRef ref;
    ref.set_sha256(Sha256::Hex(content));
    ref.set_step(step);
    ref.set_size_bytes(static_cast<int64_t>(content.size()));
    coordinator_.Ask([&](auto& state) { state.files[ref.sha256()] = content; });
    return ref;
  }
  int64_t ResumedStep(size_t report = 0) { return Reports().at(report).resumed_step(); }
  int Downloads() {
    return coordinator_.Ask([](auto& state) {
      int count = 0;
      for (const std::string& event : state.events) count += event.rfind("download ", 0) == 0 ? 1 : 0;
      return count;
    });
  }
};

TEST_F(CheckpointTest, WithoutRoomInTheCacheATrialStartsAnewAndReportsItsHolds) {
  Start();
  // As on a disk that is full: nothing can be created where the cache is.
  std::filesystem::remove_all(folder_ / "checkpoints");
  std::ofstream(folder_ / "checkpoints") << "no folder";
  v1::Lease lease = MakeLease(0, 6);
  *lease.add_checkpoints() = Store(0, 4);
  lease.add_hold_at(5);
  coordinator_.Grant(lease);
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_EQ(ResumedStep(), 0);
  EXPECT_EQ(Count("report 5"), 1);
  EXPECT_EQ(Count("upload 5"), 0);
  EXPECT_EQ(Finishes()[0].outcome(), v1::ATTEMPT_OUTCOME_COMPLETED);
}

TEST_F(CheckpointTest, OnlyTheNewestStaysWhereTheTrainerLeftIt) {
  Start({"step_ms=20"});
  v1::Lease lease = MakeLease(0, 1'000'000);
  lease.set_checkpoint_interval_ms(1);
  coordinator_.Grant(lease);
  ASSERT_TRUE(RunUntilEvent("upload 4"));
  for (const char* name : {"step-1", "step-2", "step-3"}) {
    EXPECT_FALSE(std::filesystem::exists(std::string(folder_ / "trials/1-0-100/") + name)) << name;
  }
}

TEST_F(CheckpointTest, ResumesFromTheNewestCheckpoint) {
  Start();
  v1::Lease lease = MakeLease(0, 6);
  *lease.add_checkpoints() = Store(0, 4);
  *lease.add_checkpoints() = Store(0, 2);
  coordinator_.Grant(lease);
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_EQ(ResumedStep(), 4);
  EXPECT_EQ(Downloads(), 1);
  EXPECT_EQ(Count("report 5"), 1);
  EXPECT_EQ(Count("report 4"), 0);
}

TEST_F(CheckpointTest, PassesOverADamagedCheckpointForTheNextOlder) {
  Start();
  v1::Lease lease = MakeLease(0, 6);
  *lease.add_checkpoints() = Store(0, 4);
  *lease.add_checkpoints() = Store(0, 2);
  coordinator_.Ask([&](auto& state) { state.files[lease.checkpoints(0).sha256()] += "damage"; });
  coordinator_.Grant(lease);
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_EQ(ResumedStep(), 2);
}

TEST_F(CheckpointTest, StartsFromStepZeroWhenEveryCheckpointIsGone) {
  Start();
  v1::Lease lease = MakeLease(0, 2);
  *lease.add_checkpoints() = Store(0, 4);
  coordinator_.Ask([](auto& state) { state.files.clear(); });
  coordinator_.Grant(lease);
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_EQ(Reports()[0].resumed_step(), 0);
  EXPECT_EQ(Finishes()[0].outcome(), v1::ATTEMPT_OUTCOME_COMPLETED);
}

TEST_F(CheckpointTest, ResumesOnTheSameWorkerWithoutADownload) {
  AnswerReports(v1::ACTION_PAUSE, 2);
  Start();
  v1::Lease lease = MakeLease(0, 4);
  lease.add_hold_at(2);
  coordinator_.Grant(lease);
  ASSERT_TRUE(RunUntilEvent("report 2"));
  ASSERT_TRUE(RunUntilIdle());

  AnswerReports(v1::ACTION_CONTINUE, 0);
  const std::string sha256 = coordinator_.Ask([](auto& state) { return state.files.begin()->first; });
  v1::Lease promoted = MakeLease(0, 4);
  promoted.mutable_ref()->set_token(200);
  promoted.add_checkpoints()->set_sha256(sha256);
  promoted.mutable_checkpoints(0)->set_step(2);
  coordinator_.Grant(promoted);
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_EQ(Downloads(), 0);
  EXPECT_EQ(Count("report 3"), 1);
  EXPECT_EQ(Count("report 2"), 1);
}

TEST_F(CheckpointTest, ReportsAHoldEvenIfTheCoordinatorHasNoRoomForItsCheckpoint) {
  coordinator_.Ask([](auto& state) { state.upload_status = absl::ResourceExhaustedError("disk full"); });
  Start();
  v1::Lease lease = MakeLease(0, 3);
  lease.add_hold_at(2);
  coordinator_.Grant(lease);
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_THAT(Events(), ElementsAre("register", "report 1", "report 2", "report 3", "finish COMPLETED"));
}

TEST_F(CheckpointTest, PausesWithoutTheCheckpointThatHasNoRoomAndIsTrainedAgainWhenPromoted) {
  coordinator_.Ask([](auto& state) { state.upload_status = absl::ResourceExhaustedError("quota"); });
  AnswerReports(v1::ACTION_PAUSE, 2);
  Start();
  v1::Lease lease = MakeLease(0, 4);
  lease.add_hold_at(2);
  lease.set_pauses_at_hold(true);
  coordinator_.Grant(lease);
  ASSERT_TRUE(RunUntilEvent("report 2"));
  ASSERT_TRUE(RunUntilIdle());
  EXPECT_THAT(Events(), ElementsAre("register", "report 1", "report 2"));
  EXPECT_THAT(Finishes(), IsEmpty());

  AnswerReports(v1::ACTION_CONTINUE, 0);
  v1::Lease promoted = MakeLease(0, 4);  // the coordinator has no checkpoint to offer
  promoted.mutable_ref()->set_token(200);
  coordinator_.Grant(promoted);
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_EQ(Finishes()[0].outcome(), v1::ATTEMPT_OUTCOME_COMPLETED);
  EXPECT_EQ(Reports()[2].resumed_step(), 0);
  EXPECT_EQ(Count("report 1"), 2);
  EXPECT_EQ(Count("report 4"), 1);
}

TEST_F(CheckpointTest, StopsWhenAnUploadIsRefusedForItsToken) {
  coordinator_.Ask([](auto& state) { state.upload_status = absl::FailedPreconditionError("stale token"); });
  Start();
  v1::Lease lease = MakeLease(0, 3);
  lease.add_hold_at(1);
  coordinator_.Grant(lease);
  ASSERT_TRUE(RunUntil([this] { return !session_->HeldLeases().empty(); }));
  ASSERT_TRUE(RunUntilIdle());
  EXPECT_THAT(Events(), ElementsAre("register"));
}

TEST_F(CheckpointTest, UploadsPeriodicCheckpointsOneAtATimeAndTheNewestOfThoseThatWait) {
  coordinator_.Ask([](auto& state) { state.uploads_held = true; });
  Start({"step_ms=2"});
  v1::Lease lease = MakeLease(0, 20);
  lease.set_checkpoint_interval_ms(1);  // at every step
  coordinator_.Grant(lease);
  ASSERT_TRUE(RunUntilEvent("report 20"));
  EXPECT_EQ(Finishes().size(), 0u);  // the end of the attempt waits for its newest checkpoint
  coordinator_.ReleaseUploads();
  ASSERT_TRUE(RunUntilFinishes(1));
  std::vector<std::string> uploads;
  for (const std::string& event : Events()) {
    if (event.rfind("upload", 0) == 0) uploads.push_back(event);
  }
  // The first that was due, the newest that was when it ended, and the last, if its measurement was not yet stored
  // then.
  ASSERT_THAT(uploads.size(), AllOf(Ge(2u), Le(3u)));
  EXPECT_EQ(uploads.back(), "upload 20");
}

// Else an attempt that goes on from the checkpoint would skip steps whose values nobody ever got.
TEST_F(CheckpointTest, IsUploadedOnlyOnceTheMeasurementsBeforeItAreAcknowledged) {
  coordinator_.Ask([](auto& state) { state.acknowledges = false; });
  Start({"step_ms=2"});
  v1::Lease lease = MakeLease(0, 5);
  lease.set_checkpoint_interval_ms(1);  // at every step
  coordinator_.Grant(lease);
  ASSERT_TRUE(RunUntilEvent("report 5"));
  EXPECT_THAT(Events(), Not(Contains(StartsWith("upload "))));
  coordinator_.Ask([](auto& state) { state.acknowledges = true; });
  coordinator_.SetReachable(false);
  coordinator_.SetReachable(true);  // what was not acknowledged is reported again
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_EQ(Count("upload 5"), 1);
}

TEST_F(CheckpointTest, TransfersGoOnAsSoonAsTheCoordinatorIsBack) {
  options_.transfer_backoff = {.initial = std::chrono::hours(1), .cap = std::chrono::hours(1)};
  coordinator_.Ask([](auto& state) { state.uploads_held = true; });
  Start();
  v1::Lease lease = MakeLease(0, 2);
  lease.add_hold_at(1);
  coordinator_.Grant(lease);
  ASSERT_TRUE(RunUntil([this] { return coordinator_.HeldUploads() == 1; }));
  coordinator_.SetReachable(false);  // fails the upload
  coordinator_.Ask([](auto& state) { state.uploads_held = false; });
  coordinator_.SetReachable(true);
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_EQ(Count("upload 1"), 1);
}

TEST_F(CheckpointTest, UploadsBeforeItHandsAPreemptedTrialBack) {
  Start({"step_ms=20"});
  coordinator_.Grant(MakeLease(0, 100000));
  ASSERT_TRUE(RunUntilEvent("report 1"));
  coordinator_.Push(v1::COMMAND_KIND_PREEMPT, MakeLease(0, 1).ref());
  ASSERT_TRUE(RunUntilFinishes(1));
  const std::vector<std::string> events = Events();
  EXPECT_EQ(events.back(), "finish PREEMPTED");
  EXPECT_THAT(events, Contains(StartsWith("upload ")));
}

TEST_F(CheckpointTest, GivesATrialFoldersSpaceBack) {
  Start();
  v1::Lease lease = MakeLease(0, 3);
  lease.add_hold_at(2);
  coordinator_.Grant(lease);
  ASSERT_TRUE(RunUntilFinishes(1));
  ASSERT_TRUE(RunUntilIdle());
  ASSERT_TRUE(RunUntil([&] { return std::filesystem::is_empty(folder_ / "trials"); }));
}

}  // namespace
}  // namespace athanor::session
