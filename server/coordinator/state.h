// Everything the coordinator holds in memory, and the options it runs by. Use cases work on it; none of them owns any
// of it. Owner thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "server/coordinator/live_study.h"
#include "server/coordinator/worker_table.h"
#include "server/store/store.h"

namespace athanor {

struct CoordinatorOptions {
  Duration lease = std::chrono::seconds(30);           // life of a lease after its last renewal
  Duration heartbeat = std::chrono::seconds(10);       // what workers are told
  Duration long_poll = std::chrono::seconds(30);       // longest wait of an acquire
  Duration preempt_grace = std::chrono::seconds(60);   // after a study's pause, its leases end
  Duration probe_interval = std::chrono::minutes(10);  // a worker that failed too often is tried so often
  int64_t checkpoint_quota_bytes = 0;                  // what checkpoints of all studies may take; 0 = no limit
  int max_leases_per_acquire = 64;
  int max_waiting_acquires = 100'000;
  SearchMethodFactory create_search = CreateSearchMethod;  // a simulation puts its own around it
};

// What a worker needs to run a lease.
struct LeaseGrant {
  LeaseRef ref;
  std::string study_name;
  NamedValues options;  // fixed and tuned, merged
  uint64_t seed = 0;
  Resource resource = Resource::kEpoch;
  int64_t until_step = 0;
  std::vector<int64_t> hold_at;
  bool pauses_at_hold = false;
  std::vector<Checkpoint> checkpoints;  // newest first
  int64_t checkpoint_interval_ms = 0;
  int64_t stall_timeout_ms = 0;
  Objective objective;
  int64_t elapsed_ms = 0;
  bool final_checkpoint = false;  // the trainer is to save the end
};

// A client call that must have one effect however often it arrives.
struct RequestKey {
  std::string id;  // empty: no protection asked for
  std::string method;
  std::string fingerprint;
};

struct State {
  State(Store& store, CoordinatorOptions options) : store(store), options(options) {}

  Store& store;
  const CoordinatorOptions options;

  std::map<StudyId, std::unique_ptr<LiveStudy>> studies;
  std::unordered_map<std::string, StudyId> by_name;
  WorkerTable workers;
  StudyId next_study = 1;
  Token next_token = 1;
  // Requests of the running group, not yet in the store.
  std::map<std::string, RequestRecord> pending_requests;

  // Reads everything from the store: `now` starts every lease anew.
  absl::Status Load(MonotonicTime now);
  // Forgets what a failed group did to the studies and workers that it touched, and reads them again. What cannot be
  // read is tried again by RetryBroken, once a second at most; until then such a study is left out of memory.
  void Rebuild(const Transaction& tx);
  void RetryBroken(MonotonicTime now);
  std::set<StudyId> broken;
  std::set<std::string> broken_workers;

  // By id or name. NOT_FOUND naming it; UNAVAILABLE while it cannot be read.
  absl::StatusOr<LiveStudy*> FindStudy(const std::string& id_or_name);
  // As FindStudy; a name of digits is no id.
  absl::StatusOr<LiveStudy*> FindStudy(StudyId id);
  // NOT_FOUND naming study and trial.
  static absl::Status CheckTrial(const LiveStudy& study, TrialNumber number);
  // The study of a live lease. FAILED_PRECONDITION naming trial and token if it is not the live one.
  absl::StatusOr<LiveStudy*> FindLease(const LeaseRef& lease);
  // FAILED_PRECONDITION if an older incarnation speaks; NOT_FOUND if it must register first.
  absl::StatusOr<WorkerInMemory*> FindWorker(const std::string& name, uint64_t incarnation);
  // As FindWorker, for a call of the worker: it spoke, so it is online.
  absl::StatusOr<WorkerInMemory*> HearFrom(const std::string& name, uint64_t incarnation, const Now& now);
  bool IsOnline(const WorkerInMemory& worker, MonotonicTime now) const {
    return now - worker.last_seen < options.lease;
  }
  // Whether the study's trials may go to the worker: it is online, enabled, offers what they need and has not failed
  // too often with them. A probe apart.
  bool MayRun(const WorkerInMemory& worker, const LiveStudy& study, MonotonicTime now) const;

  // What an earlier call with this id did; nothing if this is the first. INVALID_ARGUMENT if the id came with another
  // request.
  absl::StatusOr<std::optional<RequestRecord>> FindRequest(const RequestKey& key);
  void RememberRequest(Transaction& tx, const RequestKey& key, StudyId study, std::optional<TrialNumber> trial,
                       int64_t position = 0, std::vector<CollectedCheckpoint> collected = {});

 private:
  absl::Status ReadBrokenWorkers();
  // Tries all that is broken once. Not OK: why some of it still is.
  absl::Status ReadBroken(MonotonicTime now);
  absl::Status LoadStudy(StudyId id, MonotonicTime now);
  // From the live attempts of all studies: what each worker holds, and its last acquire as far as they tell.
  void IndexLeases();
  // Of workers that are taken off something and have no probe to come.
  void ScheduleProbes(MonotonicTime now);

  MonotonicTime next_retry_{};
};

}  // namespace athanor
