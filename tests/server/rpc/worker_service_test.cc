#include <gmock/gmock.h>

#include <future>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "tests/server/rpc/rpc_fixture.h"

namespace athanor::testing {
namespace {

using ::testing::HasSubstr;
using Stub = v1::WorkerService::Stub;

class WorkerServiceTest : public RpcFixture {};

TEST_F(WorkerServiceTest, RegistrationTellsThePace) {
  const v1::RegisterResponse response = Register("w");
  ASSERT_TRUE(status_.ok()) << status_.error_message();
  EXPECT_EQ(response.lease_ms(), 30'000);
  EXPECT_EQ(response.heartbeat_ms(), 10'000);
  EXPECT_EQ(response.long_poll_ms(), 30'000);
  EXPECT_EQ(response.state(), v1::WORKER_STATE_ONLINE);
}

TEST_F(WorkerServiceTest, AnotherProtocolVersionIsRefused) {
  v1::RegisterRequest request;
  request.set_worker("w");
  request.set_incarnation(1);
  request.set_slots(1);
  request.set_protocol_version(kProtocolVersion + 1);
  Call(*workers_, &Stub::Register, request);
  EXPECT_EQ(code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(WorkerServiceTest, OldIncarnationIsRefusedEverywhere) {
  Register("w", 5);
  Register("w", 4);
  EXPECT_EQ(code(), grpc::StatusCode::FAILED_PRECONDITION);
  Acquire("w", 1);
  EXPECT_EQ(code(), grpc::StatusCode::FAILED_PRECONDITION);
  v1::HeartbeatRequest heartbeat;
  heartbeat.set_worker("w");
  heartbeat.set_incarnation(1);
  Call(*workers_, &Stub::Heartbeat, heartbeat);
  EXPECT_EQ(code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(WorkerServiceTest, UnknownWorkerMustRegisterFirst) {
  Acquire("nobody", 1);
  EXPECT_EQ(code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(WorkerServiceTest, RepeatedAcquireGetsTheSameLeases) {
  Create(Small("s", 4));
  Register("w");
  const auto first = Acquire("w", 7, 2);
  const auto again = Acquire("w", 7, 2);
  ASSERT_EQ(first.size(), 2u);
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(first[0].ref().token(), again[0].ref().token());
  EXPECT_EQ(first[1].ref().token(), again[1].ref().token());
}

TEST_F(WorkerServiceTest, LongPollIsAnsweredWhenWorkAppears) {
  Register("w");
  auto waiting = std::async(std::launch::async, [&] {
    v1::AcquireResponse response;
    const auto status = workers_->Acquire(NewContext().get(), AcquireOf("w", 1, 1, 15'000), &response);
    return std::pair(status.ok(), response.leases_size());
  });
  Create(Small("s", 1));
  EXPECT_EQ(waiting.get(), std::pair(true, 1));
}

TEST_F(WorkerServiceTest, LongPollEndsEmptyAtItsDeadline) {
  Register("w");
  auto waiting = std::async(std::launch::async, [&] {
    v1::AcquireResponse response;
    const auto status = workers_->Acquire(NewContext().get(), AcquireOf("w", 1, 1, 20), &response);
    return std::pair(status.ok(), response.leases_size());
  });
  while (waiting.wait_for(std::chrono::milliseconds(5)) != std::future_status::ready) harness_.Tick();
  EXPECT_EQ(waiting.get(), std::pair(true, 0));
}

TEST_F(WorkerServiceTest, CancelledLongPollGetsNoLease) {
  Register("w");
  Register("other");
  auto context = NewContext();
  auto waiting = std::async(std::launch::async, [&] {
    v1::AcquireResponse response;
    return workers_->Acquire(context.get(), AcquireOf("w", 1, 1, 15'000), &response).error_code();
  });
  while (waiting.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) context->TryCancel();
  EXPECT_EQ(waiting.get(), grpc::StatusCode::CANCELLED);
  Create(Small("s", 1));
  // Whatever the cancelled call may have been given in the meantime is back once its cancellation was applied.
  std::vector<v1::Lease> leases;
  for (uint64_t sequence = 1; leases.empty() && sequence < 1000; ++sequence) leases = Acquire("other", sequence);
  ASSERT_EQ(leases.size(), 1u);
  EXPECT_EQ(leases[0].ref().trial_number(), 0);
  EXPECT_EQ(Get("s").trial_counts_size(), 1);
}

TEST_F(WorkerServiceTest, HeartbeatNamesDeadLeasesAndRefusesMeasurements) {
  const v1::Lease lease = LeaseOf("s");
  v1::HeartbeatRequest request;
  request.set_worker("w");
  request.set_incarnation(1);
  *request.add_leases() = lease.ref();
  v1::LeaseRef stale = lease.ref();
  stale.set_token(lease.ref().token() + 1000);
  *request.add_leases() = stale;
  v1::TrialReport& progress = *request.add_progress();
  *progress.mutable_lease() = lease.ref();
  progress.mutable_progress()->set_fraction(0.5);
  const v1::HeartbeatResponse response = Call(*workers_, &Stub::Heartbeat, request);
  ASSERT_EQ(response.dead_size(), 1);
  EXPECT_EQ(response.dead(0).token(), stale.token());
  v1::GetTrialRequest get;
  get.set_study("s");
  const v1::TrialDetail detail = Call(*studies_, &v1::StudyService::Stub::GetTrial, get);
  EXPECT_EQ(detail.trial().progress().fraction(), 0.5);
  progress.add_measurements()->set_step(1);
  Call(*workers_, &Stub::Heartbeat, request);
  EXPECT_EQ(code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(WorkerServiceTest, FinishIsIdempotentByOutcome) {
  const v1::Lease lease = LeaseOf("s");
  EXPECT_EQ(Finish(lease.ref(), v1::ATTEMPT_OUTCOME_INFEASIBLE).trial_state(), v1::TRIAL_STATE_INFEASIBLE);
  EXPECT_EQ(Finish(lease.ref(), v1::ATTEMPT_OUTCOME_INFEASIBLE).trial_state(), v1::TRIAL_STATE_INFEASIBLE);
  EXPECT_TRUE(status_.ok()) << status_.error_message();
  Finish(lease.ref(), v1::ATTEMPT_OUTCOME_FAILED);
  EXPECT_EQ(code(), grpc::StatusCode::FAILED_PRECONDITION);
  Finish(lease.ref(), v1::ATTEMPT_OUTCOME_LOST);
  EXPECT_EQ(code(), grpc::StatusCode::INVALID_ARGUMENT);
}

// What eight workers saw of a study that they pulled to its end at once.
struct Pulled {
  std::mutex mutex;
  std::map<int64_t, std::set<std::string>> configurations;  // by trial
  int64_t leases = 0;
};

class PullTest : public RpcFixture {
 protected:
  static constexpr int kWorkers = 8;

  // Acquires, reports three epochs and finishes until the study has ended.
  void Work(const std::string& worker, const std::string& study, Pulled& pulled) {
    v1::RegisterRequest registration;
    registration.set_worker(worker);
    registration.set_incarnation(1);
    registration.set_protocol_version(kProtocolVersion);
    registration.set_slots(2);
    v1::RegisterResponse registered;
    ASSERT_TRUE(workers_->Register(NewContext().get(), registration, &registered).ok());
    TestStream stream(*workers_);
    uint64_t reports = 0;
    for (uint64_t sequence = 1;; ++sequence) {
      v1::AcquireResponse acquired;
      const grpc::Status status = workers_->Acquire(NewContext().get(), AcquireOf(worker, sequence, 2), &acquired);
      ASSERT_TRUE(status.ok()) << status.error_message();
      for (const v1::Lease& lease : acquired.leases()) Train(lease, stream, worker, ++reports, pulled);
      if (acquired.leases().empty()) {
        v1::GetStudyRequest get;
        get.set_study(study);
        v1::Study now;
        ASSERT_TRUE(studies_->GetStudy(NewContext().get(), get, &now).ok());
        if (now.state() == v1::STUDY_STATE_COMPLETED) return;
      }
    }
  }

  void Train(const v1::Lease& lease, TestStream& stream, const std::string& worker, uint64_t sequence, Pulled& pulled) {
    v1::ReportRequest request = TestStream::Hello(worker, sequence);
    for (int step = 1; step <= 3; ++step) TestStream::AddReport(request, lease.ref(), step, 1.0 / step);
    v1::FinishRequest& finish = *request.add_finishes();
    *finish.mutable_lease() = lease.ref();
    finish.set_outcome(v1::ATTEMPT_OUTCOME_COMPLETED);
    ASSERT_TRUE(stream.Write(request));
    const v1::ReportResponse response = stream.ReadUntil(sequence);
    ASSERT_EQ(response.verdicts_size(), 4);
    for (const v1::Verdict& verdict : response.verdicts()) EXPECT_EQ(verdict.status_code(), 0);
    std::string configuration;
    for (const auto& option : lease.options()) configuration += option.ShortDebugString();
    const std::lock_guard lock(pulled.mutex);
    ++pulled.leases;
    pulled.configurations[lease.ref().trial_number()].insert(configuration);
  }

  void PullToTheEnd(const std::string& study, Pulled& pulled) {
    std::vector<std::thread> workers;
    for (int i = 0; i < kWorkers; ++i) {
      workers.emplace_back([&, i] { Work("w" + std::to_string(i), study, pulled); });
    }
    for (std::thread& worker : workers) worker.join();
  }
};

TEST_F(PullTest, BudgetOfTrialsIsExactUnderEightWorkers) {
  Create(Small("s", 100));
  Pulled pulled;
  PullToTheEnd("s", pulled);
  EXPECT_EQ(pulled.leases, 100);
  EXPECT_EQ(pulled.configurations.size(), 100u);
  EXPECT_EQ(pulled.configurations.rbegin()->first, 99);
  const v1::Study study = Get("s");
  ASSERT_EQ(study.trial_counts_size(), 1);
  EXPECT_EQ(study.trial_counts(0).state(), v1::TRIAL_STATE_COMPLETED);
  EXPECT_EQ(study.trial_counts(0).count(), 100);
}

TEST_F(PullTest, GridRunsEveryPointOnceUnderEightWorkers) {
  StudySpec spec = SmallStudySpec("grid");
  Parameter batch = MakeParameter("batch_size", ParameterType::kInt, 1, 12);
  Parameter optimizer = MakeParameter("optimizer", ParameterType::kCategorical);
  optimizer.values = {Value(std::string("sgd")), Value(std::string("adam")), Value(std::string("adamw"))};
  spec.parameters = {batch, optimizer};
  spec.search.method = "grid";
  spec.trainer = {{"epochs", Value(int64_t{3})}};
  Create(ToProto(spec));
  ASSERT_TRUE(status_.ok()) << status_.error_message();
  Pulled pulled;
  PullToTheEnd("grid", pulled);
  EXPECT_EQ(pulled.leases, 36);
  std::set<std::string> points;
  for (const auto& [trial, configurations] : pulled.configurations) {
    EXPECT_EQ(configurations.size(), 1u);
    points.insert(configurations.begin(), configurations.end());
  }
  EXPECT_EQ(points.size(), 36u);
}

}  // namespace
}  // namespace athanor::testing
