// One connection to a worker: reads messages, trains what it is told, answers.
#pragma once

#include <string>

namespace athanor {

// Speaks the trainer protocol until the end of input or `exit`, then leaves the process with status 0, whatever is
// training: what was saved is saved, and half a step is of no use to anyone. Leaves it with status 2 and a line on
// stderr if the other side breaks the protocol.
//
// Threads: the calling one only reads messages, so that a `stop` arrives whatever else goes on; a second one trains and
// writes, and waits while the worker does not read. Commands for a trial that has ended are dropped.
[[noreturn]] void RunSession(int read_descriptor, int write_descriptor, const std::string& version);

}  // namespace athanor
