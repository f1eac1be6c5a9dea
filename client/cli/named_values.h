// NAME=VALUE words of the command line.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "athanor/v1/study.pb.h"

namespace athanor::cli {

// "momentum=0.9" with the value typed as in a study file: 1 is an int, 1.0 a float, true a bool, '"1"' (with the
// quotes) a string. INVALID_ARGUMENT naming the word that is not of this form or the name given twice.
absl::StatusOr<std::vector<v1::NamedValue>> ParseNamedValues(const std::vector<std::string>& words);

}  // namespace athanor::cli
