// One spdlog set-up for every program: lines on stderr, as text or as JSON objects.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace athanor {

enum class LogFormat { kText, kJson };

struct LogOptions {
  LogFormat format = LogFormat::kText;
  std::string level = "info";  // trace, debug, info, warn, error, off
};

// Installs spdlog's default logger. Call once, in main, before threads start. INVALID_ARGUMENT on an unknown level.
// JSON lines hold time (RFC 3339, UTC), level, thread and message.
absl::Status InitLogging(const LogOptions& options);

}  // namespace athanor
