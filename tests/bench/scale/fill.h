// Databases of large studies that have been running for long, written through the Store interface.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace athanor::bench {

struct FillOptions {
  int64_t trials = 1'000'000;   // all COMPLETED, one attempt each
  int64_t steps = 20;           // measurements a trial, of one metric
  int64_t long_curve = 10'000;  // measurements of trial 0
};

// The name of the one study in the file. It is ACTIVE and has a budget left; random search over 6 parameters of all
// types, no early stopping.
inline constexpr char kFilledStudy[] = "filled";

// Writes a new file, of facts that the coordinator could have written: `athanor-server check` finds it sound. Errors
// are those of the store; a file that is there already is one.
absl::Status FillDatabase(const std::string& path, const FillOptions& options);

}  // namespace athanor::bench
