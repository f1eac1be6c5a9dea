// A network that fails on demand: a TCP proxy between a loopback port of its own and a target, for tests that run real
// programs.
//
// Faults belong to a direction and to every connection, open or still to come, until Heal():
//   Delay    bytes arrive so much later
//   Limit    bytes arrive at so many a second
//   Hold     bytes wait and arrive after Heal, as TCP's retransmissions do when a partition ends
//   Swallow  bytes are lost while the connection stays: half-open. A connection that lost bytes in a direction never
//            carries any in that direction again, as when a router forgot it; connections made after Heal are sound.
// The end of a connection travels like bytes: it is delayed, held or swallowed too, so a peer behind a partition does
// not learn that the other one died. Several faults add up; Swallow comes first.
//
// It forwards bytes and knows no messages, so it duplicates none: HTTP/2 would take a repeated frame for an attack.
// Repeated and reordered calls are made by the callers that test them (tests/integration/repeats_test.cc).
//
// Threads: an own thread forwards; every member may be called from any thread. Each blocks until the fault is in force.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"

namespace athanor::testing {

class FaultProxy {
 public:
  enum class Direction { kToTarget, kFromTarget };

  // What happened so far, over all connections.
  struct Statistics {
    int64_t accepted = 0;   // connections
    int64_t open = 0;       // connections of which an end is still to be passed on
    int64_t waiting = 0;    // bytes taken and not yet passed on: delayed, held, or on their way
    int64_t swallowed = 0;  // bytes
  };

  // Forwards to `target`, "127.0.0.1:7077", from a free loopback port. A target that refuses shows as a connection that
  // is closed at once. Throws std::runtime_error if `target` is malformed or no port can be had.
  explicit FaultProxy(const std::string& target);
  ~FaultProxy();

  // Where to connect: "127.0.0.1:PORT".
  const std::string& address() const { return address_; }

  void Delay(Direction direction, Duration delay);
  // bytes_per_second >= 1; in steps of at most 4 KiB.
  void Limit(Direction direction, int64_t bytes_per_second);
  void Hold(Direction direction);
  void Swallow(Direction direction);
  // Connections made from now on are refused by the system; open ones stay.
  void Refuse();
  // Ends every fault above.
  void Heal();

  // Every open connection ends now, both ways: with RST, or in order with FIN. What was still waiting is lost.
  void Reset();
  void Close();

  Statistics statistics() const;

 private:
  struct Core;

  std::unique_ptr<Core> core_;
  std::string address_;
};

}  // namespace athanor::testing
