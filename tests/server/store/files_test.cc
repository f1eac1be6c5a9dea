#include "server/store/files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace athanor {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

class FilesTest : public ::testing::Test {
 protected:
  FilesTest() {
    std::string name = (std::filesystem::temp_directory_path() / "athanor-files-XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  ~FilesTest() override { std::filesystem::remove_all(directory_); }

  std::string Path(const std::string& name) const { return directory_ + "/" + name; }
  std::string Write(const std::string& name, const std::string& content) const {
    std::ofstream(Path(name), std::ios::binary) << content;
    return Path(name);
  }
  static std::string Read(const std::string& path) {
    std::ostringstream content;
    content << std::ifstream(path, std::ios::binary).rdbuf();
    return content.str();
  }

  std::string directory_;
};

TEST_F(FilesTest, ErrorsNamePathAndCauseAndTellAFullDiskFromTheRest) {
  struct Case {
    int error;
    absl::StatusCode code;
    const char* message;
  };
  for (const Case& wanted :
       {Case{ENOSPC, absl::StatusCode::kResourceExhausted, "/a: cannot sync: No space left on device"},
        Case{EDQUOT, absl::StatusCode::kResourceExhausted, "/a: cannot sync: Disk quota exceeded"},
        Case{EIO, absl::StatusCode::kUnavailable, "/a: cannot sync: Input/output error"},
        Case{ENOENT, absl::StatusCode::kUnavailable, "/a: cannot sync: No such file or directory"}}) {
    const absl::Status status = IoError("/a", "sync", wanted.error);
    EXPECT_EQ(status.code(), wanted.code) << wanted.message;
    EXPECT_EQ(status.message(), wanted.message);
  }
}

TEST_F(FilesTest, MakesADirectoryOnceAndTakesTheOneThatIsThere) {
  EXPECT_TRUE(MakeDirectory(Path("new")).ok());
  Write("new/inside", "kept");
  EXPECT_TRUE(MakeDirectory(Path("new")).ok());
  EXPECT_EQ(Read(Path("new/inside")), "kept");
}

TEST_F(FilesTest, MakesNoDirectoryOverAFileNorWithoutItsParent) {
  const absl::Status over = MakeDirectory(Write("file", "x"));
  EXPECT_EQ(over.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(over.message(), Path("file") + " is not a directory");
  const absl::Status orphan = MakeDirectory(Path("missing/new"));
  EXPECT_EQ(orphan.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(orphan.message()), StartsWith(Path("missing/new") + ": cannot create: "));
}

TEST_F(FilesTest, ListsEveryEntryByName) {
  Write("a", "");
  Write(".hidden", "");
  ASSERT_TRUE(MakeDirectory(Path("folder")).ok());
  const auto names = ListDirectory(directory_);
  ASSERT_TRUE(names.ok());
  EXPECT_THAT(*names, UnorderedElementsAre("a", ".hidden", "folder"));
  const auto missing = ListDirectory(Path("missing"));
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr(Path("missing") + ": cannot list: "));
}

TEST_F(FilesTest, RenameReplacesWhatIsThere) {
  Write("old", "old");
  EXPECT_TRUE(RenameDurably(Write("new", "new"), Path("old")).ok());
  EXPECT_EQ(Read(Path("old")), "new");
  EXPECT_FALSE(std::filesystem::exists(Path("new")));
  const absl::Status missing = RenameDurably(Path("new"), Path("old"));
  EXPECT_THAT(std::string(missing.message()), StartsWith(Path("new") + ": cannot rename: "));
}

TEST_F(FilesTest, DirectoryOfAPathWithoutOneIsHere) {
  EXPECT_EQ(DirectoryOf("/a/b.db"), "/a");
  EXPECT_EQ(DirectoryOf("b.db"), ".");
}

TEST_F(FilesTest, OpenFileSaysWhyItIsNotOpen) {
  const OpenFile made(Path("made"), O_WRONLY | O_CREAT);
  EXPECT_GE(made.get(), 0);
  errno = 0;
  const OpenFile missing(Path("missing"), O_RDONLY);
  EXPECT_EQ(errno, ENOENT);
  EXPECT_LT(missing.get(), 0);
}

}  // namespace
}  // namespace athanor
