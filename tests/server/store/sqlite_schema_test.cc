// The schema that the migrations produce, compared with what was released.
#include <fstream>
#include <iterator>
#include <string>

#include "SQLiteCpp/SQLiteCpp.h"
#include "absl/strings/str_cat.h"
#include "server/store/sqlite/migrations.h"
#include "server/store/sqlite/schema.h"
#include "tests/server/store/store_fixture.h"

namespace athanor {
namespace {

// Every object of the database, by name, in the words that made it.
std::string DumpSchema(const std::string& path) {
  SQLite::Database database(path, SQLite::OPEN_READONLY);
  SQLite::Statement select(
      database, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY name");
  std::string dump;
  while (select.executeStep()) dump += select.getColumn(0).getString() + ";\n";
  return dump;
}

std::string ReadText(const std::string& path) {
  std::ifstream in(path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// schema_v1.sql, schema_v2.sql, ... are released formats: if this fails, the change belongs into a new migration, not
// into an old one.
TEST(SqliteSchemaTest, MigrationsProduceTheReleasedSchemas) {
  const TemporaryDirectory directory;
  const std::string path = directory.File("athanor.db");
  SQLite::Database database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  for (const sqlite::Migration& migration : sqlite::Migrations()) {
    database.exec(migration.sql);
    const std::string released = absl::StrCat(ATHANOR_SCHEMAS, "/schema_v", migration.version, ".sql");
    EXPECT_EQ(DumpSchema(path), ReadText(released)) << migration.file;
  }
}

TEST(SqliteSchemaTest, NewDatabaseHasTheLatestSchema) {
  const TemporaryDirectory directory;
  const std::string path = directory.File("athanor.db");
  ASSERT_TRUE(OpenSqliteStore({.path = path}).ok());
  const std::string latest = absl::StrCat(ATHANOR_SCHEMAS, "/schema_v", sqlite::LatestSchemaVersion(), ".sql");
  EXPECT_EQ(DumpSchema(path), ReadText(latest));
}

TEST(SqliteSchemaTest, MigrationsAreNumberedFromOneWithoutGaps) {
  int expected = 1;
  for (const sqlite::Migration& migration : sqlite::Migrations()) EXPECT_EQ(migration.version, expected++);
  EXPECT_EQ(sqlite::Migrations().front().file, std::string("0001_initial.sql"));
}

}  // namespace
}  // namespace athanor
