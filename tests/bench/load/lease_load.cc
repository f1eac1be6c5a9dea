#include "tests/bench/load/lease_load.h"

#include <thread>
#include <vector>

#include "athanor/v1/worker_service.grpc.pb.h"
#include "server/store/sqlite/sqlite_store.h"
#include "tests/bench/load/program.h"

namespace athanor::bench {
namespace {

// One worker with one slot.
class Leaser {
 public:
  Leaser(const ServerProcess& server, const LeaseLoadOptions& options, int number)
      : name_(options.worker_prefix + "-" + std::to_string(number)), channel_(server.Connect()) {
    RegisterWorker(channel_, name_, 1);
  }

  void RunCalls(MonotonicTime end) {
    const auto stub = v1::WorkerService::NewStub(channel_);
    while (Now() < end) {
      const MonotonicTime asked = Now();
      v1::AcquireResponse acquired;
      {
        grpc::ClientContext context;
        Check(stub->Acquire(&context, NextAcquire(), &acquired), "Acquire");
      }
      if (acquired.leases_size() != 1) Die("no trial to lease");
      grpc::ClientContext context;
      v1::FinishResponse finished;
      Check(stub->Finish(&context, FinishOf(acquired.leases(0)), &finished), "Finish");
      latencies_.Add(Now() - asked);
      ++finished_;
    }
  }

  void RunStream(MonotonicTime end) {
    grpc::ClientContext context;
    const auto stub = v1::WorkerService::NewStub(channel_);
    const auto stream = stub->Report(&context);
    v1::Lease lease;
    MonotonicTime asked{};
    for (uint64_t sequence = 1;; ++sequence) {
      const bool more = Now() < end;
      v1::ReportRequest request;
      request.set_worker(name_);
      request.set_incarnation(1);
      request.set_sequence(sequence);
      if (sequence > 1) *request.add_finishes() = FinishOf(lease);
      if (more) *request.mutable_acquire() = NextAcquire();
      const MonotonicTime sent = Now();
      v1::ReportResponse response;
      if (!stream->Write(request) || !stream->Read(&response)) Die("the stream ended early");
      if (sequence > 1) {
        if (response.verdicts_size() != 1 || response.verdicts(0).status_code() != 0) Die("a finish was refused");
        latencies_.Add(Now() - asked);
        ++finished_;
      }
      if (!more) break;
      if (response.leases_size() != 1) Die("no trial to lease");
      lease = response.leases(0);
      asked = sent;
    }
    stream->WritesDone();
    Check(stream->Finish(), "Report");
  }

  void AddTo(LeaseLoadResult& result) const {
    result.finished += finished_;
    result.latencies.Merge(latencies_);
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

  // INFEASIBLE needs no measurement: this measures leases.
  static v1::FinishRequest FinishOf(const v1::Lease& lease) {
    v1::FinishRequest request;
    *request.mutable_lease() = lease.ref();
    request.set_outcome(v1::ATTEMPT_OUTCOME_INFEASIBLE);
    return request;
  }

  const std::string name_;
  const std::shared_ptr<grpc::Channel> channel_;
  uint64_t acquires_ = 0;
  int64_t finished_ = 0;
  Latencies latencies_;
};

}  // namespace

LeaseLoadResult RunLeaseLoad(const ServerProcess& server, const LeaseLoadOptions& options) {
  std::vector<std::unique_ptr<Leaser>> leasers;
  for (int i = 0; i < options.workers; ++i) leasers.push_back(std::make_unique<Leaser>(server, options, i));
  const MonotonicTime start = Now();
  std::vector<std::thread> threads;
  for (const auto& leaser : leasers) {
    threads.emplace_back([&, leaser = leaser.get()] {
      if (options.kind == LeaseLoadKind::kCalls) {
        leaser->RunCalls(start + options.duration);
      } else {
        leaser->RunStream(start + options.duration);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  LeaseLoadResult result;
  result.seconds = std::chrono::duration<double>(Now() - start).count();
  for (const auto& leaser : leasers) leaser->AddTo(result);
  return result;
}

int64_t CountFinished(const std::string& database, const std::string& study) {
  SqliteOptions options;
  options.path = database;
  const auto store = OpenSqliteStore(options);
  if (!store.ok()) Die(std::string(store.status().message()));
  const auto ids = (*store)->LoadStudyIds();
  if (!ids.ok()) Die(std::string(ids.status().message()));
  for (const StudyId id : *ids) {
    const auto image = (*store)->LoadStudy(id);
    if (!image.ok()) Die(std::string(image.status().message()));
    if (image->study.spec.name != study) continue;
    int64_t finished = 0;
    for (const Trial& trial : image->trials) finished += IsFinished(trial.state) ? 1 : 0;
    return finished;
  }
  return 0;
}

}  // namespace athanor::bench
