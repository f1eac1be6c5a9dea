// Workers and the leases they hold: registration, heartbeat, finish, expiry. SEMANTICS section 3. Owner thread only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/coordinator/state.h"
#include "server/coordinator/transaction.h"

namespace athanor {

struct Registration {
  WorkerRecord worker;
  int32_t protocol_version = 0;
};
inline constexpr int32_t kProtocolVersion = 1;

// The step that an attempt goes on from, stated once, in its first report or in its finish.
struct AttemptStart {
  int64_t resumed_step = 0;
  Environment environment;
};

struct FinishOptions {
  LeaseRef lease;
  AttemptOutcome outcome = AttemptOutcome::kCompleted;  // kCompleted, kFailed, kInfeasible or kPreempted
  std::string reason = {};
  std::vector<Metric> final_metrics = {};
  std::optional<AttemptStart> start = {};
};

struct LiveProgress {
  LeaseRef lease;
  Progress progress;
};

struct HeartbeatAnswer {
  std::vector<LeaseRef> dead;
  std::vector<Command> commands;
};

class Leases {
 public:
  explicit Leases(State& state) : state_(state) {}

  // A new incarnation ends the leases of the old one. FAILED_PRECONDITION: another protocol version or option table
  // (names both), or a newer incarnation is registered; INVALID_ARGUMENT: no name or no slot. While nothing can be
  // written a registered incarnation may come back as what it was.
  absl::StatusOr<const WorkerInMemory*> Register(Transaction& tx, const Registration& registration);
  // The worker's stream is open: commands go there. A later stream replaces it. Returns its id for CloseStream.
  absl::StatusOr<uint64_t> OpenStream(const std::string& worker, uint64_t incarnation, CommandSink sink);
  void CloseStream(const std::string& worker, uint64_t stream);

  // Renews what is listed; a live lease of the worker that is unlisted twice in a row goes back to the queue.
  absl::StatusOr<HeartbeatAnswer> Heartbeat(Transaction& tx, const std::string& worker, uint64_t incarnation,
                                            const std::vector<LeaseRef>& listed,
                                            const std::vector<LiveProgress>& progress);

  // Ends an attempt; returns the trial's state. Repeating it with the same outcome changes nothing; FAILED_PRECONDITION
  // with another, when the lease is dead, or if a completed attempt never stated resumed_step; INVALID_ARGUMENT for an
  // outcome that a worker cannot state.
  absl::StatusOr<TrialState> Finish(Transaction& tx, const FinishOptions& options);

  // Checks `start` against what the attempt said before and applies it if this is the first time. FAILED_PRECONDITION
  // if the attempt has not stated it and `start` is absent, ALREADY_EXISTS if it stated another step.
  static absl::Status Start(Transaction& tx, LiveStudy& study, TrialNumber trial,
                            const std::optional<AttemptStart>& start);

  // NOT_FOUND for an unknown worker.
  absl::StatusOr<const WorkerInMemory*> Drain(Transaction& tx, const std::string& worker);
  absl::StatusOr<const WorkerInMemory*> Enable(Transaction& tx, const std::string& worker);

  // The coordinator stood still for so long and could hear nobody: every lease lives that much longer, though never
  // past its full duration from `now` on, and every worker counts as seen that much later.
  void Pardon(Duration standstill, MonotonicTime now);
  // Leases past their time, and preempted ones past their grace, end and go back to the queue.
  void Expire(Transaction& tx);
  // The trials of a paused study are told to stop and come back.
  void Preempt(Transaction& tx, LiveStudy& study);
  // It goes on: a lease that has not come back yet stays.
  static void StopPreempting(LiveStudy& study);

 private:
  void ReleaseAll(Transaction& tx, WorkerInMemory& worker, const std::string& reason);
  void Lose(Transaction& tx, const LeaseRef& lease, const std::string& reason);
  // Names of the metrics that count of a RUNNING trial, or "nothing".
  std::string ReportedMetrics(const LiveStudy& study, TrialNumber number) const;
  absl::StatusOr<WorkerInMemory*> FindByName(const std::string& name);
  absl::StatusOr<TrialState> RepeatedFinish(const Transaction& tx, const FinishOptions& options,
                                            const absl::Status& dead);

  State& state_;
  uint64_t next_stream_ = 1;
};

}  // namespace athanor
