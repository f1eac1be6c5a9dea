// What the worker still has to tell the coordinator: measurements and ends of attempts, in order, kept until they are
// acknowledged.
//
// Every request taken out carries the next sequence number of the stream. An acknowledgement is cumulative. When the
// stream breaks, everything unacknowledged is queued again in its old order, and numbers start again at 1: the
// coordinator treats what it has already stored as repetitions.
//
// Bounded: at `capacity` measurements, those without an objective value ("training only") are thinned, oldest first, as
// long as the same lease has a later measurement queued; objective values are never given up. When nothing more can be
// thinned the queue is full, and its owner must stop reading the trainers. Ends of attempts always fit: there is one a
// lease.
//
// Pure: no clock, no I/O, no thread. O(log leases) a call, except thinning, which is linear and paid for by as many
// Adds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "athanor/v1/worker_service.pb.h"
#include "worker/session/lease_key.h"

namespace athanor::session {

enum class MeasurementKind { kTrainingOnly, kObjective };

// What the first message of an attempt states.
struct AttemptOpening {
  int64_t resumed_step = 0;
  v1::Environment environment;
};

class ReportQueue {
 public:
  struct Options {
    size_t capacity = 20000;         // measurements, in flight included
    size_t max_request_items = 500;  // measurements and ends in one request
    size_t max_in_flight = 32;       // requests not yet acknowledged
  };

  explicit ReportQueue(const Options& options) : options_(options) {}

  // `opening`: of the first message of the attempt.
  void AddMeasurement(const LeaseKey& lease, v1::Measurement measurement, MeasurementKind kind,
                      std::optional<AttemptOpening> opening);
  // After it, nothing more of this lease may be added.
  void AddFinish(v1::FinishRequest finish);
  // Sent with the next request, once; a newer one replaces it. Never resent.
  void SetProgress(const LeaseKey& lease, v1::Progress progress);
  // Forgets what is queued of a lease that is dead.
  void Drop(const LeaseKey& lease);

  // The next request to write, `sequence` set; nothing if there is nothing to say or too much is unacknowledged. The
  // first of a stream is given even if there is nothing to say, because it introduces the worker.
  std::optional<v1::ReportRequest> Take();
  // Returns the leases whose finish this acknowledges. A number never sent is ignored.
  std::vector<LeaseKey> Acknowledge(uint64_t sequence);
  // Whether a measurement of the lease with a step up to this one is not acknowledged yet. O(queue).
  bool Owes(const LeaseKey& lease, int64_t step) const;
  // The stream broke.
  void Rewind();

  // True while no further measurement should be added.
  bool full() const { return measurements_ >= options_.capacity; }
  // True if no measurement and no end of an attempt waits to be sent or acknowledged; progress does not count.
  bool empty() const;
  size_t measurements() const { return measurements_; }

 private:
  struct Item {
    LeaseKey lease;
    // Exactly one of the two.
    std::optional<v1::Measurement> measurement;
    std::optional<v1::FinishRequest> finish;
    MeasurementKind kind = MeasurementKind::kObjective;
    std::optional<AttemptOpening> opening;
  };
  struct Request {
    uint64_t sequence = 0;
    std::vector<Item> items;
  };

  void Thin();

  Options options_;
  std::deque<Item> pending_;
  std::deque<Request> in_flight_;
  std::map<LeaseKey, v1::Progress> progress_;
  size_t measurements_ = 0;
  uint64_t next_sequence_ = 1;
};

}  // namespace athanor::session
