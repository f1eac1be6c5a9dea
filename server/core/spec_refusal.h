// How a study spec is refused: the key path of the study file, the offending value, what would be accepted.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace athanor {

// INVALID_ARGUMENT "early_stopping.patience: -1 is too small; want int >= 0". `why` starts with a verb.
inline absl::Status Refuse(const std::string& path, const std::string& value, const std::string& why) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", value, " ", why));
}

// As Refuse, unless min <= value <= max.
inline absl::Status CheckInt(const std::string& path, int64_t value, int64_t min,
                             int64_t max = std::numeric_limits<int64_t>::max()) {
  if (value >= min && value <= max) return absl::OkStatus();
  if (max == std::numeric_limits<int64_t>::max()) {
    return Refuse(path, absl::StrCat(value), absl::StrCat("is too small; want int >= ", min));
  }
  return Refuse(path, absl::StrCat(value), absl::StrCat("is out of range; want int in [", min, ", ", max, "]"));
}

}  // namespace athanor
