// A disk that refuses commits: what goes on meanwhile, and how it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/coordinator/write_gate.h"
#include "tests/testing/coordinator_fixture.h"

namespace athanor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AshaStudy;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SmallStudy;
using testing::TestCoordinator;

MonotonicTime At(Duration since_start) { return MonotonicTime(since_start); }

TEST(WriteGateTest, ClosesForErrorsOfTheDiskAlone) {
  const struct {
    absl::StatusCode code;
    WriteGate::State state;
  } kCases[] = {
      {absl::StatusCode::kOk, WriteGate::State::kOpen},
      {absl::StatusCode::kAlreadyExists, WriteGate::State::kOpen},
      {absl::StatusCode::kNotFound, WriteGate::State::kOpen},
      {absl::StatusCode::kInternal, WriteGate::State::kOpen},
      {absl::StatusCode::kResourceExhausted, WriteGate::State::kClosed},
      {absl::StatusCode::kUnavailable, WriteGate::State::kClosed},
      {absl::StatusCode::kDataLoss, WriteGate::State::kClosed},
  };
  for (const auto& test : kCases) {
    WriteGate gate;
    gate.Committed(absl::Status(test.code, "why"), At(seconds(5)));
    EXPECT_EQ(gate.At(At(seconds(5))), test.state) << absl::StatusCodeToString(test.code);
  }
}

TEST(WriteGateTest, TriesAfterOneTwoFourThenEveryEightSeconds) {
  const absl::Status full = absl::ResourceExhaustedError("full");
  WriteGate gate;
  Duration now = seconds(100);
  gate.Committed(full, At(now));
  for (const Duration wait : {seconds(1), seconds(2), seconds(4), seconds(8), seconds(8)}) {
    EXPECT_EQ(gate.At(At(now + wait - Duration(1))), WriteGate::State::kClosed);
    EXPECT_EQ(gate.At(At(now + wait)), WriteGate::State::kTrying);
    now += wait;
    gate.Committed(full, At(now));
  }
  gate.Committed(absl::OkStatus(), At(now + seconds(8)));
  EXPECT_EQ(gate.At(At(now + seconds(8))), WriteGate::State::kOpen);
  EXPECT_TRUE(gate.error().ok());
}

TEST(WriteGateTest, BatchThatDoesNotFitTellsNothingOfTheDisk) {
  WriteGate gate;
  gate.Committed(absl::UnavailableError("I/O error"), At(seconds(0)));
  gate.Committed(absl::AlreadyExistsError("a study has this name"), At(seconds(1)));
  EXPECT_EQ(gate.At(At(seconds(1))), WriteGate::State::kTrying);
  EXPECT_EQ(gate.error().message(), "I/O error");
}

TEST(WriteGateTest, SuccessThatDoesNotLastKeepsTheWaitGrowing) {
  const absl::Status full = absl::ResourceExhaustedError("full");
  WriteGate gate;
  gate.Committed(full, At(seconds(0)));
  gate.Committed(absl::OkStatus(), At(seconds(1)));
  gate.Committed(full, At(seconds(2)));  // a larger group
  EXPECT_EQ(gate.At(At(seconds(4) - Duration(1))), WriteGate::State::kClosed);
  EXPECT_EQ(gate.At(At(seconds(4))), WriteGate::State::kTrying);
  gate.Committed(absl::OkStatus(), At(seconds(4)));
  gate.Committed(full, At(seconds(12)));  // after it lasted
  EXPECT_EQ(gate.At(At(seconds(13))), WriteGate::State::kTrying);
}

class DiskFull : public ::testing::Test {
 protected:
  DiskFull() : study(coordinator.Create(AshaStudy("s", 9))) {
    coordinator.Register("w");
    coordinator.OpenStream("w");
    grants = coordinator.Acquire("w", 3);
    coordinator.Report(grants[0], 1, 0.5);
    before = coordinator.MemoryText();
    coordinator.memory_store().SetCommitStatus(absl::ResourceExhaustedError("the disk is full"));
    EXPECT_TRUE(absl::IsResourceExhausted(coordinator.TryCreate(SmallStudy("first-to-notice", 1)).status()));
  }
  void MakeSpace() { coordinator.memory_store().SetCommitStatus(absl::OkStatus()); }
  int64_t commits() { return coordinator.owner().statistics().commits; }

  TestCoordinator coordinator;
  StudyId study;
  Grants grants;
  std::string before;
};

TEST_F(DiskFull, WritesAreRefusedWithTheCauseAndWithoutACommit) {
  const int64_t commits_before = commits();
  const absl::Status answers[] = {
      coordinator.TryCreate(SmallStudy("t", 3)).status(),
      coordinator.Steer(&Studies::Pause, study),
      coordinator.Cancel(study, 2).status(),
      coordinator.Enqueue(study, {{"learning_rate", 0.5}}).status(),
      coordinator.TryFinish({.lease = grants[1].ref, .outcome = AttemptOutcome::kFailed}).status(),
      coordinator.TryReport({.lease = grants[1].ref, .start = AttemptStart{0, {}}})->status,
      coordinator.Checkpoint(grants[1], 1),
  };
  for (const absl::Status& answer : answers) {
    EXPECT_EQ(answer.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_THAT(std::string(answer.message()), HasSubstr("the disk is full"));
  }
  EXPECT_EQ(commits(), commits_before);
  EXPECT_EQ(coordinator.MemoryText(), before);
  EXPECT_THAT(coordinator.owner().statistics().write_error, HasSubstr("the disk is full"));
}

TEST_F(DiskFull, TicksNeitherCommitNorChangeAnything) {
  coordinator.clock().Advance(milliseconds(100));
  const int64_t commits_before = commits();
  for (int i = 0; i < 8; ++i) {
    EXPECT_TRUE(coordinator.Tick().ok());
    coordinator.clock().Advance(milliseconds(100));
  }
  EXPECT_EQ(commits(), commits_before);
  EXPECT_EQ(coordinator.MemoryText(), before);
}

TEST_F(DiskFull, LeasesLiveOnByHeartbeatsAndAWorkerMayComeBack) {
  const std::vector<LeaseRef> held = {grants[1].ref, grants[2].ref};
  for (int i = 0; i < 10; ++i) {
    coordinator.clock().Advance(seconds(20));
    coordinator.Tick().IgnoreError();  // a try, at times
    coordinator.Register("w");
    const auto answer = coordinator.Heartbeat("w", held);
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_THAT(answer->dead, IsEmpty());
  }
  MakeSpace();
  coordinator.clock().Advance(seconds(8));
  coordinator.HeartbeatAll();
  EXPECT_EQ(coordinator.Report(grants[1], 1, 0.25), Action::kPause);
  EXPECT_EQ(coordinator.MemoryText(), coordinator.StoreText());
}

TEST_F(DiskFull, ANewWorkerIsRefusedAndAnAcquireWaits) {
  Registration registration;
  registration.protocol_version = kProtocolVersion;
  registration.worker.name = "new";
  registration.worker.incarnation = 1;
  registration.worker.slots = 1;
  EXPECT_EQ(coordinator.TryRegister(registration).code(), absl::StatusCode::kResourceExhausted);
  const auto poll = coordinator.Park("w", seconds(20));
  EXPECT_FALSE(poll->answer.has_value());
  MakeSpace();
  coordinator.Advance(seconds(1));  // the tick's row shows that there is space
  coordinator.Tick().IgnoreError();
  EXPECT_TRUE(poll->leased());
  EXPECT_EQ(coordinator.MemoryText(), coordinator.StoreText());
}

TEST_F(DiskFull, ATickFindsOutThatThereIsSpaceWhenNobodyWrites) {
  coordinator.clock().Advance(seconds(1));
  EXPECT_FALSE(coordinator.Tick().ok());
  EXPECT_THAT(coordinator.owner().statistics().write_error, HasSubstr("the disk is full"));
  MakeSpace();
  coordinator.clock().Advance(seconds(2));
  EXPECT_TRUE(coordinator.Tick().ok());
  EXPECT_EQ(coordinator.owner().statistics().write_error, "");
  EXPECT_TRUE(coordinator.TryCreate(SmallStudy("t", 3)).ok());
  EXPECT_EQ(coordinator.MemoryText(), coordinator.StoreText());
}

TEST_F(DiskFull, ARepeatedRequestIsAnswered) {
  MakeSpace();
  coordinator.clock().Advance(seconds(1));
  ASSERT_TRUE(coordinator.TryCreate(SmallStudy("t", 3), "request").ok());
  coordinator.memory_store().SetCommitStatus(absl::UnavailableError("I/O error"));
  EXPECT_FALSE(coordinator.TryCreate(SmallStudy("u", 3)).ok());
  EXPECT_TRUE(coordinator.TryCreate(SmallStudy("t", 3), "request").ok());
  EXPECT_EQ(coordinator.TryCreate(SmallStudy("u", 3)).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace athanor
