// What a backup holds, and when there is none.
#include "server/operations/backup.h"

#include <filesystem>
#include <string>

#include "server/store/sqlite/snapshot.h"
#include "tests/server/operations/database_fixture.h"

namespace athanor {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class BackupTest : public DatabaseTest {
 protected:
  BackupTest() {
    options_.database = database();
    options_.checkpoint_dir = checkpoint_dir();
    options_.target = target();
  }
  std::string target() const { return File("backup.db"); }
  std::vector<std::string> CheckTarget() const { return Check(target(), target() + ".checkpoints"); }
  std::string FactsOf(const std::string& path) const {
    const auto store = MustOpen(path);
    std::string text;
    for (const StudyId study : {1, 2}) text += Text(*store->LoadStudy(study));
    return text + Text(*store->ReadCurves(1, 0, {}, Archived::kInclude));
  }

  BackupOptions options_;
};

TEST_F(BackupTest, OfAClosedDatabaseHoldsEveryFact) {
  const auto summary = Backup(options_);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->checkpoints, 2);
  EXPECT_THAT(summary->left_out, IsEmpty());
  EXPECT_EQ(summary->database_bytes, std::ssize(ReadBytes(target())));
  EXPECT_THAT(CheckTarget(), IsEmpty());
  EXPECT_EQ(FactsOf(target()), FactsOf(database()));
}

TEST_F(BackupTest, OfAServedDatabaseHoldsWhatWasCommitted) {
  const auto store = MustOpen(database());
  ASSERT_TRUE(store->Commit({InsertTrial{1, SmallTrial(5, TrialState::kWaiting)}}).ok());
  AddCheckpointOf(*store, 8, "eight");
  ASSERT_TRUE(Backup(options_).ok());
  ASSERT_TRUE(store->Commit({InsertTrial{1, SmallTrial(6, TrialState::kWaiting)}}).ok());
  EXPECT_THAT(CheckTarget(), IsEmpty());
  const auto copy = MustOpen(target());
  EXPECT_EQ(copy->LoadStudy(1)->trials.size(), 6);
  EXPECT_EQ(copy->LoadStudy(1)->checkpoints.size(), 3);
}

TEST_F(BackupTest, StaysWhatItWasWhenTheOriginalsAreDeleted) {
  ASSERT_TRUE(Backup(options_).ok());
  std::filesystem::remove_all(checkpoint_dir());
  std::filesystem::remove(database());
  EXPECT_THAT(CheckTarget(), IsEmpty());
}

TEST_F(BackupTest, LeavesOutACheckpointWhoseFileIsMissing) {
  std::filesystem::remove(CheckpointPath("nine"));
  const auto summary = Backup(options_);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->checkpoints, 1);
  EXPECT_THAT(summary->left_out, ElementsAre(HasSubstr("study 1, trial 0: checkpoint at step 9")));
}

TEST_F(BackupTest, RefusesAnExistingFileUnlessToldToReplaceIt) {
  WriteBytes(target(), "precious");
  const absl::Status refused = Backup(options_).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(refused.message()), HasSubstr(target()));
  EXPECT_EQ(ReadBytes(target()), "precious");
  options_.existing = Existing::kReplace;
  EXPECT_TRUE(Backup(options_).ok());
  EXPECT_THAT(CheckTarget(), IsEmpty());
}

TEST_F(BackupTest, ReplacedBackupKeepsNoCheckpointOfTheOldOne) {
  ASSERT_TRUE(Backup(options_).ok());
  ASSERT_TRUE(MustOpen(database())->Commit({DeleteStudy{1}}).ok());
  options_.existing = Existing::kReplace;
  ASSERT_TRUE(Backup(options_).ok());
  EXPECT_TRUE(std::filesystem::is_empty(target() + ".checkpoints"));
}

TEST_F(BackupTest, OfACorruptDatabaseLeavesNothing) {
  Damage(database());
  const absl::Status status = Backup(options_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(database()));
  EXPECT_THAT(Names(), Not(Contains(HasSubstr("backup.db"))));
}

TEST_F(BackupTest, IntoNowhereIsUnavailable) {
  options_.target = File("nowhere/backup.db");
  const absl::Status status = Backup(options_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("nowhere"));
}

}  // namespace
}  // namespace athanor
