// The early_stopping section of a study file.
#pragma once

#include "absl/status/status.h"
#include "athanor/v1/study.pb.h"
#include "base/yaml_reader.h"

namespace athanor {

// `method: none` leaves no method. Options of another method are refused as unknown keys; ranges are the coordinator's
// to check. INVALID_ARGUMENT as base/yaml_reader.h.
absl::Status ReadEarlyStopping(const YamlNode& node, v1::EarlyStopping* stopping);

}  // namespace athanor
