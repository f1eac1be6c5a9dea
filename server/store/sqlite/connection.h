// Opening a database file: connections with their settings.
#pragma once

#include <cstdint>
#include <string>

#include "SQLiteCpp/SQLiteCpp.h"
#include "absl/status/statusor.h"

namespace athanor::sqlite {

// A file that is not there, or is empty, becomes a database of the latest schema; any other is checked before anything
// is written to it, and left as it is, byte for byte, if it is refused (schema.h says when, and DATA_LOSS if it is no
// database at all). Throws SQLite::Exception.
//
// WAL, synchronous=FULL: a transaction is on disk when its commit returns, at the price of one fsync. Waits up to 5 s
// for a lock held by another program (someone's sqlite3 shell); then SQLITE_BUSY.
//
// `cache_kib`: page cache. `max_bytes`: size at which writing fails as if the disk were full; 0 = no limit.
absl::StatusOr<SQLite::Database> OpenForWriting(const std::string& path, int64_t cache_kib, int64_t max_bytes);

// The file exists and has the latest schema. Throws SQLite::Exception.
SQLite::Database OpenForReading(const std::string& path);

}  // namespace athanor::sqlite
