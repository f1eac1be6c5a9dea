// What a restore puts in place, and what it leaves alone.
#include "server/operations/restore.h"

#include <filesystem>
#include <string>

#include "tests/server/operations/database_fixture.h"

namespace athanor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RestoreTest : public DatabaseTest {
 protected:
  RestoreTest() {
    BackupOptions backup;
    backup.database = database();
    backup.checkpoint_dir = checkpoint_dir();
    backup.target = File("backup.db");
    EXPECT_TRUE(Backup(backup).ok());
    options_.backup = backup.target;
    options_.database = database();
    options_.checkpoint_dir = checkpoint_dir();
  }

  void LoseEverything() {
    std::filesystem::remove_all(checkpoint_dir());
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(database() + suffix);
  }
  std::vector<std::string> CheckRestored() const { return Check(database(), checkpoint_dir()); }

  RestoreOptions options_;
};

TEST_F(RestoreTest, BringsBackALostDatabase) {
  LoseEverything();
  const auto summary = Restore(options_);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->checkpoints, 2);
  EXPECT_THAT(summary->left_out, IsEmpty());
  EXPECT_THAT(summary->moved_aside, IsEmpty());
  EXPECT_THAT(CheckRestored(), IsEmpty());
  EXPECT_EQ(MustOpen(database())->LoadStudy(1)->trials.size(), 5);
  EXPECT_THAT(Names(), testing::IsSupersetOf({"athanor.db", "athanor.db.lock", "backup.db"}));
  EXPECT_THAT(Check(options_.backup, options_.backup + ".checkpoints"), IsEmpty());
}

TEST_F(RestoreTest, SkipsTheTokensThatWereGivenOutSinceTheBackup) {
  const auto before = MustOpen(database())->LoadHighestIds();
  EXPECT_EQ(before->token, 7);
  LoseEverything();
  ASSERT_TRUE(Restore(options_).ok());
  EXPECT_EQ(MustOpen(database())->LoadHighestIds()->token, 7 + (1 << 24));
}

TEST_F(RestoreTest, RefusesWhereADatabaseIsUnlessToldToMoveItAside) {
  ASSERT_TRUE(MustOpen(database())->Commit({DeleteStudy{2}}).ok());
  const std::string newer = ReadBytes(database());
  const absl::Status refused = Restore(options_).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kAlreadyExists) << refused;
  EXPECT_TRUE(ReadBytes(database()) == newer);

  options_.existing = Existing::kReplace;
  const auto summary = Restore(options_);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_THAT(summary->moved_aside, ElementsAre(database() + ".old-1", checkpoint_dir() + ".old-1"));
  EXPECT_TRUE(ReadBytes(database() + ".old-1") == newer);
  EXPECT_THAT(CheckRestored(), IsEmpty());
  EXPECT_EQ(MustOpen(database())->LoadStudyIds()->size(), 2);
  const auto again = Restore(options_);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_THAT(again->moved_aside, ElementsAre(database() + ".old-2", checkpoint_dir() + ".old-2"));
}

TEST_F(RestoreTest, LogsAndArtifactsOfTrialsGoWithTheDatabaseThatTheyAreOf) {
  const std::string logs = database() + ".logs";
  const std::string artifacts = database() + ".artifacts";
  std::filesystem::create_directories(logs + "/1");
  std::filesystem::create_directories(artifacts + "/1");
  options_.existing = Existing::kReplace;
  const auto replaced = Restore(options_);
  ASSERT_TRUE(replaced.ok()) << replaced.status();
  EXPECT_THAT(replaced->moved_aside,
              ElementsAre(database() + ".old-1", checkpoint_dir() + ".old-1", logs + ".old-1", artifacts + ".old-1"));
  EXPECT_FALSE(std::filesystem::exists(logs));
  EXPECT_FALSE(std::filesystem::exists(artifacts));
  EXPECT_TRUE(std::filesystem::exists(logs + ".old-1/1"));

  std::filesystem::create_directories(logs + "/1");
  std::filesystem::create_directories(artifacts + "/1");
  LoseEverything();
  const auto found = Restore(options_);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_THAT(found->moved_aside, IsEmpty());
  EXPECT_TRUE(std::filesystem::exists(logs + "/1")) << "of the database that was lost";
  EXPECT_TRUE(std::filesystem::exists(artifacts + "/1"));
}

TEST_F(RestoreTest, GoesWithoutTheCheckpointsThatTheBackupHasNot) {
  LoseEverything();
  std::filesystem::remove_all(options_.backup + ".checkpoints");
  const auto summary = Restore(options_);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->checkpoints, 0);
  EXPECT_THAT(summary->left_out, ElementsAre(HasSubstr("is missing"), HasSubstr("is missing")));
  EXPECT_TRUE(std::filesystem::is_empty(checkpoint_dir()));
  EXPECT_EQ(MustOpen(database())->LoadStudy(1)->trials.size(), 5);
}

TEST_F(RestoreTest, MovesTheLogOfACrashedCoordinatorAside) {
  std::filesystem::copy_file(database(), File("running.db"));
  const auto running = MustOpen(File("running.db"));
  ASSERT_TRUE(running->Commit({DeleteStudy{2}}).ok());
  for (const char* suffix : {"", "-wal"}) {
    std::filesystem::copy_file(File("running.db") + suffix, database() + suffix,
                               std::filesystem::copy_options::overwrite_existing);
  }
  options_.existing = Existing::kReplace;
  ASSERT_TRUE(Restore(options_).ok());
  EXPECT_EQ(MustOpen(database())->LoadStudyIds()->size(), 2) << "the old log was applied to the restored file";
  EXPECT_EQ(MustOpen(database() + ".old-1")->LoadStudyIds()->size(), 1);
}

TEST_F(RestoreTest, NeverTouchesADatabaseInUse) {
  const auto store = MustOpen(database());
  options_.existing = Existing::kReplace;
  const absl::Status status = Restore(options_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_TRUE(store->Commit({DeleteStudy{2}}).ok());
  EXPECT_THAT(Names(), testing::Not(testing::Contains(HasSubstr("restoring"))));
}

TEST_F(RestoreTest, LeavesNothingBehindWhereTheBackupIsMissing) {
  options_.backup = File("none.db");
  options_.database = File("other.db");
  const auto before = Names();
  const auto summary = Restore(options_);
  EXPECT_EQ(summary.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(summary.status().message()), HasSubstr("none.db"));
  EXPECT_EQ(Names(), before);
}

TEST_F(RestoreTest, RefusesADamagedBackup) {
  LoseEverything();
  Damage(options_.backup);
  const absl::Status status = Restore(options_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_FALSE(std::filesystem::exists(database()));
}

TEST_F(RestoreTest, RefusesABackupWhoseHistoryContradictsItself) {
  LoseEverything();
  ASSERT_TRUE(MustOpen(options_.backup)->Commit({InsertTrial{1, SmallTrial(6, TrialState::kWaiting)}}).ok());
  const absl::Status status = Restore(options_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("study 1 \"asha\": trials: want dense"));
  EXPECT_FALSE(std::filesystem::exists(database()));
}

TEST_F(RestoreTest, GoesOnWithoutACheckpointThatTheBackupHasNot) {
  LoseEverything();
  std::filesystem::remove(options_.backup + ".checkpoints/" +
                          std::filesystem::path(CheckpointPath("nine")).filename().string());
  const auto summary = Restore(options_);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->checkpoints, 1);
  EXPECT_THAT(summary->left_out, ElementsAre(HasSubstr("checkpoint at step 9")));
}

TEST_F(RestoreTest, InterruptedOneKeepsAnEmptyDatabaseFromTakingThePlace) {
  std::filesystem::rename(database(), database() + ".restoring");
  const absl::Status status = OpenSqliteStore({.path = database()}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("a restore was interrupted"));
  EXPECT_TRUE(Restore(options_).ok());
  EXPECT_THAT(CheckRestored(), IsEmpty());
}

}  // namespace
}  // namespace athanor
