// What `athanor simulate` compares, from the command line and from study files.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "server/simulate/policy.h"

namespace athanor::cli {

// A policy in the study file's own words: the inside of a YAML map with the keys `search`, `early_stopping` and
// `budget`, and `name`, by which tables call it (default: method and rule). Without `search` random; `proposals` says
// what stands for it then. `finalists` is 0 unless given, as figures in the literature have it. INVALID_ARGUMENT on
// anything else.
absl::StatusOr<Policy> ParsePolicy(const std::string& text, Proposals without_search);

// Search, early stopping and budget of a study file; the name is the study's. Errors as ReadStudyFile.
absl::StatusOr<Policy> ReadPolicyFile(const std::string& path);

}  // namespace athanor::cli
