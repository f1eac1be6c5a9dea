#include "tests/bench/load/report_load.h"

#include <deque>
#include <thread>
#include <vector>

#include "athanor/v1/worker_service.grpc.pb.h"
#include "server/store/sqlite/sqlite_store.h"
#include "tests/bench/load/program.h"

namespace athanor::bench {
namespace {

constexpr StudyId kStudy = 1;

// One worker: a connection, a stream, some trials.
class Reporter {
 public:
  Reporter(const ServerProcess& server, const ReportLoadOptions& options, int number)
      : options_(options), name_("reporter-" + std::to_string(number)), channel_(server.Connect()) {
    RegisterWorker(channel_, name_, options_.trials_per_worker);
    Acquire();
  }

  // Reports until `end`, then waits for what is in flight.
  void Run(MonotonicTime end) {
    grpc::ClientContext context;
    const auto stub = v1::WorkerService::NewStub(channel_);
    const auto stream = stub->Report(&context);
    v1::ReportResponse response;
    for (;;) {
      while (in_flight_.size() < static_cast<size_t>(options_.requests_in_flight) && Now() < end) {
        const v1::ReportRequest request = NextRequest();
        in_flight_.push_back(Now());
        if (!stream->Write(request)) return Broken(*stream);
      }
      if (in_flight_.empty()) break;
      if (!stream->Read(&response)) return Broken(*stream);
      Acknowledge(response);
    }
    stream->WritesDone();
    Check(stream->Finish(), "Report");
  }

  void AddTo(ReportLoadResult& result) const {
    result.latencies.Merge(latencies_);
    const auto per_trial =
        static_cast<int64_t>(acknowledged_) * options_.measurements_per_request / options_.trials_per_worker;
    for (const v1::Lease& lease : leases_) {
      result.last_steps[lease.ref().trial_number()] = per_trial;
      result.measurements += per_trial;
    }
  }

 private:
  template <typename Stream>
  void Broken(Stream& stream) {
    Check(stream.Finish(), "Report");
    Die("the stream ended early");
  }

  void Acquire() {
    v1::AcquireRequest request;
    request.set_worker(name_);
    request.set_incarnation(1);
    request.set_sequence(1);
    request.set_max_trials(options_.trials_per_worker);
    v1::AcquireResponse response;
    grpc::ClientContext context;
    Check(v1::WorkerService::NewStub(channel_)->Acquire(&context, request, &response), "Acquire");
    leases_ = {response.leases().begin(), response.leases().end()};
  }

  // The same number of measurements for every trial.
  v1::ReportRequest NextRequest() {
    v1::ReportRequest request;
    request.set_worker(name_);
    request.set_incarnation(1);
    request.set_sequence(++sequence_);
    const int64_t first = step_ + 1;
    step_ += options_.measurements_per_request / options_.trials_per_worker;
    for (const v1::Lease& lease : leases_) {
      v1::TrialReport& report = *request.add_reports();
      *report.mutable_lease() = lease.ref();
      if (first == 1) report.set_resumed_step(0);
      for (int64_t step = first; step <= step_; ++step) {
        v1::Measurement& measurement = *report.add_measurements();
        measurement.set_step(step);
        measurement.set_elapsed_ms(step * 10);
        AddMetric(measurement, "val_accuracy", ReportedValue(lease.ref().trial_number(), step));
        AddMetric(measurement, "train_loss", 1.0 / static_cast<double>(step));
      }
    }
    return request;
  }

  static void AddMetric(v1::Measurement& measurement, const char* name, double value) {
    v1::Metric& metric = *measurement.add_metrics();
    metric.set_name(name);
    metric.set_value(value);
  }

  void Acknowledge(const v1::ReportResponse& response) {
    const MonotonicTime now = Now();
    for (; acknowledged_ < response.acknowledged_sequence(); ++acknowledged_) {
      latencies_.Add(now - in_flight_.front());
      in_flight_.pop_front();
    }
    for (const v1::Verdict& verdict : response.verdicts()) {
      if (verdict.status_code() != 0) Die("a report was refused: " + verdict.status_message());
    }
  }

  const ReportLoadOptions& options_;
  const std::string name_;
  const std::shared_ptr<grpc::Channel> channel_;
  std::vector<v1::Lease> leases_;
  uint64_t sequence_ = 0;
  uint64_t acknowledged_ = 0;
  int64_t step_ = 0;
  std::deque<MonotonicTime> in_flight_;
  Latencies latencies_;
};

}  // namespace

ReportLoadResult RunReportLoad(const ServerProcess& server, const ReportLoadOptions& options) {
  std::vector<std::unique_ptr<Reporter>> reporters;
  for (int i = 0; i < options.workers; ++i) reporters.push_back(std::make_unique<Reporter>(server, options, i));
  const MonotonicTime start = Now();
  std::vector<std::thread> threads;
  for (const auto& reporter : reporters) threads.emplace_back([&] { reporter->Run(start + options.duration); });
  for (std::thread& thread : threads) thread.join();
  ReportLoadResult result;
  result.seconds = std::chrono::duration<double>(Now() - start).count();
  for (const auto& reporter : reporters) reporter->AddTo(result);
  return result;
}

int64_t CountMissing(const std::string& database, const std::map<int64_t, int64_t>& last_steps) {
  SqliteOptions options;
  options.path = database;
  const auto store = OpenSqliteStore(options);
  if (!store.ok()) Die(std::string(store.status().message()));
  int64_t missing = 0;
  for (const auto& [trial, last_step] : last_steps) {
    const auto curves = (*store)->ReadCurves(kStudy, trial, {"val_accuracy"}, Archived::kLeaveOut);
    std::vector<CurvePoint> points;
    if (curves.ok() && !curves->empty()) points = curves->front().points;
    for (int64_t step = 1; step <= last_step; ++step) {
      const auto index = static_cast<size_t>(step - 1);
      const bool there =
          index < points.size() && points[index].step == step && points[index].value == ReportedValue(trial, step);
      missing += there ? 0 : 1;
    }
  }
  return missing;
}

}  // namespace athanor::bench
