// Opening a database file: connections with their settings.
#pragma once

#include "SQLiteCpp/SQLiteCpp.h"
#include "absl/status/statusor.h"
#include "server/store/sqlite/sqlite_store.h"

namespace athanor::sqlite {

// A file that is not there, or is empty, becomes a database of the latest schema; any other is checked before anything
// is written to it, and left as it is, byte for byte, if it is refused (schema.h says when, and DATA_LOSS if it is no
// database at all). Throws SQLite::Exception.
//
// WAL, synchronous=FULL: a transaction is on disk when its commit returns, at the price of one fsync. `options.path` is
// taken as it is.
absl::StatusOr<SQLite::Database> OpenForWriting(const SqliteOptions& options);

// The file exists and has the latest schema. Throws SQLite::Exception.
SQLite::Database OpenForReading(const SqliteOptions& options);

// While it lives, the connection keeps at most 2 MiB of pages in memory; then `cache_kib` again. For a pass over a
// whole study, of whose pages commits will ask for few: they would fill the cache for good. Never throws.
class SmallCache {
 public:
  SmallCache(SQLite::Database& database, int64_t cache_kib);
  ~SmallCache();
  SmallCache(const SmallCache&) = delete;
  SmallCache& operator=(const SmallCache&) = delete;

 private:
  SQLite::Database& database_;
  const int64_t cache_kib_;
};

}  // namespace athanor::sqlite
