// How a file gets from one schema to the next, or stays what it was.
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "SQLiteCpp/SQLiteCpp.h"
#include "absl/strings/str_cat.h"
#include "server/store/sqlite/migrations.h"
#include "server/store/sqlite/schema.h"
#include "tests/server/store/store_fixture.h"

namespace athanor {
namespace {

using sqlite::Migration;
using ::testing::AllOf;
using ::testing::HasSubstr;

const int kLatest = sqlite::LatestSchemaVersion();

std::vector<Migration> And(std::initializer_list<const char*> scripts) {
  const auto released = sqlite::Migrations();
  std::vector<Migration> migrations(released.begin(), released.end());
  for (const char* sql : scripts) migrations.push_back({migrations.back().version + 1, "next.sql", sql});
  return migrations;
}

class SqliteMigrationTest : public ::testing::Test {
 protected:
  // A closed file of the latest schema, with a study.
  void SetUp() override {
    const auto store = Open({});
    ASSERT_TRUE(store.ok()) << store.status();
    ASSERT_TRUE((*store)->Commit({PutStudy{SmallStudy(1, "a")}, InsertTrial{1, SmallTrial(0)}}).ok());
  }

  absl::StatusOr<std::unique_ptr<Store>> Open(std::span<const Migration> migrations) {
    return OpenSqliteStore({.path = path_, .migrations = migrations});
  }
  int Version() { return SQLite::Database(path_).execAndGet("PRAGMA user_version").getInt(); }
  std::string Bytes() {
    std::ifstream in(path_, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  std::string Upgrade() { return absl::StrCat("from schema version ", kLatest, " to "); }

  // Opening fails, says so, and leaves the file to the program that wrote it.
  void ExpectUntouched(const std::vector<Migration>& migrations, const std::string& cause) {
    const std::string before = Bytes();
    const absl::Status status = Open(migrations).status();
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(path_), HasSubstr(Upgrade()), HasSubstr("changed nothing"), HasSubstr(cause)));
    EXPECT_TRUE(Bytes() == before);
    const auto store = Open({});
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_EQ((*store)->LoadStudyIds()->size(), 1);
  }

 private:
  TemporaryDirectory directory_;
  const std::string path_ = directory_.File("athanor.db");
};

TEST_F(SqliteMigrationTest, NextSchemaKeepsTheFacts) {
  const auto migrations = And({"CREATE TABLE notes (study INTEGER); INSERT INTO notes SELECT id FROM studies"});
  const auto store = Open(migrations);
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ(Text((*store)->LoadStudy(1)->study), Text(SmallStudy(1, "a")));
  EXPECT_EQ((*store)->ReadSize()->schema_version, kLatest + 1);
  EXPECT_EQ(Version(), kLatest + 1);
}

TEST_F(SqliteMigrationTest, SeveralSchemasAreCaughtUpAtOnce) {
  ASSERT_TRUE(Open(And({"CREATE TABLE notes (text)", "ALTER TABLE notes RENAME TO remarks"})).ok());
  EXPECT_EQ(Version(), kLatest + 2);
}

TEST_F(SqliteMigrationTest, FailureInTheMiddleLeavesTheFileByteForByte) {
  ExpectUntouched(And({"CREATE TABLE notes (text); INSERT INTO nowhere VALUES (1); CREATE TABLE more (text)"}),
                  "next.sql: no such table: nowhere");
}

TEST_F(SqliteMigrationTest, FailureOfTheSecondTakesTheFirstBack) {
  ExpectUntouched(And({"CREATE TABLE notes (text); UPDATE studies SET name = 'b'", "nonsense"}), "syntax error");
}

TEST_F(SqliteMigrationTest, MigrationThatLeavesRowsWithoutParentsFails) {
  ExpectUntouched(And({"DELETE FROM studies"}), "leaves rows without their parents");
}

TEST_F(SqliteMigrationTest, FileOfANewerProgramIsRefusedNamingBothVersions) {
  ASSERT_TRUE(Open(And({"CREATE TABLE notes (text)"})).ok());
  const std::string before = Bytes();
  const absl::Status status = Open({}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(absl::StrCat("schema version ", kLatest + 1, ", newer than version ", kLatest)));
  EXPECT_TRUE(Bytes() == before);
}

}  // namespace
}  // namespace athanor
