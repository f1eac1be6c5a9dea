// What the text of a scalar means: YAML's types, and durations. For yaml_reader.cc and for flags with the same grammar.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/value.h"

namespace athanor {

// The value of a scalar without quotes by the core schema of YAML 1.2 (section 10.3.2): bool, int, float or else
// string. If it spells a number that its type cannot hold: INVALID_ARGUMENT whose message is what would be accepted.
absl::StatusOr<Value> ResolveYamlScalar(const std::string& text);

// "250ms", "10s", "5m", "2h", "7d" or a bare "0", in milliseconds; nothing if it is not of this form or overflows.
std::optional<int64_t> ParseDurationMs(std::string_view text);

// "4096", "512KiB", "64MiB", "1GiB", "2TiB", in bytes; nothing if it is not of this form or overflows.
std::optional<int64_t> ParseByteCount(std::string_view text);

}  // namespace athanor
