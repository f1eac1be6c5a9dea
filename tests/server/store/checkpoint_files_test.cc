#include "server/store/checkpoint_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

namespace athanor {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class CheckpointFilesTest : public ::testing::Test {
 protected:
  CheckpointFilesTest() {
    std::string name = (std::filesystem::temp_directory_path() / "athanor-files-XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
    files_ = *CheckpointFiles::Open(directory_);
  }
  ~CheckpointFilesTest() override { std::filesystem::remove_all(directory_); }

  // Stores `content` under its hash, which stays held once.
  std::string Store(const std::string& content) {
    const std::string sha256 = Sha256::Hex(content);
    files_->Hold(sha256);
    auto upload = files_->Create(sha256, static_cast<int64_t>(content.size()));
    EXPECT_TRUE(upload.ok() && (*upload)->Append(content).ok() && (*upload)->Commit().ok());
    return sha256;
  }

  std::set<std::string> Names() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }

  std::string directory_;
  std::unique_ptr<CheckpointFiles> files_;
};

TEST_F(CheckpointFilesTest, StoredFileReadsBackInPieces) {
  const std::string sha256 = Store("0123456789");
  const auto reader = files_->Read(sha256);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ(*(*reader)->Next(4), "0123");
  EXPECT_EQ(*(*reader)->Next(4), "4567");
  EXPECT_EQ(*(*reader)->Next(4), "89");
  EXPECT_EQ(*(*reader)->Next(4), "");
  EXPECT_EQ(files_->bytes(), 10);
}

TEST_F(CheckpointFilesTest, UploadThatIsNotWhatWasAnnouncedLeavesNothing) {
  const std::string sha256 = Sha256::Hex("content");
  {
    auto upload = files_->Create(sha256, 6);
    EXPECT_EQ((*upload)->Append("content").code(), absl::StatusCode::kDataLoss) << "more than announced";
  }
  {
    auto upload = files_->Create(sha256, 8);
    EXPECT_TRUE((*upload)->Append("content").ok());
    EXPECT_EQ((*upload)->Commit().code(), absl::StatusCode::kDataLoss) << "less than announced";
  }
  {
    auto upload = files_->Create(sha256, 7);
    EXPECT_TRUE((*upload)->Append("CONTENT").ok());
    EXPECT_EQ((*upload)->Commit().code(), absl::StatusCode::kDataLoss) << "another hash";
  }
  { auto given_up = files_->Create(sha256, 7); }
  EXPECT_THAT(Names(), IsEmpty());
  EXPECT_EQ(files_->Read(sha256).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(CheckpointFilesTest, NameThatIsNoHashIsRefused) {
  EXPECT_EQ(files_->Create("../escape", 1).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(files_->Read("../escape").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(CheckpointFilesTest, LastReleaseDeletesAndAnEarlierOrLaterHoldKeeps) {
  const std::string one = Store("one"), two = Store("two");
  files_->Hold(one);
  files_->Release(one);  // held once more
  files_->Release(two);
  files_->Hold(two);  // wanted again before anybody collected
  files_->Collect();
  EXPECT_THAT(Names(), UnorderedElementsAre(one, two));
  files_->Release(one);
  files_->Collect();
  EXPECT_THAT(Names(), UnorderedElementsAre(two));
  EXPECT_EQ(files_->bytes(), 3);
  files_->Release(two);
  files_->Collect();
  EXPECT_THAT(Names(), IsEmpty());
  EXPECT_EQ(files_->bytes(), 0);
}

TEST_F(CheckpointFilesTest, OpenReaderOutlivesTheDeletion) {
  const std::string sha256 = Store("content");
  const auto reader = files_->Read(sha256);
  files_->Release(sha256);
  files_->Collect();
  EXPECT_THAT(Names(), IsEmpty());
  EXPECT_EQ(*(*reader)->Next(100), "content");
}

TEST_F(CheckpointFilesTest, SweepDeletesStraysAndNothingElse) {
  const std::string kept = Store("kept"), stray = Store("stray");
  std::ofstream(directory_ + "/7.upload") << "cut";
  std::ofstream(directory_ + "/README") << "a user's";
  const auto reopened = *CheckpointFiles::Open(directory_);
  reopened->Hold(kept);
  ASSERT_TRUE(reopened->Sweep().ok());
  EXPECT_THAT(Names(), UnorderedElementsAre(kept, "README"));
  EXPECT_EQ(reopened->bytes(), 4);
}

TEST_F(CheckpointFilesTest, SameContentTwiceIsOneFileCountedOnce) {
  Store("same");
  const std::string sha256 = Store("same");
  EXPECT_THAT(Names(), UnorderedElementsAre(sha256));
  EXPECT_EQ(files_->bytes(), 4);
}

TEST_F(CheckpointFilesTest, SpaceIsThatOfTheFileSystemBelow) {
  const auto space = files_->Space();
  ASSERT_TRUE(space.ok()) << space.status();
  EXPECT_GT(space->free_bytes, 0);
  EXPECT_GE(space->total_bytes, space->free_bytes);
  std::filesystem::remove_all(directory_);
  EXPECT_EQ(files_->Space().status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(CheckpointFilesTest, DirectoryThatCannotBeIsRefused) {
  EXPECT_EQ(CheckpointFiles::Open(directory_ + "/missing/directory").status().code(), absl::StatusCode::kUnavailable);
  std::ofstream(directory_ + "/file") << "x";
  EXPECT_FALSE(CheckpointFiles::Open(directory_ + "/file").ok());
}

}  // namespace
}  // namespace athanor
