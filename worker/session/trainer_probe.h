// Asks a trainer program what it is before any trial depends on it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "worker/session/trainer_protocol.h"

namespace athanor::session {

// Starts the trainer, returns its hello and ends it. Runs `io`, which must have no other work, and so blocks, at most
// for `timeout`. INTERNAL if it cannot be started; FAILED_PRECONDITION, with the last lines of its log, if it exits,
// says something else first or speaks another protocol version; DEADLINE_EXCEEDED if it says nothing in time.
absl::StatusOr<HelloMessage> ProbeTrainer(boost::asio::io_context& io, const std::vector<std::string>& command,
                                          Duration timeout);

}  // namespace athanor::session
