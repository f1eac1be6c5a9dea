// The SQLite store: one file, one connection that writes and one that reads.
//
// Durability: write-ahead log with synchronous=FULL. What Commit answered survives the end of the process and a power
// cut at any moment after.
//
// Ownership: one process at a time. An flock on FILE.lock is held while the store is open and goes with the process, so
// a crash leaves nothing to clean up. Symbolic links are resolved first, so that two names of one file are one lock.
// The lock file itself stays. Other programs may read the file meanwhile (SQLite's own locks keep them apart) and must
// not write to it.
//
// Schema: migrations/*.sql, compiled in; the file's `user_version` is the number of the last one applied, its
// `application_id` says that it is ours. The comments in the migrations are its reference.
//
// Threads: as store.h says. Reads run on a connection of their own, one at a time, and neither wait for commits nor
// hold them up.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "base/fault_hook.h"
#include "server/store/sqlite/migrations.h"
#include "server/store/store.h"

namespace athanor {

struct SqliteOptions {
  std::string path;
  int64_t cache_kib = 65536;   // page cache of the writing connection
  int64_t max_bytes = 0;       // of the database file; a commit that needs more is RESOURCE_EXHAUSTED. 0 = no limit
  int busy_timeout_ms = 5000;  // how long a call waits for a lock that another program holds, before it is UNAVAILABLE
  // A file up to so many bytes has every page checked when it is opened, which takes 0.1 s; of a larger one, header and
  // schema. What lies beyond is found by the check of the whole file (operations/).
  int64_t check_pages_up_to = int64_t{64} << 20;
  std::span<const sqlite::Migration> migrations = {};  // empty: those compiled in; others are for tests
  FaultHook faults = {};
};

// Opens or creates the file and brings its schema up to date, in one transaction: an upgrade that fails leaves the file
// to the program that wrote it.
//
// Errors, all naming the path and the cause: FAILED_PRECONDITION if the schema is newer than this program, another
// coordinator holds the file, or it is another program's database. DATA_LOSS if it is no SQLite database, truncated or
// corrupt (check_pages_up_to says how far that is looked at); such a file is left as it is, byte for byte. NOT_FOUND if
// its directory does not exist. UNAVAILABLE if it cannot be opened or written. RESOURCE_EXHAUSTED if the disk is full.
absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const SqliteOptions& options);

// Whether the process that last wrote to the file ended without closing it: a log with content lies beside it. To be
// asked before the file is opened.
bool WasLeftOpen(const std::string& path);

}  // namespace athanor
