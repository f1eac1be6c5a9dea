// Whether a file is a sound database of ours, and bringing it up to the schema of this program.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "SQLiteCpp/SQLiteCpp.h"
#include "absl/status/status.h"
#include "base/fault_hook.h"
#include "server/store/sqlite/migrations.h"

namespace athanor::sqlite {

// In the header of every database of ours: "Athn".
inline constexpr int32_t kApplicationId = 0x4174686e;

// The version that this program writes.
int32_t LatestSchemaVersion();

// The version of a database; 0 if it has no schema yet. Throws SQLite::Exception.
int64_t SchemaVersion(SQLite::Database& database);

// Looks at the header and the schema of a database that may be anything, and writes nothing. OK for an empty database.
// FAILED_PRECONDITION: another program's, or a schema newer than the last of `migrations` (names both versions and the
// file). Throws SQLite::Exception.
absl::Status CheckIdentity(SQLite::Database& database, const std::string& path,
                           std::span<const Migration> migrations = Migrations());

// Reads every page. DATA_LOSS: corrupt. Throws SQLite::Exception.
//
// Performance: SQLite's quick_check, which costs about as much as reading the file.
absl::Status CheckPages(SQLite::Database& database, const std::string& path);

// How the schema differs from what the migrations up to its version make of an empty database, one line a table, index
// or view. Throws SQLite::Exception.
std::vector<std::string> SchemaDifferences(SQLite::Database& database);

// Applies those of `migrations` that are missing, all in one transaction with the version number: should one fail, the
// database stays what it was, so that the program that wrote it can go on with it. The database passed CheckIdentity.
// Foreign keys are not enforced meanwhile, so that a migration can rebuild tables, but must hold after each.
//
// Errors, naming the path, both versions and the migration: RESOURCE_EXHAUSTED or UNAVAILABLE: the disk is full or
// fails. INTERNAL: the migration does not fit what the database holds. Throws SQLite::Exception if the transaction
// cannot begin or commit.
absl::Status Migrate(SQLite::Database& database, const std::string& path,
                     std::span<const Migration> migrations = Migrations(), const FaultHook& faults = {});

}  // namespace athanor::sqlite
