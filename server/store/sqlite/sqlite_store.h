// The SQLite store: one file, WAL, synchronous=FULL, one connection that writes and one that reads.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/store/store.h"

namespace athanor {

struct SqliteOptions {
  std::string path;
  int64_t cache_kib = 65536;  // page cache of the writing connection
};

// Opens or creates the file and brings its schema up to date, each migration in one transaction. Errors: FAILED_PRECONDITION if the
// schema is newer than this program or another coordinator holds the file; DATA_LOSS if it is no SQLite database or is corrupt;
// UNAVAILABLE if it cannot be opened (names path and cause).
absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const SqliteOptions& options);

}  // namespace athanor
