#include "tests/bench/soak/soak_worker.h"

#include "athanor/v1/worker_service.grpc.pb.h"
#include "tests/bench/load/latencies.h"
#include "tests/bench/load/program.h"

namespace athanor::bench {
namespace {

class SoakWorker {
 public:
  SoakWorker(const ServerProcess& server, const SoakOptions& options, int number)
      : options_(options), name_("soak-" + std::to_string(number)), channel_(server.Connect()) {
    RegisterWorker(channel_, name_, 1);
    stub_ = v1::WorkerService::NewStub(channel_);
    stream_ = stub_->Report(&stream_context_);
  }

  void Run(SoakTimes& times) {
    v1::Lease lease;
    TrialTimes trial;
    while (Acquire(lease, trial.acquire)) {
      trial.reports.clear();
      for (int step = 1; step <= options_.reports; ++step) trial.reports.push_back(Report(lease, step));
      trial.finish = Finish(lease);
      times.by_end[static_cast<size_t>(times.ended++)] = trial;
    }
    stream_->WritesDone();
    Check(stream_->Finish(), "Report");
  }

 private:
  // False if there is nothing to do any more.
  bool Acquire(v1::Lease& lease, Duration& took) {
    v1::AcquireRequest request;
    request.set_worker(name_);
    request.set_incarnation(1);
    request.set_sequence(++acquires_);
    request.set_max_trials(1);
    v1::AcquireResponse response;
    grpc::ClientContext context;
    const MonotonicTime sent = Now();
    Check(stub_->Acquire(&context, request, &response), "Acquire");
    took = Now() - sent;
    if (response.leases().empty()) return false;
    lease = response.leases(0);
    return true;
  }

  Duration Report(const v1::Lease& lease, int step) {
    v1::ReportRequest request;
    request.set_worker(name_);
    request.set_incarnation(1);
    request.set_sequence(++sequence_);
    v1::TrialReport& report = *request.add_reports();
    *report.mutable_lease() = lease.ref();
    if (step == 1) report.set_resumed_step(0);
    v1::Measurement& measurement = *report.add_measurements();
    measurement.set_step(step);
    measurement.set_elapsed_ms(step * 1000);
    const double loss = 1.0 / (step + static_cast<double>(lease.ref().trial_number() % 97));
    AddMetric(measurement, "val_accuracy", 1 - loss);
    AddMetric(measurement, "train_loss", loss);
    const MonotonicTime sent = Now();
    if (!stream_->Write(request)) Die("the stream ended early");
    v1::ReportResponse response;
    while (response.acknowledged_sequence() < sequence_) {
      if (!stream_->Read(&response)) Die("the stream ended early");
      for (const v1::Verdict& verdict : response.verdicts()) {
        if (verdict.status_code() != 0) Die("a report was refused: " + verdict.status_message());
      }
    }
    return Now() - sent;
  }

  Duration Finish(const v1::Lease& lease) {
    v1::FinishRequest request;
    *request.mutable_lease() = lease.ref();
    request.set_outcome(v1::ATTEMPT_OUTCOME_COMPLETED);
    v1::FinishResponse response;
    grpc::ClientContext context;
    const MonotonicTime sent = Now();
    Check(stub_->Finish(&context, request, &response), "Finish");
    return Now() - sent;
  }

  static void AddMetric(v1::Measurement& measurement, const char* name, double value) {
    v1::Metric& metric = *measurement.add_metrics();
    metric.set_name(name);
    metric.set_value(value);
  }

  const SoakOptions& options_;
  const std::string name_;
  const std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::WorkerService::Stub> stub_;
  grpc::ClientContext stream_context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ReportRequest, v1::ReportResponse>> stream_;
  uint64_t acquires_ = 0;
  uint64_t sequence_ = 0;
};

}  // namespace

void RunSoakWorker(const ServerProcess& server, const SoakOptions& options, int number, SoakTimes& times) {
  SoakWorker(server, options, number).Run(times);
}

}  // namespace athanor::bench
