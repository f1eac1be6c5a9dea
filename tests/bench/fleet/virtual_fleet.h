// Any number of workers in virtual time before a real coordinator: its owner, its use cases and its SQLite store.
//
// What workers send arrives when it would arrive, and queues before the owner as it would: a group is served in the
// processor time that it really took this machine, plus a fixed time for the disk, and what arrives meanwhile is the
// next group. So the queue shows whether the coordinator keeps up, with a hundred thousand workers on one small
// machine. Not in the picture: gRPC, whose threads work beside the owner, and the network.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "base/random.h"
#include "server/coordinator/coordinator.h"
#include "server/coordinator/owner.h"

namespace athanor::bench {

struct FleetOptions {
  int workers = 100'000;
  Duration report_every = std::chrono::seconds(10);  // a worker that trains; more or less by a half
  Duration disk = std::chrono::milliseconds(1);      // a commit's wait for it
};

// What happened in a stretch of virtual time.
struct FleetStretch {
  double seconds = 0;
  int64_t operations = 0;
  int64_t leases = 0;
  int64_t refused = 0;        // the queue was full; the worker tries again after a second
  int64_t largest_queue = 0;  // operations that waited while the owner was busy
  double processor = 0;       // share of the time that the owner thread computed
  // From an operation's arrival to the end of its group, milliseconds.
  double p50_ms = 0, p99_ms = 0, longest_ms = 0;
};

// Not thread-safe; the owner runs on the calling thread.
class VirtualFleet {
 public:
  // `store` is empty, and outlives it.
  VirtualFleet(Store& store, const FleetOptions& options);

  // Workers that are not there yet register within `ramp` and ask for work; then time passes until `length` is over.
  FleetStretch Start(Duration ramp, Duration length);
  // A study without end: `asha` over random search.
  void CreateStudy();
  // Lets time pass.
  FleetStretch Run(Duration length);
  // The coordinator is not to be reached for that long: what falls due comes within `reconnect` after it.
  FleetStretch RunWithOutage(Duration outage, Duration reconnect, Duration length);

 private:
  class VirtualClock final : public Clock {
   public:
    Now Read() const override;
    MonotonicTime now{};
  };
  enum class Call { kRegister, kAcquire, kReport, kFinish, kHeartbeat, kTick };
  struct Event {
    MonotonicTime at{};
    uint64_t sequence = 0;
    uint32_t worker = 0;
    Call call = Call::kTick;
    bool operator>(const Event& other) const { return at > other.at || (at == other.at && sequence > other.sequence); }
  };
  using Queue = std::priority_queue<Event, std::vector<Event>, std::greater<>>;
  struct Worker {
    std::string name;
    uint64_t sequence = 0;
    std::optional<LeaseRef> lease;
    int64_t step = 0;
    int64_t until = 0;
    bool has_reported = false;
  };

  void Push(Duration delay, uint32_t worker, Call call);
  // Hands the call over to the owner, or has it come again later.
  void Arrive(const Event& event);
  Owner::Reply Apply(Transaction& tx, uint32_t worker, Call call);
  Owner::Reply Report(Transaction& tx, uint32_t worker);
  void OnLeases(uint32_t worker, const absl::StatusOr<Grants>& grants);
  void OnVerdict(uint32_t worker, const Verdict& verdict);
  void ServeGroup();
  FleetStretch Pass(Duration length);

  Store& store_;
  const FleetOptions options_;
  VirtualClock clock_;
  Coordinator coordinator_;
  Owner owner_;
  Random random_{1};

  Queue events_;
  uint64_t next_sequence_ = 0;
  std::vector<Worker> workers_;
  std::vector<int64_t> resumable_;      // by trial: the step that it was paused at
  std::deque<MonotonicTime> arrivals_;  // of what is queued, in order
  MonotonicTime free_at_{};             // the owner's
  std::optional<MonotonicTime> away_until_;
  Duration reconnect_{};
  FleetStretch stretch_;
  Duration processor_{};
  std::vector<double> waits_ms_;
};

}  // namespace athanor::bench
