#include "client/api/study_client.h"

#include <set>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/client/fake_coordinator.h"

namespace athanor {
namespace {

using testing::FakeCoordinator;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const grpc::Status kUnavailable(grpc::StatusCode::UNAVAILABLE, "busy");

class StudyClientTest : public ::testing::Test {
 protected:
  StudyClientTest() {
    coordinator_.study.set_id(3);
    coordinator_.study.mutable_spec()->set_name("s");
    StudyClientOptions options;
    options.coordinator = coordinator_.address();
    options.seed = 1;
    options.sleep = [this](Duration duration) { slept_.push_back(duration); };
    client_ = std::make_unique<StudyClient>(options);
  }

  v1::StudySnapshot Snapshot(int64_t revision, v1::StudyState state, std::initializer_list<int64_t> decisions = {}) {
    v1::StudySnapshot snapshot;
    snapshot.mutable_study()->set_revision(revision);
    snapshot.mutable_study()->set_state(state);
    for (const int64_t decision : decisions) snapshot.add_decisions()->set_revision(decision);
    return snapshot;
  }

  FakeCoordinator coordinator_;
  std::vector<Duration> slept_;
  std::unique_ptr<StudyClient> client_;
};

TEST_F(StudyClientTest, ARepeatedCallKeepsItsRequestIdAndANewOneGetsItsOwn) {
  coordinator_.FailNext({kUnavailable, kUnavailable});
  ASSERT_TRUE(client_->PauseStudy("s").ok());
  ASSERT_TRUE(client_->ResumeStudy("s").ok());
  const auto seen = coordinator_.seen();
  ASSERT_EQ(seen.size(), 4u);
  EXPECT_EQ(seen[0].request_id.size(), 32u);
  EXPECT_EQ(seen[1].request_id, seen[0].request_id);
  EXPECT_EQ(seen[2].request_id, seen[0].request_id);
  EXPECT_NE(seen[3].request_id, seen[0].request_id);
}

TEST_F(StudyClientTest, BackoffDoublesWithJitter) {
  coordinator_.FailNext({kUnavailable, kUnavailable, kUnavailable});
  ASSERT_TRUE(client_->PauseStudy("s").ok());
  ASSERT_EQ(slept_.size(), 3u);
  const int64_t longest_ms[] = {200, 400, 800};
  for (int i = 0; i < 3; ++i) {
    EXPECT_GE(slept_[i], std::chrono::milliseconds(longest_ms[i] / 2));
    EXPECT_LT(slept_[i], std::chrono::milliseconds(longest_ms[i]));
  }
}

TEST_F(StudyClientTest, GivesUpAfterMaxAttempts) {
  coordinator_.FailNext(std::vector<grpc::Status>(4, kUnavailable));
  const absl::Status status = client_->PauseStudy("s").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status.message(), "coordinator " + coordinator_.address() + " is not available: busy");
  EXPECT_EQ(coordinator_.seen().size(), 4u);
}

TEST_F(StudyClientTest, OtherErrorsAreReturnedAtOnceAsTheyAre) {
  const absl::Status status = client_->GetStudy("t").status();
  EXPECT_EQ(status, absl::NotFoundError("study \"t\" does not exist"));
  EXPECT_TRUE(slept_.empty());
}

TEST_F(StudyClientTest, AnErrorWithoutAMessageNamesItsCode) {
  coordinator_.FailNext({grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "")});
  EXPECT_EQ(client_->GetStudy("s").status(),
            absl::UnimplementedError("coordinator " + coordinator_.address() + " answered UNIMPLEMENTED"));
}

TEST_F(StudyClientTest, ForEachTrialTurnsPagesUntilToldToStop) {
  for (int i = 0; i < 5; ++i) coordinator_.trials.emplace_back().set_number(i);
  std::vector<int64_t> numbers;
  const auto visit = [&](const v1::Trial& trial) -> absl::Status {
    numbers.push_back(trial.number());
    return trial.number() == 3 ? absl::CancelledError("enough") : absl::OkStatus();
  };
  EXPECT_EQ(client_->ForEachTrial({}, visit), absl::CancelledError("enough"));
  EXPECT_THAT(numbers, ::testing::ElementsAre(0, 1, 2, 3));
}

TEST_F(StudyClientTest, WatchGoesOnFromTheLastDecisionWhenItsStreamBreaks) {
  coordinator_.streams = {
      // The first decision was taken after the study was looked at; of the second snapshot's, some may be to come.
      {{Snapshot(4, v1::STUDY_STATE_ACTIVE, {3, 5}), Snapshot(9, v1::STUDY_STATE_ACTIVE, {6, 7})}, kUnavailable},
      {{Snapshot(9, v1::STUDY_STATE_ACTIVE)}, grpc::Status::OK},  // a coordinator that shuts down
      {{Snapshot(12, v1::STUDY_STATE_COMPLETED)}, grpc::Status::OK},
  };
  v1::WatchStudyRequest request;
  request.set_study("s");
  const auto watch = client_->WatchStudy(request);
  std::vector<int64_t> revisions;
  while (true) {
    const auto next = watch->Next();
    ASSERT_TRUE(next.ok()) << next.status();
    if (!next->has_value()) break;
    revisions.push_back((*next)->study().revision());
  }
  EXPECT_THAT(revisions, ::testing::ElementsAre(4, 9, 9, 12));
  std::vector<int64_t> after;
  for (const auto& watched : coordinator_.watches()) after.push_back(watched.after_revision());
  EXPECT_THAT(after, ::testing::ElementsAre(0, 7, 7));
  EXPECT_FALSE((*watch->Next()).has_value());
}

TEST_F(StudyClientTest, WatchOfAnUnknownStudyFailsAtOnce) {
  const auto watch = client_->WatchStudy({});
  EXPECT_EQ(watch->Next().status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(watch->Next().status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(coordinator_.watches().size(), 1u);
}

TEST_F(StudyClientTest, ACancelledWatchReturnsCancelled) {
  const auto watch = client_->WatchStudy({});
  watch->Cancel();
  EXPECT_EQ(watch->Next().status().code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(coordinator_.watches().empty());
}

TEST(StudyClientSeedTest, ClientsWithoutASeedDrawDifferentRequestIds) {
  FakeCoordinator coordinator;
  std::set<std::string> ids;
  for (int i = 0; i < 4; ++i) {
    StudyClientOptions options;
    options.coordinator = coordinator.address();
    ASSERT_TRUE(StudyClient(options).RetryTrial("s", i).ok());
    ids.insert(coordinator.seen().back().request_id);
  }
  EXPECT_EQ(ids.size(), 4u);
}

TEST(StudyClientAddressTest, NobodyListeningIsUnavailableAndNamesTheAddress) {
  std::string address;
  {
    FakeCoordinator gone;
    address = gone.address();
  }
  StudyClientOptions options;
  options.coordinator = address;
  options.sleep = [](Duration) {};
  const absl::Status status = StudyClient(options).GetServerStatus().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), StartsWith("coordinator " + address + " is not available: "));
}

// gRPC connects again only while somebody waits on the channel: the pause between attempts must be such a wait.
TEST(StudyClientReconnectTest, FindsACoordinatorThatComesUpAfterTheFirstAttempt) {
  std::string address;
  {
    FakeCoordinator gone;
    address = gone.address();
  }
  StudyClientOptions options;
  options.coordinator = address;
  StudyClient client(options);
  EXPECT_EQ(client.GetServerStatus().status().code(), absl::StatusCode::kUnavailable);
  const FakeCoordinator back(address);
  EXPECT_TRUE(client.GetServerStatus().ok());
}

}  // namespace
}  // namespace athanor
