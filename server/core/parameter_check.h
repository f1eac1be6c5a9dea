// What one declared parameter must be by itself, and words for what it takes.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "server/core/search_space.h"

namespace athanor {

// INVALID_ARGUMENT "parameters.NAME" + `key` + ": " + `why`. `key` is empty or starts with a dot: ".min".
absl::Status RefuseParameter(const Parameter& parameter, const std::string& key, const std::string& why);

// INVALID_ARGUMENT "parameters.NAME.key: value is ...; want ..." on everything about the parameter that is wrong
// without looking at others.
absl::Status CheckParameter(const Parameter& parameter);

// "float in [0.0001, 1.0]", "int in [8, 64] by 8", "one of sgd, adam".
std::string DescribeValues(const Parameter& parameter);

// "optimizer in [sgd, adam] and ..."; the conditions under which it is active. "no condition" without any.
std::string DescribeConditions(const Parameter& parameter);

// A bound or step of the parameter as people wrote it: without a fraction for ints.
std::string NumberText(const Parameter& parameter, double number);

}  // namespace athanor
