// From what SQLite says to what the store says. The only place that knows SQLite's codes.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include "SQLiteCpp/SQLiteCpp.h"
#include "absl/status/status.h"

namespace athanor::sqlite {

// RESOURCE_EXHAUSTED: disk full, quota used up, database at its size limit, out of memory. UNAVAILABLE: I/O error,
// locked, read-only or unopenable. DATA_LOSS: corrupt or no database. ALREADY_EXISTS, NOT_FOUND: a key that is there, a
// parent that is not. INTERNAL: the rest. The message starts with `path`.
absl::Status ToStatus(const SQLite::Exception& error, const std::string& path);

// Runs `body`, which returns absl::Status or absl::StatusOr, and turns what SQLite and the reading of its rows throw
// into a status.
template <typename Body>
auto Guarded(const std::string& path, Body&& body) -> decltype(body()) {
  try {
    return std::forward<Body>(body)();
  } catch (const SQLite::Exception& error) {
    return ToStatus(error, path);
  } catch (const std::out_of_range&) {
    return absl::DataLossError(path + ": a row refers to a parameter that its study does not have");
  }
}

}  // namespace athanor::sqlite
