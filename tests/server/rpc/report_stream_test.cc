#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "tests/server/rpc/rpc_fixture.h"

namespace athanor::testing {
namespace {

using ::testing::HasSubstr;

class ReportStreamTest : public RpcFixture {
 protected:
  // Reads to the end of the stream; its status.
  static grpc::Status Drain(TestStream& stream) {
    v1::ReportResponse response;
    while (stream.Read(&response)) {
    }
    return stream.Finish();
  }
};

TEST_F(ReportStreamTest, AcknowledgementIsCumulativeAndVerdictsAreInOrder) {
  const v1::Lease lease = LeaseOf("s");
  TestStream stream(*workers_);
  v1::ReportRequest first = TestStream::Hello("w");
  TestStream::AddReport(first, lease.ref(), 1, 0.5);
  ASSERT_TRUE(stream.Write(first));
  for (uint64_t sequence = 2; sequence <= 20; ++sequence) {
    v1::ReportRequest request = TestStream::Next(sequence);
    TestStream::AddReport(request, lease.ref(), static_cast<int64_t>(sequence), 0.5);
    ASSERT_TRUE(stream.Write(request));
  }
  const v1::ReportResponse response = stream.ReadUntil(20);
  EXPECT_EQ(response.acknowledged_sequence(), 20u);
  ASSERT_EQ(response.verdicts_size(), 20);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(response.verdicts(i).step(), i + 1);
    EXPECT_EQ(response.verdicts(i).action(), v1::ACTION_CONTINUE);
  }
  stream.WritesDone();
  EXPECT_TRUE(Drain(stream).ok());
}

TEST_F(ReportStreamTest, NonFiniteValuesSurvive) {
  const v1::Lease lease = LeaseOf("s");
  TestStream stream(*workers_);
  v1::ReportRequest request = TestStream::Hello("w");
  TestStream::AddReport(request, lease.ref(), 1, std::numeric_limits<double>::quiet_NaN());
  TestStream::AddReport(request, lease.ref(), 2, -std::numeric_limits<double>::infinity());
  ASSERT_TRUE(stream.Write(request));
  stream.ReadUntil(1);
  v1::GetCurveRequest get;
  get.set_study("s");
  const v1::Curve curve = Call(*studies_, &v1::StudyService::Stub::GetCurve, get);
  ASSERT_EQ(curve.metrics_size(), 1);
  ASSERT_EQ(curve.metrics(0).values_size(), 2);
  EXPECT_TRUE(std::isnan(curve.metrics(0).values(0)));
  EXPECT_EQ(curve.metrics(0).values(1), -std::numeric_limits<double>::infinity());
}

TEST_F(ReportStreamTest, RepeatedSequenceIsAnsweredAndNotApplied) {
  const v1::Lease lease = LeaseOf("s");
  TestStream stream(*workers_);
  v1::ReportRequest request = TestStream::Hello("w");
  TestStream::AddReport(request, lease.ref(), 1, 0.5);
  ASSERT_TRUE(stream.Write(request));
  EXPECT_EQ(stream.ReadUntil(1).verdicts_size(), 1);
  ASSERT_TRUE(stream.Write(request));
  v1::ReportResponse response;
  ASSERT_TRUE(stream.Read(&response));
  EXPECT_EQ(response.acknowledged_sequence(), 1u);
  EXPECT_EQ(response.verdicts_size(), 0);
}

TEST_F(ReportStreamTest, GapInTheSequenceEndsTheStreamAfterWhatCameBefore) {
  const v1::Lease lease = LeaseOf("s");
  TestStream stream(*workers_);
  v1::ReportRequest request = TestStream::Hello("w");
  TestStream::AddReport(request, lease.ref(), 1, 0.5);
  ASSERT_TRUE(stream.Write(request));
  ASSERT_TRUE(stream.Write(TestStream::Next(3)));
  EXPECT_EQ(stream.ReadUntil(1).verdicts_size(), 1);
  EXPECT_EQ(Drain(stream).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ReportStreamTest, StreamOfAnUnknownOldOrNamelessWorkerIsRefused) {
  Register("w", 5);
  struct Case {
    v1::ReportRequest hello;
    grpc::StatusCode code;
  };
  for (const Case& wanted : {Case{TestStream::Hello("nobody"), grpc::StatusCode::NOT_FOUND},
                             Case{TestStream::Hello("w", 1, 4), grpc::StatusCode::FAILED_PRECONDITION},
                             Case{TestStream::Next(1), grpc::StatusCode::INVALID_ARGUMENT}}) {
    TestStream stream(*workers_);
    stream.Write(wanted.hello);
    EXPECT_EQ(Drain(stream).error_code(), wanted.code);
  }
}

TEST_F(ReportStreamTest, StaleTokenAndConflictAreRefusedInTheVerdictAlone) {
  const v1::Lease lease = LeaseOf("s");
  v1::LeaseRef stale = lease.ref();
  stale.set_token(lease.ref().token() - 1);
  TestStream stream(*workers_);
  v1::ReportRequest request = TestStream::Hello("w");
  TestStream::AddReport(request, lease.ref(), 1, 0.5);
  TestStream::AddReport(request, stale, 1, 0.5);
  TestStream::AddReport(request, lease.ref(), 1, 0.25);
  TestStream::AddReport(request, lease.ref(), 1, 0.5);
  ASSERT_TRUE(stream.Write(request));
  const v1::ReportResponse response = stream.ReadUntil(1);
  ASSERT_EQ(response.verdicts_size(), 4);
  EXPECT_EQ(response.verdicts(0).status_code(), grpc::StatusCode::OK);
  EXPECT_EQ(response.verdicts(1).status_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(response.verdicts(2).status_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(response.verdicts(3).status_code(), grpc::StatusCode::OK);
}

TEST_F(ReportStreamTest, FinishAndAcquireTravelOnTheStream) {
  const v1::Lease lease = LeaseOf("s", 2);
  TestStream stream(*workers_);
  v1::ReportRequest request = TestStream::Hello("w");
  TestStream::AddReport(request, lease.ref(), 1, 0.5);
  v1::FinishRequest& finish = *request.add_finishes();
  *finish.mutable_lease() = lease.ref();
  finish.set_outcome(v1::ATTEMPT_OUTCOME_COMPLETED);
  request.add_finishes()->mutable_lease()->set_token(99);  // no outcome
  *request.mutable_acquire() = AcquireOf("w", 2);
  ASSERT_TRUE(stream.Write(request));
  const v1::ReportResponse response = stream.ReadUntil(1);
  ASSERT_EQ(response.verdicts_size(), 3);
  EXPECT_EQ(response.verdicts(1).status_code(), grpc::StatusCode::OK);
  EXPECT_EQ(response.verdicts(2).status_code(), grpc::StatusCode::INVALID_ARGUMENT);
  ASSERT_EQ(response.leases_size(), 1);
  EXPECT_EQ(response.leases(0).ref().trial_number(), 1);
}

TEST_F(ReportStreamTest, CommandsArePushedWithoutAReport) {
  const v1::Lease lease = LeaseOf("s");
  TestStream stream(*workers_);
  ASSERT_TRUE(stream.Write(TestStream::Hello("w")));
  stream.ReadUntil(1);
  v1::ChangeTrialRequest cancel;
  cancel.set_study("s");
  Call(*studies_, &v1::StudyService::Stub::CancelTrial, cancel);
  v1::ReportResponse response;
  ASSERT_TRUE(stream.Read(&response));
  ASSERT_EQ(response.commands_size(), 1);
  EXPECT_EQ(response.commands(0).kind(), v1::COMMAND_KIND_STOP);
  EXPECT_EQ(response.commands(0).lease().token(), lease.ref().token());
  EXPECT_EQ(response.acknowledged_sequence(), 1u);
}

TEST_F(ReportStreamTest, NewStreamOfAWorkerReplacesTheOldOne) {
  Register("w");
  TestStream first(*workers_), second(*workers_);
  ASSERT_TRUE(first.Write(TestStream::Hello("w")));
  first.ReadUntil(1);
  ASSERT_TRUE(second.Write(TestStream::Hello("w")));
  EXPECT_EQ(second.ReadUntil(1).acknowledged_sequence(), 1u);
  EXPECT_EQ(Drain(first).error_code(), grpc::StatusCode::ABORTED);
  ASSERT_TRUE(second.Write(TestStream::Next(2)));
  EXPECT_EQ(second.ReadUntil(2).acknowledged_sequence(), 2u);
}

TEST_F(ReportStreamTest, NewIncarnationEndsTheOldStream) {
  Register("w");
  TestStream stream(*workers_);
  ASSERT_TRUE(stream.Write(TestStream::Hello("w")));
  stream.ReadUntil(1);
  Register("w", 2);
  EXPECT_EQ(Drain(stream).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(ReportStreamTest, MoreRequestsThanMayBeInFlightAreAllAnsweredToALateReader) {
  const v1::Lease lease = LeaseOf("s");
  TestStream stream(*workers_);
  ASSERT_TRUE(stream.Write(TestStream::Hello("w")));
  constexpr uint64_t kRequests = 5 * ReportSession::kMaxInFlight;
  for (uint64_t sequence = 2; sequence <= kRequests; ++sequence) {
    v1::ReportRequest request = TestStream::Next(sequence);
    TestStream::AddReport(request, lease.ref(), static_cast<int64_t>(sequence) - 1, 0.5);
    ASSERT_TRUE(stream.Write(request));
  }
  const v1::ReportResponse response = stream.ReadUntil(kRequests);
  EXPECT_EQ(response.acknowledged_sequence(), kRequests);
  EXPECT_EQ(response.verdicts_size(), static_cast<int>(kRequests) - 1);
}

}  // namespace
}  // namespace athanor::testing
