#include "server/store/sqlite/schema.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/store/sqlite/errors.h"
#include "server/store/sqlite/statement.h"

namespace athanor::sqlite {

namespace {

int64_t ReadNumber(SQLite::Database& database, const char* sql) {
  Statement select(database, sql);
  Rows row = select.Query();
  return row.Next() ? row.Int() : 0;
}

absl::Status Apply(SQLite::Database& database, const Migration& migration) {
  try {
    database.exec(migration.sql);
  } catch (const SQLite::Exception& error) {
    return ToStatus(error, migration.file);
  }
  if (ReadNumber(database, "SELECT count(*) FROM pragma_foreign_key_check") > 0) {
    return absl::InternalError(absl::StrCat(migration.file, ": leaves rows without their parents"));
  }
  database.exec(absl::StrCat("PRAGMA application_id = ", kApplicationId));
  database.exec(absl::StrCat("PRAGMA user_version = ", migration.version));
  return absl::OkStatus();
}

// What is in the schema, by name, in the words that made it. SQLite's own tables and indexes are left out.
std::map<std::string, std::string> Objects(SQLite::Database& database) {
  Statement select(
      database, "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'");
  std::map<std::string, std::string> objects;
  for (Rows row = select.Query(); row.Next();) {
    std::string name = row.Text();
    objects[std::move(name)] = row.Text();
  }
  return objects;
}

}  // namespace

int32_t LatestSchemaVersion() { return Migrations().back().version; }

int64_t SchemaVersion(SQLite::Database& database) { return ReadNumber(database, "PRAGMA user_version"); }

absl::Status CheckIdentity(SQLite::Database& database, const std::string& path, std::span<const Migration> migrations) {
  const int64_t application = ReadNumber(database, "PRAGMA application_id");
  const int64_t version = SchemaVersion(database);
  if (application != kApplicationId) {
    const bool empty =
        application == 0 && version == 0 && ReadNumber(database, "SELECT count(*) FROM sqlite_schema") == 0;
    if (empty) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(path, ": is the database of another program"));
  }
  const int64_t latest = migrations.back().version;
  if (version <= latest) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(path, ": has schema version ", version, ", newer than version ",
                                                    latest, " that this program knows"));
}

absl::Status CheckPages(SQLite::Database& database, const std::string& path) {
  Statement check(database, "PRAGMA quick_check(1)");
  Rows row = check.Query();
  const std::string verdict = row.Next() ? row.Text() : "no answer";
  if (verdict != "ok") return absl::DataLossError(absl::StrCat(path, ": corrupt: ", verdict));
  return absl::OkStatus();
}

std::vector<std::string> SchemaDifferences(SQLite::Database& database) {
  SQLite::Database fresh(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  const int64_t version = SchemaVersion(database);
  for (const Migration& migration : Migrations()) {
    if (migration.version <= version) fresh.exec(migration.sql);
  }
  std::map<std::string, std::string> wanted = Objects(fresh);
  std::vector<std::string> differences;
  for (const auto& [name, sql] : Objects(database)) {
    const auto found = wanted.find(name);
    if (found == wanted.end()) {
      differences.push_back(absl::StrCat("schema version ", version, " has no ", name));
      continue;
    }
    if (found->second != sql) differences.push_back(absl::StrCat(name, " is not that of schema version ", version));
    wanted.erase(found);
  }
  for (const auto& [name, sql] : wanted) {
    differences.push_back(absl::StrCat(name, " of schema version ", version, " is missing"));
  }
  return differences;
}

absl::Status Migrate(SQLite::Database& database, const std::string& path, std::span<const Migration> migrations,
                     const FaultHook& faults) {
  const int64_t current = SchemaVersion(database);
  const int64_t latest = migrations.back().version;
  if (current == latest) return absl::OkStatus();
  database.exec("PRAGMA foreign_keys = OFF");
  SQLite::Transaction transaction(database);
  faults.Pass(FaultPoint::kMigrationBegun);
  for (const Migration& migration : migrations) {
    if (migration.version <= current) continue;
    if (const absl::Status status = Apply(database, migration); !status.ok()) {
      return absl::Status(status.code(), absl::StrCat(path, ": the upgrade from schema version ", current, " to ",
                                                      latest, " failed and changed nothing: ", status.message()));
    }
    faults.Pass(FaultPoint::kMigrationApplied);
  }
  transaction.commit();
  faults.Pass(FaultPoint::kMigrationCommitted);
  return absl::OkStatus();
}

}  // namespace athanor::sqlite
