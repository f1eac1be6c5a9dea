// Workers that take no time to be, and whose trials take virtual time: they call the coordinator's use cases as the
// wire's handlers do, and play back the runs of a task.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/coordinator/coordinator.h"
#include "server/simulate/event_queue.h"
#include "server/simulate/simulation.h"
#include "server/simulate/task.h"

namespace athanor {

// Told of every value at the moment at which a worker reports it.
class ValueSink {
 public:
  virtual ~ValueSink() = default;
  enum class Then { kGoOn, kStop };
  virtual Then OnValue(MonotonicTime at, double value) = 0;
};

struct ClusterTotals {
  int64_t leases = 0;
  int64_t verdicts = 0;
  Duration busy{};  // of workers with a live lease, summed
  Duration silent{};
};

// Drives one study from its first lease to its end. Not thread-safe.
//
// Operations gather in groups of kGroup, as on the owner thread under load; a group is committed before its memory
// grows and nothing waits for that, because nothing that a worker sees depends on where groups end.
class VirtualCluster {
 public:
  static constexpr int kGroup = 256;

  // All arguments must outlive it. `options.lease_units` is in force only through the coordinator's options.
  VirtualCluster(Coordinator& coordinator, Store& store, Play& play, ValueSink& sink, const SimulationOptions& options,
                 Duration unit);

  // Runs the study of `spec`, whose first trials are those enqueued, until it ends, `end` comes, or the sink has seen
  // enough. Once.
  absl::Status Run(StudySpec spec, const std::vector<Configuration>& enqueued, MonotonicTime end);

  // After Run.
  MonotonicTime now() const { return tx_.now.monotonic; }
  const LiveStudy& study() const { return *study_; }
  const ClusterTotals& totals() const { return totals_; }

 private:
  struct Worker {
    bool leased = false;
    bool silent = false;
    // Of the lease:
    LeaseRef lease;
    std::span<const RunPoint> run;
    int64_t resumed = 0;  // the step that it goes on from
    size_t first = 0;     // the point of `run` after it
    size_t next = 0;      // the point under way
    double slowness = 1;
    MonotonicTime start{};
    std::optional<MonotonicTime> lost_at;
    // For as long as it is there:
    std::string name;
    const WorkerInMemory* registered = nullptr;  // by the coordinator
    uint64_t sequence = 0;                       // of its last acquire
  };

  absl::Status Begin(StudySpec spec, const std::vector<Configuration>& enqueued);
  absl::Status Handle(const Event& event);
  // Whom the next events will happen to.
  void PrefetchNext() const;
  absl::Status OnStep(uint32_t index);
  absl::Status OnLost(uint32_t index);
  absl::Status OnExpired(uint32_t index);
  absl::Status ServeIdle();
  // Whether the coordinator had work for it.
  absl::StatusOr<bool> Acquire(uint32_t index);
  void StartRun(Worker& worker, const LeaseRef& lease);
  void ScheduleNext(uint32_t index);
  absl::Status Finish(Worker& worker);
  void Release(uint32_t index);
  absl::Status HeartbeatOthers();
  absl::Status Commit();
  void SetNow(MonotonicTime now);

  Coordinator& coordinator_;
  Store& store_;
  Play& play_;
  ValueSink& sink_;
  const SimulationOptions& options_;
  const Duration unit_;

  Transaction tx_;
  int in_group_ = 0;
  LiveStudy* study_ = nullptr;
  std::vector<Worker> workers_;
  std::deque<uint32_t> idle_;       // in the order in which they came
  std::vector<int64_t> resumable_;  // by trial: the step of its newest checkpoint
  EventQueue events_;
  TrialReport report_;  // reused, so that a step allocates nothing
  bool stopped_ = false;
  ClusterTotals totals_;
};

}  // namespace athanor
