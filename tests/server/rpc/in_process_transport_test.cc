// The calls of a worker without gRPC under them, from several threads at once: what ThreadSanitizer can look into.
#include "tests/testing/in_process_transport.h"

#include <gtest/gtest.h>

#include <fstream>
#include <future>
#include <set>
#include <thread>
#include <vector>

#include "base/sha256.h"
#include "server/rpc/convert_study_spec.h"
#include "server/rpc/study_calls.h"
#include "tests/testing/service_harness.h"
#include "tests/testing/study_specs.h"

namespace athanor::testing {
namespace {

// Calls and waits for the answer.
template <typename Response>
absl::StatusOr<Response> Await(const std::function<void(Done<Response>)>& call) {
  const auto answer = std::make_shared<std::promise<absl::StatusOr<Response>>>();
  call([answer](absl::StatusOr<Response> response) { answer->set_value(std::move(response)); });
  return answer->get_future().get();
}

class InProcessTransportTest : public ::testing::Test {
 protected:
  void Create(const std::string& name, int64_t trials) {
    StudySpec spec = SmallStudySpec(name);
    spec.budget.trials = trials;
    spec.parameters = {MakeParameter("learning_rate", ParameterType::kFloat, 0.001, 1)};
    spec.trainer = {{"epochs", Value(int64_t{2})}};
    v1::CreateStudyRequest request;
    *request.mutable_spec() = ToProto(spec);
    StudyCalls studies(harness_.context());
    const auto study = Await<v1::Study>([&](Done<v1::Study> done) { studies.Create(request, std::move(done)); });
    ASSERT_TRUE(study.ok()) << study.status();
  }

  void Register(const std::string& worker) {
    v1::RegisterRequest request;
    request.set_worker(worker);
    request.set_incarnation(1);
    request.set_protocol_version(kProtocolVersion);
    request.set_slots(1);
    const auto response = Await<v1::RegisterResponse>(
        [&](Done<v1::RegisterResponse> done) { transport_.Register(request, std::move(done)); });
    ASSERT_TRUE(response.ok()) << response.status();
  }

  absl::StatusOr<v1::AcquireResponse> Acquire(const std::string& worker, uint64_t sequence) {
    v1::AcquireRequest request;
    request.set_worker(worker);
    request.set_incarnation(1);
    request.set_sequence(sequence);
    request.set_max_trials(1);
    std::unique_ptr<CancellableCall> call;
    return Await<v1::AcquireResponse>(
        [&](Done<v1::AcquireResponse> done) { call = transport_.Acquire(request, std::move(done)); });
  }

  // Reports two epochs and the finish of each trial it gets on one stream, until there are none.
  void Work(const std::string& worker, std::set<int64_t>& trials) {
    Register(worker);
    const auto closed = std::make_shared<std::promise<absl::Status>>();
    Mutex mutex;
    ConditionVariable changed;
    uint64_t acknowledged = 0;
    ReportStreamObserver observer;
    observer.on_written = [] {};
    observer.on_response = [&](const v1::ReportResponse& response) {
      for (const v1::Verdict& verdict : response.verdicts()) EXPECT_EQ(verdict.status_code(), 0);
      const MutexLock lock(mutex);
      acknowledged = response.acknowledged_sequence();
      changed.NotifyAll();
    };
    observer.on_closed = [closed](const absl::Status& status) { closed->set_value(status); };
    const auto stream = transport_.OpenReportStream(observer);
    for (uint64_t sequence = 1;; ++sequence) {
      const auto acquired = Acquire(worker, sequence);
      ASSERT_TRUE(acquired.ok()) << acquired.status();
      if (acquired->leases().empty()) break;
      trials.insert(acquired->leases(0).ref().trial_number());
      stream->Write(Outcome(worker, sequence, acquired->leases(0).ref()));
      const MutexLock lock(mutex);
      changed.Wait(mutex, [&] { return acknowledged == sequence; });
    }
    stream->WritesDone();
    EXPECT_TRUE(closed->get_future().get().ok());
  }

  static v1::ReportRequest Outcome(const std::string& worker, uint64_t sequence, const v1::LeaseRef& lease) {
    v1::ReportRequest request;
    request.set_worker(worker);
    request.set_incarnation(1);
    request.set_sequence(sequence);
    v1::TrialReport& report = *request.add_reports();
    *report.mutable_lease() = lease;
    report.set_resumed_step(0);
    for (int step = 1; step <= 2; ++step) {
      v1::Measurement& measurement = *report.add_measurements();
      measurement.set_step(step);
      measurement.add_metrics()->set_name("loss");
    }
    v1::FinishRequest& finish = *request.add_finishes();
    *finish.mutable_lease() = lease;
    finish.set_outcome(v1::ATTEMPT_OUTCOME_COMPLETED);
    return request;
  }

  ServiceHarness harness_;
  InProcessTransport transport_{harness_.context()};
};

TEST_F(InProcessTransportTest, FourWorkersRunEveryTrialOnce) {
  Create("s", 40);
  std::vector<std::set<int64_t>> trials(4);
  std::vector<std::thread> workers;
  for (size_t i = 0; i < trials.size(); ++i) {
    workers.emplace_back([&, i] { Work("w" + std::to_string(i), trials[i]); });
  }
  for (std::thread& worker : workers) worker.join();
  std::set<int64_t> all;
  size_t leases = 0;
  for (const auto& some : trials) {
    leases += some.size();
    all.insert(some.begin(), some.end());
  }
  EXPECT_EQ(leases, 40u);
  EXPECT_EQ(all.size(), 40u);
}

TEST_F(InProcessTransportTest, DroppedLongPollIsAnsweredCancelledAndGetsNoLease) {
  Register("w");
  v1::AcquireRequest request;
  request.set_worker("w");
  request.set_incarnation(1);
  request.set_sequence(1);
  request.set_max_trials(1);
  request.set_wait_ms(20'000);
  const auto answer = std::make_shared<std::promise<absl::Status>>();
  transport_
      .Acquire(request,
               [answer](const absl::StatusOr<v1::AcquireResponse>& response) { answer->set_value(response.status()); })
      .reset();
  EXPECT_EQ(answer->get_future().get().code(), absl::StatusCode::kCancelled);
  Create("s", 1);
  const auto acquired = Acquire("w", 2);
  ASSERT_TRUE(acquired.ok()) << acquired.status();
  ASSERT_EQ(acquired->leases_size(), 1);
  EXPECT_EQ(acquired->leases(0).ref().trial_number(), 0);
}

TEST_F(InProcessTransportTest, CheckpointGoesUpAndComesBack) {
  Create("s", 1);
  Register("w");
  const auto acquired = Acquire("w", 1);
  ASSERT_TRUE(acquired.ok() && acquired->leases_size() == 1);
  const ScratchDirectory scratch;
  const std::string source = scratch.path() + "/source", target = scratch.path() + "/target";
  const std::string content(3'000'000, 'c');
  std::ofstream(source, std::ios::binary) << content;
  v1::UploadCheckpointRequest::Header header;
  *header.mutable_lease() = acquired->leases(0).ref();
  header.mutable_checkpoint()->set_sha256(Sha256::Hex(content));
  header.mutable_checkpoint()->set_step(1);
  header.mutable_checkpoint()->set_size_bytes(static_cast<int64_t>(content.size()));
  const auto uploaded = std::make_shared<std::promise<absl::Status>>();
  const auto downloaded = std::make_shared<std::promise<absl::Status>>();
  const auto up =
      transport_.UploadCheckpoint(header, source, [uploaded](absl::Status status) { uploaded->set_value(status); });
  EXPECT_EQ(uploaded->get_future().get(), absl::OkStatus());
  v1::DownloadCheckpointRequest request;
  *request.mutable_lease() = acquired->leases(0).ref();
  request.set_sha256(header.checkpoint().sha256());
  const auto down = transport_.DownloadCheckpoint(request, target,
                                                  [downloaded](absl::Status status) { downloaded->set_value(status); });
  EXPECT_EQ(downloaded->get_future().get(), absl::OkStatus());
  std::ifstream file(target, std::ios::binary);
  EXPECT_TRUE(std::string(std::istreambuf_iterator<char>(file), {}) == content) << "megabytes are not printed";
}

TEST_F(InProcessTransportTest, RepeatedAppendsOfALogFromSeveralThreadsLeaveItOnce) {
  Create("s", 1);
  Register("w");
  const auto leases = Acquire("w", 1);
  ASSERT_TRUE(leases.ok()) << leases.status();
  ASSERT_EQ(leases->leases_size(), 1);
  v1::AppendLogRequest request;
  *request.mutable_lease() = leases->leases(0).ref();
  request.set_data("printed once\n");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      const auto answer = Await<v1::AppendLogResponse>(
          [&](Done<v1::AppendLogResponse> done) { transport_.AppendLog(request, std::move(done)); });
      ASSERT_TRUE(answer.ok()) << answer.status();
      EXPECT_EQ(answer->next_offset(), 13);
    });
  }
  for (std::thread& thread : threads) thread.join();
  LogReader reader(harness_.context().logs, {request.lease().study_id(), 0}, {});
  EXPECT_EQ(reader.Next()->data, "printed once\n");
  EXPECT_EQ(reader.Next()->token, 0);
}

}  // namespace
}  // namespace athanor::testing
