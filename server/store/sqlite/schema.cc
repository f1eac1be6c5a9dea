#include "server/store/sqlite/schema.h"

#include "absl/strings/str_cat.h"
#include "server/store/sqlite/migrations.h"
#include "server/store/sqlite/statement.h"

namespace athanor::sqlite {

namespace {

int64_t ReadNumber(SQLite::Database& database, const char* sql) {
  Statement select(database, sql);
  Rows row = select.Query();
  return row.Next() ? row.Int() : 0;
}

int64_t SchemaVersion(SQLite::Database& database) { return ReadNumber(database, "PRAGMA user_version"); }

}  // namespace

int32_t LatestSchemaVersion() { return Migrations().back().version; }

absl::Status CheckDatabase(SQLite::Database& database, const std::string& path) {
  const int64_t application = ReadNumber(database, "PRAGMA application_id");
  const int64_t version = SchemaVersion(database);
  if (application != kApplicationId) {
    const bool empty =
        application == 0 && version == 0 && ReadNumber(database, "SELECT count(*) FROM sqlite_schema") == 0;
    if (empty) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(path, ": is the database of another program"));
  }
  if (version > LatestSchemaVersion()) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": has schema version ", version, ", newer than version ",
                                                      LatestSchemaVersion(), " that this program knows"));
  }
  Statement check(database, "PRAGMA quick_check(1)");
  Rows row = check.Query();
  const std::string verdict = row.Next() ? row.Text() : "no answer";
  if (verdict != "ok") return absl::DataLossError(absl::StrCat(path, ": corrupt: ", verdict));
  return absl::OkStatus();
}

absl::Status Migrate(SQLite::Database& database, const std::string& path) {
  database.exec("PRAGMA foreign_keys = OFF");
  const int64_t current = SchemaVersion(database);
  for (const Migration& migration : Migrations()) {
    if (migration.version <= current) continue;
    SQLite::Transaction transaction(database);
    database.exec(migration.sql);
    if (ReadNumber(database, "SELECT count(*) FROM pragma_foreign_key_check") > 0) {
      return absl::InternalError(
          absl::StrCat(path, ": migration ", migration.file, " leaves rows without their parents"));
    }
    database.exec(absl::StrCat("PRAGMA application_id = ", kApplicationId));
    database.exec(absl::StrCat("PRAGMA user_version = ", migration.version));
    transaction.commit();
  }
  return absl::OkStatus();
}

}  // namespace athanor::sqlite
