#include <gmock/gmock.h>

#include <vector>

#include "tests/server/rpc/rpc_fixture.h"

namespace athanor::testing {
namespace {

class WatchTest : public RpcFixture {
 protected:
  struct Watch {
    std::unique_ptr<grpc::ClientContext> context = NewContext();
    std::unique_ptr<grpc::ClientReader<v1::StudySnapshot>> reader;
  };

  Watch Open(const std::string& study, int64_t after_revision = 0) {
    v1::WatchStudyRequest request;
    request.set_study(study);
    request.set_min_interval_ms(50);
    request.set_after_revision(after_revision);
    Watch watch;
    watch.reader = studies_->WatchStudy(watch.context.get(), request);
    return watch;
  }

  // One measurement of the leased trial over a stream of its own.
  void Report(const v1::LeaseRef& lease, int64_t step, double loss) {
    TestStream stream(*workers_);
    v1::ReportRequest request = TestStream::Hello("w");
    TestStream::AddReport(request, lease, step, loss);
    ASSERT_TRUE(stream.Write(request));
    stream.ReadUntil(1);
  }
};

TEST_F(WatchTest, ShowsTheStudyAtOnceAndAgainWhenItChanges) {
  const v1::Lease lease = LeaseOf("s", 2);
  Watch watch = Open("s");
  v1::StudySnapshot snapshot;
  ASSERT_TRUE(watch.reader->Read(&snapshot));
  ASSERT_EQ(snapshot.running_size(), 1);
  EXPECT_EQ(snapshot.running(0).worker(), "w");
  EXPECT_EQ(snapshot.leaders_size(), 0);
  ASSERT_EQ(snapshot.workers_size(), 1);
  EXPECT_EQ(snapshot.workers(0).name(), "w");
  const int64_t revision = snapshot.study().revision();

  Report(lease.ref(), 1, 0.5);
  while (snapshot.leaders_size() == 0) ASSERT_TRUE(watch.reader->Read(&snapshot));
  EXPECT_GT(snapshot.study().revision(), revision);
  EXPECT_EQ(snapshot.leaders(0).best_value(), 0.5);
  ASSERT_EQ(snapshot.curves_size(), 1);
  EXPECT_EQ(snapshot.curves(0).steps(0), 1);
  watch.context->TryCancel();
  while (watch.reader->Read(&snapshot)) {
  }
  EXPECT_EQ(watch.reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(WatchTest, EndsAfterTheSnapshotThatShowsTheEnd) {
  const v1::Lease lease = LeaseOf("s");
  Watch watch = Open("s");
  v1::StudySnapshot snapshot;
  ASSERT_TRUE(watch.reader->Read(&snapshot));
  Report(lease.ref(), 1, 0.5);
  Finish(lease.ref(), v1::ATTEMPT_OUTCOME_COMPLETED);
  while (watch.reader->Read(&snapshot)) {
  }
  EXPECT_TRUE(watch.reader->Finish().ok());
  EXPECT_EQ(snapshot.study().state(), v1::STUDY_STATE_COMPLETED);
  ASSERT_EQ(snapshot.leaders_size(), 1);
  EXPECT_EQ(snapshot.leaders(0).state(), v1::TRIAL_STATE_COMPLETED);
  ASSERT_EQ(snapshot.curves_size(), 1) << "the curve of a finished leader comes from the store";
  EXPECT_EQ(snapshot.curves(0).values(0), 0.5);
}

TEST_F(WatchTest, FinishedStudyGivesOneSnapshot) {
  Create(Small("s", 1));
  v1::ChangeStudyRequest cancel;
  cancel.set_study("s");
  Call(*studies_, &v1::StudyService::Stub::CancelStudy, cancel);
  Watch watch = Open("s");
  v1::StudySnapshot snapshot;
  ASSERT_TRUE(watch.reader->Read(&snapshot));
  EXPECT_EQ(snapshot.study().state(), v1::STUDY_STATE_CANCELLED);
  EXPECT_FALSE(watch.reader->Read(&snapshot));
  EXPECT_TRUE(watch.reader->Finish().ok());
}

TEST_F(WatchTest, DecisionsComeOnceAndFromTheRevisionAskedFor) {
  StudySpec spec = SmallStudySpec("s");
  spec.parameters = {MakeParameter("learning_rate", ParameterType::kFloat, 0.001, 1)};
  spec.budget.trials = 2;
  AshaStopping asha;
  asha.min_resource = 1;
  asha.max_resource = 9;
  spec.early_stopping = asha;
  spec.trainer = {{"epochs", Value(int64_t{9})}};
  Create(ToProto(spec));
  ASSERT_TRUE(status_.ok()) << status_.error_message();
  Register("w");
  const auto lease = Acquire("w", 1);
  ASSERT_EQ(lease.size(), 1u);
  Report(lease[0].ref(), 1, 0.5);
  Report(lease[0].ref(), 3, 0.25);

  Watch watch = Open("s");
  v1::StudySnapshot snapshot;
  ASSERT_TRUE(watch.reader->Read(&snapshot));
  ASSERT_EQ(snapshot.decisions_size(), 2);
  EXPECT_EQ(snapshot.decisions(0).step(), 1);
  EXPECT_EQ(snapshot.decisions(1).step(), 3);
  const int64_t first = snapshot.decisions(0).revision();
  Watch resumed = Open("s", first);
  ASSERT_TRUE(resumed.reader->Read(&snapshot));
  ASSERT_EQ(snapshot.decisions_size(), 1);
  EXPECT_EQ(snapshot.decisions(0).step(), 3);
}

TEST_F(WatchTest, ProgressAloneRefreshesTheSnapshotWhileTrialsRun) {
  const v1::Lease lease = LeaseOf("s");
  Watch watch = Open("s");
  v1::StudySnapshot snapshot;
  ASSERT_TRUE(watch.reader->Read(&snapshot));
  const int64_t revision = snapshot.study().revision();
  v1::HeartbeatRequest heartbeat;
  heartbeat.set_worker("w");
  heartbeat.set_incarnation(1);
  *heartbeat.add_leases() = lease.ref();
  v1::TrialReport& progress = *heartbeat.add_progress();
  *progress.mutable_lease() = lease.ref();
  progress.mutable_progress()->set_fraction(0.25);
  Call(*workers_, &v1::WorkerService::Stub::Heartbeat, heartbeat);
  do {
    ASSERT_TRUE(watch.reader->Read(&snapshot));
  } while (!snapshot.running(0).has_progress());
  EXPECT_EQ(snapshot.running(0).progress().fraction(), 0.25);
  EXPECT_EQ(snapshot.study().revision(), revision);
}

TEST_F(WatchTest, UnknownAndDeletedStudiesEndTheWatchWithNotFound) {
  Watch unknown = Open("nobody");
  v1::StudySnapshot snapshot;
  EXPECT_FALSE(unknown.reader->Read(&snapshot));
  EXPECT_EQ(unknown.reader->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace athanor::testing
