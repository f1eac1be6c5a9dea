// The memory of a coordinator as text, to compare two of them.
#pragma once

#include <string>

#include "server/coordinator/state.h"

namespace athanor::testing {

// Every fact of studies, trials, leases, rungs, checkpoints and workers that is durable or derived from durable ones.
// Left out is what lives in memory only: expiry times, progress, streams, the next token.
std::string StateText(const State& state);

}  // namespace athanor::testing
