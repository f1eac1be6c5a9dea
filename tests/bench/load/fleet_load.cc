#include "tests/bench/load/fleet_load.h"

#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "athanor/v1/worker_service.grpc.pb.h"
#include "base/mutex.h"
#include "tests/bench/load/program.h"
#include "tests/bench/load/report_load.h"

namespace athanor::bench {
namespace {

// One worker: it holds a trial that it reports on, and has a slot for another, which it finishes as soon as it has it.
class FleetWorker final : public grpc::ClientBidiReactor<v1::ReportRequest, v1::ReportResponse> {
 public:
  FleetWorker(const ServerProcess& server, int number)
      : name_("fleet-" + std::to_string(number)), channel_(server.Connect()) {
    RegisterWorker(channel_, name_, 2);
    stub_ = v1::WorkerService::NewStub(channel_);
    v1::AcquireResponse response;
    grpc::ClientContext context;
    Check(stub_->Acquire(&context, NextAcquire(), &response), "Acquire");
    if (response.leases_size() != 1) Die("no trial to lease");
    lease_ = response.leases(0).ref();
    stub_->async()->Report(&stream_context_, this);
    AddHold();  // for writes from the pacing thread
    StartRead(&response_);
    StartCall();
  }

  void Report(MonotonicTime due) {
    {
      const MutexLock lock(mutex_);
      if (writing_) return;  // it will report at its next turn, and the gap shows in the number of reports
      writing_ = true;
      due_.push_back(due);
      FillRequest();
    }
    StartWrite(&request_);
  }

  // Takes a trial and finishes it.
  void Acquire(MonotonicTime due) {
    struct Call {
      grpc::ClientContext context;
      v1::AcquireRequest request;
      v1::AcquireResponse response;
    };
    const auto call = std::make_shared<Call>();
    call->request = NextAcquire();
    {
      const MutexLock lock(mutex_);
      ++calls_;
    }
    stub_->async()->Acquire(&call->context, &call->request, &call->response,
                            [this, call, due](const grpc::Status& status) {
                              const MonotonicTime now = Now();
                              Check(status, "Acquire");
                              if (call->response.leases_size() != 1) Die("no trial to lease");
                              {
                                const MutexLock lock(mutex_);
                                acquire_latencies_.Add(now - due);
                              }
                              FinishTrial(call->response.leases(0).ref());
                            });
  }

  // Waits until everything is answered, and closes the stream.
  void Close() {
    {
      const MutexLock lock(mutex_);
      answered_.Wait(mutex_, [this] { return calls_ == 0 && due_.empty() && !writing_; });
      closing_ = true;
    }
    StartWritesDone();
    RemoveHold();
    const MutexLock lock(mutex_);
    answered_.Wait(mutex_, [this] { return done_; });
  }

  // After Close.
  void AddTo(FleetLoadResult& result) {
    const MutexLock lock(mutex_);
    result.reports += step_;
    result.acquires += acquired_;
    result.acquire_latencies.Merge(acquire_latencies_);
    result.report_latencies.Merge(report_latencies_);
    result.last_steps[lease_.trial_number()] = step_;
  }

  void OnWriteDone(bool ok) override {
    if (!ok) Die("a stream ended early");
    const MutexLock lock(mutex_);
    writing_ = false;
    answered_.NotifyAll();
  }

  void OnReadDone(bool ok) override {
    {
      const MonotonicTime now = Now();
      const MutexLock lock(mutex_);
      if (!ok && !closing_) Die("a stream ended early");
      for (; ok && acknowledged_ < response_.acknowledged_sequence(); ++acknowledged_) {
        report_latencies_.Add(now - due_.front());
        due_.pop_front();
      }
      for (const v1::Verdict& verdict : response_.verdicts()) {
        if (verdict.status_code() != 0) Die("a report was refused: " + verdict.status_message());
      }
      answered_.NotifyAll();
    }
    if (ok) StartRead(&response_);
  }

  void OnDone(const grpc::Status& status) override {
    Check(status, "Report");
    const MutexLock lock(mutex_);
    done_ = true;
    answered_.NotifyAll();
  }

 private:
  v1::AcquireRequest NextAcquire() {
    v1::AcquireRequest request;
    request.set_worker(name_);
    request.set_incarnation(1);
    request.set_sequence(++acquires_);
    request.set_max_trials(1);
    return request;
  }

  void FillRequest() ATHANOR_REQUIRES(mutex_) {
    request_.Clear();
    request_.set_worker(name_);
    request_.set_incarnation(1);
    request_.set_sequence(static_cast<uint64_t>(++step_));
    v1::TrialReport& report = *request_.add_reports();
    *report.mutable_lease() = lease_;
    if (step_ == 1) report.set_resumed_step(0);
    v1::Measurement& measurement = *report.add_measurements();
    measurement.set_step(step_);
    measurement.set_elapsed_ms(step_ * 1000);
    v1::Metric& metric = *measurement.add_metrics();
    metric.set_name("val_accuracy");
    metric.set_value(ReportedValue(lease_.trial_number(), step_));
  }

  // INFEASIBLE needs no measurement.
  void FinishTrial(const v1::LeaseRef& lease) {
    struct Call {
      grpc::ClientContext context;
      v1::FinishRequest request;
      v1::FinishResponse response;
    };
    const auto call = std::make_shared<Call>();
    *call->request.mutable_lease() = lease;
    call->request.set_outcome(v1::ATTEMPT_OUTCOME_INFEASIBLE);
    stub_->async()->Finish(&call->context, &call->request, &call->response, [this, call](const grpc::Status& status) {
      Check(status, "Finish");
      const MutexLock lock(mutex_);
      ++acquired_;
      --calls_;
      answered_.NotifyAll();
    });
  }

  const std::string name_;
  const std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::WorkerService::Stub> stub_;
  grpc::ClientContext stream_context_;
  v1::LeaseRef lease_;
  uint64_t acquires_ = 0;  // the pacing thread's
  v1::ReportRequest request_;
  v1::ReportResponse response_;

  Mutex mutex_;
  ConditionVariable answered_;
  bool writing_ ATHANOR_GUARDED_BY(mutex_) = false;
  bool closing_ ATHANOR_GUARDED_BY(mutex_) = false;
  bool done_ ATHANOR_GUARDED_BY(mutex_) = false;
  int calls_ ATHANOR_GUARDED_BY(mutex_) = 0;  // not answered yet
  int64_t step_ ATHANOR_GUARDED_BY(mutex_) = 0;
  uint64_t acknowledged_ ATHANOR_GUARDED_BY(mutex_) = 0;
  std::deque<MonotonicTime> due_ ATHANOR_GUARDED_BY(mutex_);  // of the reports that are not acknowledged
  int64_t acquired_ ATHANOR_GUARDED_BY(mutex_) = 0;
  Latencies acquire_latencies_ ATHANOR_GUARDED_BY(mutex_);
  Latencies report_latencies_ ATHANOR_GUARDED_BY(mutex_);
};

}  // namespace

FleetLoadResult RunFleetLoad(const ServerProcess& server, const FleetLoadOptions& options) {
  std::vector<std::unique_ptr<FleetWorker>> workers;
  for (int i = 0; i < options.workers; ++i) workers.push_back(std::make_unique<FleetWorker>(server, i));
  const auto count = static_cast<int64_t>(workers.size());
  const int64_t reports_an_acquire = std::max<int64_t>(count / options.acquires_per_second, 1);
  const MonotonicTime start = Now();
  for (int64_t turn = 0;; ++turn) {
    const MonotonicTime due = start + turn * Duration(std::chrono::seconds(1)) / count;
    if (due >= start + options.duration) break;
    std::this_thread::sleep_for(due - Now());
    workers[static_cast<size_t>(turn % count)]->Report(due);
    // Half a fleet away from the worker that reports, so that no two of its calls meet.
    if (turn % reports_an_acquire == 0) workers[static_cast<size_t>((turn + count / 2) % count)]->Acquire(due);
  }
  FleetLoadResult result;
  result.seconds = std::chrono::duration<double>(Now() - start).count();
  result.resident_bytes = server.ResidentBytes();
  for (const auto& worker : workers) worker->Close();
  for (const auto& worker : workers) worker->AddTo(result);
  return result;
}

}  // namespace athanor::bench
