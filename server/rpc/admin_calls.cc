#include "server/rpc/admin_calls.h"

#include <utility>

#include "base/status.h"
#include "server/rpc/convert_value.h"
#include "server/rpc/convert_worker.h"
#include "server/rpc/fingerprint.h"
#include "server/rpc/paging.h"

namespace athanor {
namespace {

v1::ServerStatus Count(const State& state, MonotonicTime now) {
  v1::ServerStatus status;
  status.set_studies(static_cast<int64_t>(state.studies.size()));
  int64_t active = 0, trials = 0, running = 0, online = 0;
  for (const auto& [id, study] : state.studies) {
    active += study->record().state == StudyState::kActive ? 1 : 0;
    trials += static_cast<int64_t>(study->trials().size());
    running += study->Count(TrialState::kRunning);
  }
  for (const auto& [name, worker] : state.workers) online += state.IsOnline(worker, now) ? 1 : 0;
  status.set_active_studies(active);
  status.set_trials(trials);
  status.set_running_trials(running);
  status.set_workers_online(online);
  return status;
}

}  // namespace

void AdminCalls::ListWorkers(const v1::ListWorkersRequest& request, Done<v1::ListWorkersResponse> done) {
  const absl::StatusOr<int64_t> size = PageSize(request.page_size());
  if (!size.ok()) return done(size.status());
  const std::string fingerprint = ListFingerprint(request);
  std::string after;
  if (!request.page_token().empty()) {
    absl::StatusOr<std::string> position = ReadTextPosition(request.page_token(), fingerprint);
    if (!position.ok()) return done(position.status());
    after = *std::move(position);
  }
  context_.owner.Submit<v1::ListWorkersResponse>(
      [this, limit = *size, after, fingerprint](Transaction& tx) -> absl::StatusOr<v1::ListWorkersResponse> {
        const State& state = context_.coordinator.state();
        v1::ListWorkersResponse response;
        for (auto worker = state.workers.upper_bound(after); worker != state.workers.end(); ++worker) {
          if (response.workers_size() == limit) {
            const std::string& last = response.workers(response.workers_size() - 1).name();
            response.set_next_page_token(MakePageToken(last, fingerprint));
            break;
          }
          *response.add_workers() = ToProto(state, worker->second, tx.now.monotonic);
        }
        return response;
      },
      std::move(done));
}

void AdminCalls::ChangeWorker(const v1::ChangeWorkerRequest& request, const char* method, Change change,
                              Done<v1::Worker> done) {
  context_.owner.Submit<v1::Worker>(
      [this, change, name = request.name(),
       key = KeyOf(method, request)](Transaction& tx) -> absl::StatusOr<v1::Worker> {
        Coordinator& coordinator = context_.coordinator;
        ATHANOR_ASSIGN_OR_RETURN(const auto before, coordinator.state().FindRequest(key));
        if (before.has_value()) {
          const auto worker = coordinator.state().workers.find(name);
          if (worker != coordinator.state().workers.end()) {
            return ToProto(coordinator.state(), worker->second, tx.now.monotonic);
          }
        }
        ATHANOR_ASSIGN_OR_RETURN(const WorkerInMemory* worker, (coordinator.leases().*change)(tx, name));
        coordinator.state().RememberRequest(tx, key, 0, std::nullopt);
        return ToProto(coordinator.state(), *worker, tx.now.monotonic);
      },
      std::move(done));
}

void AdminCalls::DrainWorker(const v1::ChangeWorkerRequest& request, Done<v1::Worker> done) {
  ChangeWorker(request, "DrainWorker", &Leases::Drain, std::move(done));
}

void AdminCalls::EnableWorker(const v1::ChangeWorkerRequest& request, Done<v1::Worker> done) {
  ChangeWorker(request, "EnableWorker", &Leases::Enable, std::move(done));
}

void AdminCalls::GetServerStatus(Done<v1::ServerStatus> done) {
  context_.owner.Submit<v1::ServerStatus>(
      [this](Transaction& tx) -> absl::StatusOr<v1::ServerStatus> {
        v1::ServerStatus status = Count(context_.coordinator.state(), tx.now.monotonic);
        status.set_checkpoint_quota_bytes(context_.coordinator.state().options.checkpoint_quota_bytes);
        status.set_uptime_ms(ToMs(tx.now.monotonic - context_.started));
        return status;
      },
      [this, done = std::move(done)](absl::StatusOr<v1::ServerStatus> counted) {
        if (!counted.ok()) return done(counted.status());
        AnswerFromStore<v1::ServerStatus>(
            context_, done, [this, status = *std::move(counted)]() mutable -> absl::StatusOr<v1::ServerStatus> {
              ATHANOR_ASSIGN_OR_RETURN(const StoreSize size, context_.store.ReadSize());
              const OwnerStatistics owner = context_.owner.statistics();
              status.set_version(context_.version);
              status.set_database(size.path);
              status.set_database_bytes(size.bytes);
              status.set_schema_version(size.schema_version);
              status.set_checkpoint_bytes(context_.files.bytes());
              status.set_integrity(context_.integrity());
              if (const absl::StatusOr<DiskSpace> disk = context_.files.Space(); disk.ok()) {
                status.set_disk_free_bytes(disk->free_bytes);
                status.set_disk_total_bytes(disk->total_bytes);
              }
              status.set_log_bytes(context_.logs.bytes());
              status.set_artifact_bytes(context_.artifacts.bytes());
              status.set_commits(owner.commits);
              status.set_operations(owner.operations);
              status.set_commit_p50_ms(owner.commit_p50_ms);
              status.set_commit_p99_ms(owner.commit_p99_ms);
              status.set_queued_operations(owner.queued);
              status.set_write_error(owner.write_error);
              return std::move(status);
            });
      });
}

}  // namespace athanor
