// The workers that the coordinator knows, and what each of them holds: those that are in the store, from Load on, and
// those that registered since. Which of them are online is not kept but follows from `last_seen` (State).
//
// Rows: `record` is what the store holds of a worker; whoever changes it also appends a PutWorker to the transaction.
// The rest is memory alone and is built anew after a start: leases from the attempts that are live, streams when
// workers open them.
//
// Threads: owner thread only, as everything of State.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "base/clock.h"
#include "boost/container/flat_set.hpp"
#include "server/core/ids.h"
#include "server/store/store.h"

namespace athanor {

// This worker holds this trial under this token: what workers name a lease by, and what commands name. Whether it is
// live is for State::FindLease to say.
struct LeaseRef {
  StudyId study = 0;
  TrialNumber trial = 0;
  Token token = 0;
  auto operator<=>(const LeaseRef&) const = default;
};

// What a worker is to do with a lease, or with all of its own; COMMAND_KIND_* in worker_service.proto.
enum class CommandKind {
  kStop,     // the lease is dead: stop at once, report nothing more
  kPreempt,  // checkpoint, upload, hand the lease back
  kDrain,    // kPreempt for every lease, and take no more
};

// Pushed to a worker without waiting for a report, after the commit of what caused it. kDrain names no lease. A command
// that is lost with its stream is not sent again: heartbeats name dead leases and repeat the others.
struct Command {
  CommandKind kind = CommandKind::kStop;
  LeaseRef lease;
};
// Must not block, and may outlive the stream that it writes to.
using CommandSink = std::function<void(const Command&)>;

struct WorkerInMemory {
  WorkerRecord record;
  MonotonicTime last_seen{};  // of any call under its newest incarnation; record.last_seen is the wall clock's
  boost::container::flat_set<LeaseRef> held;  // few: as many as it has slots, and those that are being handed back
  std::optional<MonotonicTime> next_probe;    // of a worker that was taken off a study or quarantined
  uint64_t acquire_sequence = 0;  // of the last acquire: the leases it was given carry it, so a repeat gets them again
  // The open report stream; empty without one. `stream` tells a new one from the one it replaced.
  CommandSink sink;
  uint64_t stream = 0;
};

// A map by name that also finds a name in O(1), because every call of a worker asks for its own several times; a table
// of 100,000 workers is walked in order of name all the same, so that nothing depends on hashes. Changes are O(log n).
//
// References and iterators to a worker hold until it is erased, whatever is added or erased beside it.
class WorkerTable {
  using Map = std::map<std::string, WorkerInMemory>;

 public:
  using value_type = Map::value_type;
  using iterator = Map::iterator;
  using const_iterator = Map::const_iterator;

  WorkerTable() = default;
  WorkerTable(const WorkerTable&) = delete;  // the index refers into the map
  WorkerTable& operator=(const WorkerTable&) = delete;

  // end() if it is not there.
  iterator find(std::string_view name);
  const_iterator find(std::string_view name) const;
  // The worker must be there.
  const WorkerInMemory& at(std::string_view name) const { return find(name)->second; }
  // Creates it if it is not there.
  WorkerInMemory& operator[](const std::string& name);
  // No-op if it is not there.
  void erase(const std::string& name);

  // In order of name.
  iterator begin() { return by_name_.begin(); }
  iterator end() { return by_name_.end(); }
  const_iterator begin() const { return by_name_.begin(); }
  const_iterator end() const { return by_name_.end(); }
  // The first whose name is greater: where a page of a list goes on.
  const_iterator upper_bound(const std::string& name) const { return by_name_.upper_bound(name); }
  size_t size() const { return by_name_.size(); }
  bool empty() const { return by_name_.empty(); }

 private:
  Map by_name_;
  absl::flat_hash_map<std::string_view, iterator> index_;  // its keys are those of by_name_
};

}  // namespace athanor
