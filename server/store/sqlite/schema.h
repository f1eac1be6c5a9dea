// Whether a file is a sound database of ours, and bringing it up to the schema of this program.
#pragma once

#include <cstdint>
#include <string>

#include "SQLiteCpp/SQLiteCpp.h"
#include "absl/status/status.h"

namespace athanor::sqlite {

// In the header of every database of ours: "Athn".
inline constexpr int32_t kApplicationId = 0x4174686e;

// The version that this program writes.
int32_t LatestSchemaVersion();

// Reads every page of a database that may be anything and writes nothing. OK for an empty database.
// FAILED_PRECONDITION: another program's, or a schema newer than this program's (names both versions and the file).
// DATA_LOSS: corrupt. Throws SQLite::Exception.
//
// Performance: SQLite's quick_check, which costs about as much as reading the file.
absl::Status CheckDatabase(SQLite::Database& database, const std::string& path);

// Applies the migrations that are missing, each in one transaction with its version number. The database passed
// CheckDatabase. Foreign keys are not enforced while a migration runs, so that it can rebuild tables, but must hold at
// its end. Throws SQLite::Exception; the migration that failed has then changed nothing.
absl::Status Migrate(SQLite::Database& database, const std::string& path);

}  // namespace athanor::sqlite
