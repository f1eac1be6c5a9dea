// What people ask of a large study, and how long they wait for it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/load/latencies.h"
#include "tests/bench/load/server_process.h"

namespace athanor::bench {

// Runs the client program with `arguments` so many times, one after the other: each sample is a whole process, from its
// start to its end. Exits with a message if it fails.
Latencies TimeVerb(const std::string& client, const ServerProcess& server, const std::vector<std::string>& arguments,
                   int repeats);

// GetCurve of one trial with at most so many points, over one connection. Exits with a message unless it gives exactly
// so many.
Latencies TimeCurve(const ServerProcess& server, const std::string& study, int64_t trial, int points, int repeats);

}  // namespace athanor::bench
