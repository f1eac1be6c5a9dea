// A coordinator behind a real gRPC server on a loopback port, and a client of it.
#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "athanor/v1/study_service.grpc.pb.h"
#include "athanor/v1/worker_service.grpc.pb.h"
#include "server/rpc/convert_study_spec.h"
#include "server/rpc/server.h"
#include "tests/testing/service_harness.h"
#include "tests/testing/study_specs.h"

namespace athanor::testing {

// A call that hangs is a failure, not a hang.
inline std::unique_ptr<grpc::ClientContext> NewContext() {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  return context;
}

class RpcFixture : public ::testing::Test {
 protected:
  explicit RpcFixture(const CoordinatorOptions& coordination = {}) : harness_(coordination) {
    RpcServerOptions options;
    options.listen = "127.0.0.1:0";
    options.drain = std::chrono::seconds(2);
    auto server = RpcServer::Start(harness_.context(), options);
    if (!server.ok()) throw std::runtime_error(server.status().ToString());
    server_ = *std::move(server);
    channel_ = grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials());
    studies_ = v1::StudyService::NewStub(channel_);
    admin_ = v1::AdminService::NewStub(channel_);
    workers_ = v1::WorkerService::NewStub(channel_);
  }

  // stub->*method(request) -> the response; the status goes to `status_`.
  template <typename Stub, typename Request, typename Response>
  Response Call(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                const Request& request) {
    Response response;
    status_ = (stub.*method)(NewContext().get(), request, &response);
    return response;
  }

  // Random search over x in [0, 1], `trials` trials of one epoch each.
  static v1::StudySpec Small(const std::string& name, int64_t trials) {
    StudySpec spec = SmallStudySpec(name);
    spec.budget.trials = trials;
    spec.parameters = {MakeParameter("learning_rate", ParameterType::kFloat, 0.001, 1)};
    spec.trainer = {{"epochs", Value(int64_t{3})}};
    return ToProto(spec);
  }

  v1::Study Create(const v1::StudySpec& spec, const std::string& request_id = "") {
    v1::CreateStudyRequest request;
    *request.mutable_spec() = spec;
    request.set_request_id(request_id);
    return Call(*studies_, &v1::StudyService::Stub::CreateStudy, request);
  }

  v1::Study Get(const std::string& study) {
    v1::GetStudyRequest request;
    request.set_study(study);
    return Call(*studies_, &v1::StudyService::Stub::GetStudy, request);
  }

  v1::RegisterResponse Register(const std::string& worker, uint64_t incarnation = 1) {
    v1::RegisterRequest request;
    request.set_worker(worker);
    request.set_incarnation(incarnation);
    request.set_protocol_version(kProtocolVersion);
    request.set_slots(4);
    return Call(*workers_, &v1::WorkerService::Stub::Register, request);
  }

  v1::AcquireRequest AcquireOf(const std::string& worker, uint64_t sequence, int trials = 1, int64_t wait_ms = 0) {
    v1::AcquireRequest request;
    request.set_worker(worker);
    request.set_incarnation(1);
    request.set_sequence(sequence);
    request.set_max_trials(trials);
    request.set_wait_ms(wait_ms);
    return request;
  }

  std::vector<v1::Lease> Acquire(const std::string& worker, uint64_t sequence, int trials = 1, int64_t wait_ms = 0) {
    const auto response =
        Call(*workers_, &v1::WorkerService::Stub::Acquire, AcquireOf(worker, sequence, trials, wait_ms));
    return {response.leases().begin(), response.leases().end()};
  }

  // Registers worker "w" and leases the first trial of a new study of that name.
  v1::Lease LeaseOf(const std::string& study, int64_t trials = 1) {
    Create(Small(study, trials));
    EXPECT_TRUE(status_.ok()) << status_.error_message();
    Register("w");
    const auto leases = Acquire("w", ++sequence_);
    EXPECT_EQ(leases.size(), 1u);
    return leases.empty() ? v1::Lease() : leases.front();
  }

  v1::FinishResponse Finish(const v1::LeaseRef& lease, v1::AttemptOutcome outcome) {
    v1::FinishRequest request;
    *request.mutable_lease() = lease;
    request.set_outcome(outcome);
    return Call(*workers_, &v1::WorkerService::Stub::Finish, request);
  }

  grpc::StatusCode code() const { return status_.error_code(); }

  ServiceHarness harness_;
  std::unique_ptr<RpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::StudyService::Stub> studies_;
  std::unique_ptr<v1::AdminService::Stub> admin_;
  std::unique_ptr<v1::WorkerService::Stub> workers_;
  grpc::Status status_;
  uint64_t sequence_ = 0;
};

// A report stream that the test speaks by hand.
class TestStream {
 public:
  explicit TestStream(v1::WorkerService::Stub& stub) : context_(NewContext()), stream_(stub.Report(context_.get())) {}

  // The first request names the worker.
  static v1::ReportRequest Hello(const std::string& worker, uint64_t sequence = 1, uint64_t incarnation = 1) {
    v1::ReportRequest request;
    request.set_worker(worker);
    request.set_incarnation(incarnation);
    request.set_sequence(sequence);
    return request;
  }
  static v1::ReportRequest Next(uint64_t sequence) {
    v1::ReportRequest request;
    request.set_sequence(sequence);
    return request;
  }
  // Adds one measurement of `loss` to a request.
  static void AddReport(v1::ReportRequest& request, const v1::LeaseRef& lease, int64_t step, double loss) {
    v1::TrialReport& report = *request.add_reports();
    *report.mutable_lease() = lease;
    if (step == 1) report.set_resumed_step(0);
    v1::Measurement& measurement = *report.add_measurements();
    measurement.set_step(step);
    v1::Metric& metric = *measurement.add_metrics();
    metric.set_name("loss");
    metric.set_value(loss);
  }

  bool Write(const v1::ReportRequest& request) { return stream_->Write(request); }
  // Reads until `sequence` is acknowledged: all that came until then as one response.
  v1::ReportResponse ReadUntil(uint64_t sequence) {
    v1::ReportResponse all, response;
    while (all.acknowledged_sequence() < sequence && stream_->Read(&response)) all.MergeFrom(response);
    return all;
  }
  bool Read(v1::ReportResponse* response) { return stream_->Read(response); }
  void WritesDone() { stream_->WritesDone(); }
  grpc::Status Finish() { return stream_->Finish(); }
  void Cancel() { context_->TryCancel(); }

 private:
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ReportRequest, v1::ReportResponse>> stream_;
};

}  // namespace athanor::testing
