// What a check of a file finds, and that it leaves the file alone.
#include "server/operations/check_file.h"

#include <filesystem>
#include <string>

#include "SQLiteCpp/SQLiteCpp.h"
#include "tests/server/operations/database_fixture.h"

namespace athanor {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CheckFileTest : public DatabaseTest {
 protected:
  std::vector<std::string> Check() { return DatabaseTest::Check(database(), checkpoint_dir()); }
  void Execute(const std::string& sql) { SQLite::Database(database(), SQLite::OPEN_READWRITE).exec(sql); }
};

TEST_F(CheckFileTest, SoundFileIsSoundAndUntouched) {
  const std::string before = ReadBytes(database());
  const auto names = Names();
  EXPECT_THAT(Check(), IsEmpty());
  EXPECT_TRUE(ReadBytes(database()) == before);
  EXPECT_EQ(Names(), names) << "not even side files";
}

TEST_F(CheckFileTest, FileIsCheckedWhileACoordinatorWritesToIt) {
  const auto store = MustOpen(database());
  ASSERT_TRUE(store->Commit({InsertTrial{1, SmallTrial(5, TrialState::kWaiting)}}).ok());
  EXPECT_THAT(Check(), IsEmpty());
  ASSERT_TRUE(store->Commit({InsertTrial{1, SmallTrial(7, TrialState::kWaiting)}}).ok());
  EXPECT_THAT(Check(), ElementsAre("study 1 \"asha\": trials: want dense from 0: trial 6, have trial 7"));
}

TEST_F(CheckFileTest, LogThatWasLeftBehindIsRead) {
  const auto store = MustOpen(database());
  ASSERT_TRUE(store->Commit({InsertTrial{1, SmallTrial(9, TrialState::kWaiting)}}).ok());
  for (const char* suffix : {"", "-wal"}) std::filesystem::copy_file(database() + suffix, File("copy.db") + suffix);
  EXPECT_TRUE(WasLeftOpen(File("copy.db")));
  EXPECT_THAT(DatabaseTest::Check(File("copy.db"), ""), ElementsAre(HasSubstr("have trial 9")));
}

TEST_F(CheckFileTest, FileThatWasClosedWasNotLeftOpen) { EXPECT_FALSE(WasLeftOpen(database())); }

TEST_F(CheckFileTest, DamagedPagesAreFound) {
  Damage(database());
  const auto found = Check();
  ASSERT_FALSE(found.empty());
  EXPECT_THAT(found[0], AllOf(HasSubstr(database()), testing::ContainsRegex("corrupt|malformed")));
}

TEST_F(CheckFileTest, RowsWithoutTheirParentsAreFound) {
  Execute("PRAGMA foreign_keys = OFF; DELETE FROM attempts WHERE token = 2");
  EXPECT_THAT(Check(), testing::Contains(database() + ": 1 rows of measurements have no row of attempts"));
}

TEST_F(CheckFileTest, ChangedSchemaIsFound) {
  Execute("DROP INDEX attempts_by_trial; CREATE TABLE notes (text)");
  EXPECT_THAT(Check(),
              testing::IsSupersetOf({HasSubstr("attempts_by_trial of schema version"), HasSubstr("has no notes")}));
}

TEST_F(CheckFileTest, MissingAndDamagedCheckpointsAreFound) {
  std::filesystem::remove(CheckpointPath("three"));
  WriteBytes(CheckpointPath("nine"), "dine");
  EXPECT_THAT(Check(), ElementsAre(AllOf(HasSubstr("study 1, trial 0: checkpoint at step 3"), HasSubstr("is missing")),
                                   AllOf(HasSubstr("step 9"), HasSubstr("its content is not what its name says"))));
  WriteBytes(CheckpointPath("nine"), "nineteen");
  EXPECT_THAT(Check(), testing::Contains(HasSubstr("has 8 bytes, not 4")));
}

TEST_F(CheckFileTest, WhatIsNoDatabaseIsSaidSo) {
  EXPECT_THAT(DatabaseTest::Check(File("nothing.db"), ""), ElementsAre(HasSubstr("NOT_FOUND")));
  WriteBytes(File("text.db"), std::string(5000, 'x'));
  EXPECT_THAT(DatabaseTest::Check(File("text.db"), ""), ElementsAre(HasSubstr("not a database")));
  SQLite::Database(File("other.db"), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec("CREATE TABLE notes (text)");
  EXPECT_THAT(DatabaseTest::Check(File("other.db"), ""), ElementsAre(HasSubstr("another program")));
}

TEST_F(CheckFileTest, NewerSchemaIsNamed) {
  Execute("PRAGMA user_version = 4711");
  EXPECT_THAT(Check(), ElementsAre(HasSubstr("schema version 4711, newer than version")));
}

TEST_F(CheckFileTest, NamesWithSignificantCharactersAreFilesLikeOthers) {
  std::filesystem::copy_file(database(), File("50%?a=b#c.db"));
  EXPECT_THAT(DatabaseTest::Check(File("50%?a=b#c.db"), ""), IsEmpty());
}

}  // namespace
}  // namespace athanor
