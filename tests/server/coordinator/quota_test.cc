// Room for checkpoints: who gives way, who is refused, and that neither changes what a study decides.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/check/history_check.h"
#include "server/coordinator/eviction.h"
#include "tests/testing/coordinator_fixture.h"

namespace athanor {
namespace {

using testing::AshaStudy;
using ::testing::ElementsAre;
using testing::FakeHash;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SmallStudy;
using testing::TestCoordinator;

constexpr int64_t kBigDisk = int64_t{1} << 40;

CoordinatorOptions Quota(int64_t bytes) {
  CoordinatorOptions options;
  options.checkpoint_quota_bytes = bytes;
  return options;
}

class Quotas : public ::testing::Test {
 protected:
  explicit Quotas(int64_t quota = 40) : coordinator(Quota(quota)) { coordinator.Register("w"); }

  LeaseGrant Next() { return coordinator.Acquire("w").at(0); }
  absl::StatusOr<UploadRoom> Room(const LeaseGrant& lease, int64_t step, int64_t size, int64_t disk_free = kBigDisk) {
    return coordinator.Run([&](Transaction& tx) {
      return coordinator.coordinator().checkpoints().MakeRoom(tx, lease.ref, Describe(lease, step, size), disk_free);
    });
  }
  static Checkpoint Describe(const LeaseGrant& lease, int64_t step, int64_t size) {
    return {.step = step, .sha256 = FakeHash(lease.ref.token * 1000 + step), .size_bytes = size};
  }
  // An upload from its first to its last byte.
  absl::Status Upload(const LeaseGrant& lease, int64_t step, int64_t size = 10, int64_t disk_free = kBigDisk) {
    const absl::StatusOr<UploadRoom> room = Room(lease, step, size, disk_free);
    if (!room.ok()) return room.status();
    return coordinator.Run([&](Transaction& tx) {
      return coordinator.coordinator().checkpoints().Register(tx, lease.ref, Describe(lease, step, size));
    });
  }
  // Uploads and pauses at the lease's first hold with this value.
  void PauseWith(const LeaseGrant& lease, double value) {
    ASSERT_TRUE(Upload(lease, lease.hold_at.at(0)).ok());
    ASSERT_EQ(coordinator.Report(lease, lease.hold_at.at(0), value), Action::kPause);
  }
  // "study/trial" of those that would give way, in order.
  std::vector<std::string> Order() {
    std::vector<std::string> order;
    EvictionOrder victims(coordinator.coordinator().state());
    while (const auto victim = victims.Next()) order.push_back(absl::StrCat(victim->study->id(), "/", victim->trial));
    return order;
  }
  int64_t InUse() { return coordinator.coordinator().checkpoints().BytesInUse(); }
  size_t Held(StudyId study, TrialNumber trial) { return coordinator.study(study).checkpoints(trial).size(); }

  TestCoordinator coordinator;
};

TEST_F(Quotas, TheWorstPausedTrialsGiveWayAndTheBestNever) {
  const StudyId study = coordinator.Create(AshaStudy("s", 99));
  for (const double value : {0.4, 0.1}) PauseWith(Next(), value);
  const LeaseGrant third = Next();
  PauseWith(third, 0.3);
  EXPECT_THAT(Order(), ElementsAre("1/1", "1/2"));
  const LeaseGrant promoted = Next();
  EXPECT_EQ(promoted.ref.trial, 0);
  ASSERT_TRUE(Upload(promoted, 2).ok());
  EXPECT_EQ(InUse(), 40);
  const LeaseGrant fourth = Next();
  ASSERT_TRUE(Upload(fourth, 1).ok());
  EXPECT_EQ(InUse(), 40);
  EXPECT_EQ(Held(study, 1), 0);
  EXPECT_EQ(Held(study, 2), 1);
  EXPECT_EQ(Held(study, 0), 2);
  EXPECT_EQ(coordinator.state(study, 1), TrialState::kPaused);
  EXPECT_EQ(coordinator.MemoryText(), coordinator.StoreText());
}

class WithoutQuota : public Quotas {
 protected:
  WithoutQuota() : Quotas(0) {}
};

TEST_F(WithoutQuota, LowerRungsGiveWayFirstAndThereWhoeverHasTheLargestShareOfBetterOnes) {
  StudySpec first = AshaStudy("a", 5);
  first.checkpoint.keep_best = 0;
  coordinator.Create(first);
  for (const double value : {0.5, 0.4, 0.3}) PauseWith(Next(), value);
  PauseWith(Next(), 0.9);  // trial 0, at rung 1 now
  PauseWith(Next(), 0.2);  // trial 3
  StudySpec second = AshaStudy("b", 5);
  second.priority = 1;
  coordinator.Create(second);
  for (const double value : {0.8, 0.7}) PauseWith(Next(), value);
  // Better at rung 0: of a's trials 3, 2 and 1 three, two and one of four; of b's trial 1 one of two, and b is younger
  // than a. Trial 0 of b is its best.
  EXPECT_THAT(Order(), ElementsAre("1/3", "2/1", "1/2", "1/1", "1/0"));
}

TEST_F(Quotas, NobodyGivesWayForTheEndOfATrialThatIsNotAmongTheBest) {
  StudySpec paused = AshaStudy("paused", 9);
  paused.checkpoint.keep_best = 0;
  const StudyId first = coordinator.Create(paused);
  for (int i = 0; i < 2; ++i) PauseWith(Next(), 0.5);
  StudySpec whole = SmallStudy("whole", 9);
  whole.priority = 1;
  coordinator.Create(whole);
  const Grants leases = coordinator.Acquire("w", 2);
  coordinator.Report(leases[0], 9, 0.2);
  coordinator.Report(leases[1], 9, 0.8);
  const absl::Status refused = Upload(leases[0], 9, 30);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Held(first, 0), 1);
  EXPECT_TRUE(Upload(leases[0], 9, 10).ok()) << "there is room";
  EXPECT_TRUE(Upload(leases[1], 9, 20).ok());
  EXPECT_EQ(Held(first, 0) + Held(first, 1), 1);
}

TEST_F(Quotas, RunningTrialsKeepTheirsAndTheUploadIsRefusedBeforeItBegins) {
  const StudyId study = coordinator.Create(SmallStudy("s", 9));
  const Grants leases = coordinator.Acquire("w", 3);
  for (const int64_t step : {1, 2}) {
    for (const int trial : {0, 1}) ASSERT_TRUE(Upload(leases[trial], step).ok());
  }
  const std::string before = coordinator.MemoryText();
  const absl::Status refused = Upload(leases[2], 1);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.message()),
              HasSubstr("trial 2 of study \"s\": checkpoints take 40 bytes of a quota of 40"));
  EXPECT_EQ(coordinator.MemoryText(), before);
  EXPECT_TRUE(Upload(leases[0], 3).ok()) << "it replaces one of its own";
  EXPECT_EQ(Held(study, 0), 2);
  EXPECT_EQ(InUse(), 40);
}

TEST_F(Quotas, NothingGivesWayToAnUploadThatIsRefusedAnyway) {
  const StudyId study = coordinator.Create(AshaStudy("s", 9));
  for (const double value : {0.4, 0.1}) PauseWith(Next(), value);
  EXPECT_EQ(Upload(Next(), 1, 31).code(), absl::StatusCode::kResourceExhausted);  // 20 of trial 0 and 1; only 1 may go
  EXPECT_EQ(Held(study, 1), 1);
  EXPECT_TRUE(Upload(Next(), 1, 30).ok());
  EXPECT_EQ(Held(study, 1), 0);
}

TEST_F(Quotas, ASpareGoesBeforeTheCheckpointThatThePromotionResumes) {
  const StudyId study = coordinator.Create(AshaStudy("s", 9));
  PauseWith(Next(), 0.4);
  const LeaseGrant lease = Next();
  ASSERT_TRUE(Upload(lease, 0).ok());
  PauseWith(lease, 0.1);
  ASSERT_TRUE(Upload(Next(), 1, 20).ok());
  ASSERT_EQ(Held(study, 1), 1);
  EXPECT_EQ(coordinator.study(study).checkpoints(1)[0].step, 1);
}

TEST_F(Quotas, AfterThePausedThoseGiveWayThatOnlyARetryWouldUse) {
  const StudyId study = coordinator.Create(AshaStudy("s", 9));
  PauseWith(Next(), 0.4);
  PauseWith(Next(), 0.3);
  const LeaseGrant cancelled = Next();
  ASSERT_TRUE(Upload(cancelled, 1).ok());
  ASSERT_TRUE(coordinator.Cancel(study, 2).ok());
  EXPECT_THAT(Order(), ElementsAre("1/1", "1/2"));
  const LeaseGrant lease = Next();
  ASSERT_TRUE(Upload(lease, 1).ok());
  ASSERT_TRUE(Upload(lease, 2).ok());
  EXPECT_EQ(Held(study, 1), 0);
  EXPECT_EQ(Held(study, 2), 1);
  EXPECT_THAT(Order(), ElementsAre("1/2"));
  coordinator.Reopen();
  EXPECT_THAT(Order(), ElementsAre("1/2"));
  ASSERT_TRUE(Upload(Next(), 1).ok());
  EXPECT_EQ(Held(study, 2), 0);
  ASSERT_TRUE(coordinator.Retry(study, 2).ok());
  EXPECT_THAT(Order(), IsEmpty());
}

TEST_F(Quotas, UploadsUnderWayCountUntilTheyAreLetGo) {
  coordinator.Create(SmallStudy("s", 9));
  const Grants leases = coordinator.Acquire("w", 2);
  absl::StatusOr<UploadRoom> room = Room(leases[0], 1, 35);
  ASSERT_TRUE(room.ok());
  EXPECT_EQ(InUse(), 35);
  EXPECT_EQ(Room(leases[1], 1, 10).status().code(), absl::StatusCode::kResourceExhausted);
  room = absl::CancelledError("cut off");
  EXPECT_EQ(InUse(), 0);
  EXPECT_TRUE(Room(leases[1], 1, 10).ok());
}

TEST_F(Quotas, AnUploadThatComesAgainNeedsNoRoom) {
  coordinator.Create(SmallStudy("s", 9));
  const LeaseGrant lease = Next();
  ASSERT_TRUE(Upload(lease, 1, 40).ok());
  EXPECT_TRUE(Upload(lease, 1, 40).ok());
  EXPECT_EQ(InUse(), 40);
}

TEST_F(Quotas, AFailedCommitGivesBackWhatGaveWay) {
  const StudyId study = coordinator.Create(AshaStudy("s", 9));
  for (const double value : {0.4, 0.1, 0.2}) PauseWith(Next(), value);
  ASSERT_EQ(Next().ref.trial, 0);
  const LeaseGrant lease = Next();
  ASSERT_TRUE(Upload(lease, 1).ok());
  const std::string before = coordinator.MemoryText();
  coordinator.memory_store().SetCommitStatus(absl::UnavailableError("I/O error"));
  EXPECT_EQ(Upload(lease, 2).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(coordinator.MemoryText(), before);
  EXPECT_EQ(InUse(), 40);
  EXPECT_THAT(Order(), ElementsAre("1/1", "1/2"));
  coordinator.memory_store().SetCommitStatus(absl::OkStatus());
  coordinator.clock().Advance(std::chrono::seconds(8));
  ASSERT_TRUE(Upload(lease, 2).ok());
  EXPECT_EQ(Held(study, 1), 0);
  EXPECT_THAT(Order(), ElementsAre("1/2"));
}

TEST_F(WithoutQuota, AFullDiskHasPausedTrialsGiveWayToo) {
  const StudyId study = coordinator.Create(AshaStudy("s", 9));
  for (const double value : {0.4, 0.1}) PauseWith(Next(), value);
  const LeaseGrant lease = Next();
  ASSERT_TRUE(Upload(lease, 1, 10, /*disk_free=*/10).ok());
  EXPECT_EQ(Held(study, 1), 1);
  ASSERT_TRUE(Upload(lease, 2, 10, /*disk_free=*/9).ok());
  EXPECT_EQ(Held(study, 1), 0);
  const absl::Status refused = Upload(lease, 3, 10, /*disk_free=*/9);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("the disk has 9 bytes to spare"));
}

// What a study of 27 trials under `asha` decided, trained one trial after the other.
struct Course {
  std::vector<std::string> decisions;
  std::vector<std::string> trials;
  int refused = 0;
  int trained_again = 0;  // promotions that began at step 0
  int64_t most_in_use = 0;
};

double ValueAt(TrialNumber trial, int64_t step) {
  return static_cast<double>((trial * 37 + step * 11) % 101) / 101 + static_cast<double>(step) / 10;
}

class OneCourse : public Quotas {
 public:
  explicit OneCourse(int64_t quota) : Quotas(quota) {}
  void TestBody() override {}

  Course Run() {
    const StudyId study = coordinator.Create(AshaStudy("s", 27, 2));
    while (coordinator.state(study) == StudyState::kActive) Train(Next());
    for (const DecisionRecord& row : coordinator.Decisions(study)) {
      course_.decisions.push_back(absl::StrCat(row.trial, "@", row.step, " rung ", row.rung.value_or(-1), " ",
                                               row.value, " bound ", row.bound, " of ", row.n, " ",
                                               ToString(row.action)));
    }
    for (const Trial& trial : coordinator.study(study).trials()) {
      course_.trials.push_back(absl::StrCat(trial.number, " ", ToString(trial.state), " best ", trial.best->value, "@",
                                            trial.best->step, " final ", trial.final->value, "@", trial.final->step));
    }
    EXPECT_EQ(coordinator.MemoryText(), coordinator.StoreText());
    const auto checked =
        CheckHistory(coordinator.store(), [](const Violation& found) { ADD_FAILURE() << ToString(found); });
    EXPECT_TRUE(checked.ok()) << checked.status();
    return course_;
  }

 private:
  void Train(const LeaseGrant& lease) {
    const int64_t from = lease.checkpoints.empty() ? 0 : lease.checkpoints.front().step;
    const auto& attempts = coordinator.trial(lease.ref.study, lease.ref.trial).attempts;
    if (from == 0 && attempts > 1) ++course_.trained_again;
    const std::set<int64_t> holds(lease.hold_at.begin(), lease.hold_at.end());
    for (int64_t step = from + 1; step <= lease.until_step; ++step) {
      if (holds.contains(step) && !Upload(lease, step).ok()) ++course_.refused;
      course_.most_in_use = std::max(course_.most_in_use, InUse());
      if (coordinator.Report(lease, step, ValueAt(lease.ref.trial, step)) != Action::kContinue) return;
    }
    coordinator.Finish(lease);
  }

  Course course_;
};

TEST(TinyQuota, ChangesNoDecisionOfAStudyThoughTrialsAreTrainedAgain) {
  const Course free = OneCourse(0).Run();
  EXPECT_EQ(free.trained_again, 0);
  EXPECT_GT(free.most_in_use, 100);
  struct Case {
    int64_t quota;
    bool refuses;
  };
  for (const auto& [quota, refuses] : {Case{45, false}, Case{25, true}, Case{5, true}}) {
    const Course tight = OneCourse(quota).Run();
    EXPECT_EQ(tight.decisions, free.decisions) << quota;
    EXPECT_EQ(tight.trials, free.trials) << quota;
    EXPECT_EQ(tight.refused > 0, refuses) << quota;
    EXPECT_GT(tight.trained_again, 0) << quota;
    EXPECT_LE(tight.most_in_use, quota);
  }
}

TEST(CheckpointIndexTest, TheSameFileTwiceInATrialCountsOnce) {
  CheckpointIndex index;
  const Checkpoint once{.trial = 1, .token = 1, .step = 1, .sha256 = FakeHash(1), .size_bytes = 10};
  Checkpoint again = once;
  again.token = 2;
  index.Add(once);
  index.Add(again);
  Checkpoint other = once;
  other.token = 3;
  index.Remove(other);  // not there
  EXPECT_EQ(index.bytes(), 10);
  EXPECT_EQ(index.of(1).front().token, 2);
  index.Remove(once);
  EXPECT_EQ(index.bytes(), 10);
  index.Pause(1, 0, 0.5);
  EXPECT_EQ(index.paused().at(0).size(), 1);
  index.Remove(again);
  EXPECT_EQ(index.bytes(), 0);
  EXPECT_THAT(index.paused(), IsEmpty());
  index.Add(once);
  EXPECT_EQ(index.paused().at(0).size(), 1);
  index.Resume(1);
  EXPECT_THAT(index.paused(), IsEmpty());
}

}  // namespace
}  // namespace athanor
