#include "worker/training/checkpoints/checkpoint_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/sha256.h"
#include "tests/worker/training/test_data.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

using testing::HasSubstr;

const CheckpointSections kSections = {{"a", "first"}, {"b", std::string("\0\xff", 2)}, {"empty", ""}};

std::string ErrorOf(const std::filesystem::path& path) {
  try {
    ReadCheckpoint(path);
  } catch (const CheckpointError& error) {
    return error.what();
  }
  return "no error";
}

size_t FilesIn(const std::filesystem::path& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(CheckpointFile, ReadsBackWhatWasWritten) {
  const TemporaryFolder folder;
  const WrittenCheckpoint written = WriteCheckpoint(folder.path(), "step-3", kSections);
  EXPECT_EQ(ReadCheckpoint(written.path), kSections);
  EXPECT_EQ(FilesIn(folder.path()), 1u) << "nothing else is left behind";
}

TEST(CheckpointFile, ReportsSizeAndHashOfTheFile) {
  const TemporaryFolder folder;
  const WrittenCheckpoint written = WriteCheckpoint(folder.path(), "step-3", kSections);
  const std::string bytes = ReadFile(written.path);
  EXPECT_EQ(written.size, static_cast<int64_t>(bytes.size()));
  EXPECT_EQ(written.sha256, Sha256::Hex(bytes));
  EXPECT_EQ(written.path.filename(), "step-3-" + written.sha256.substr(0, 16) + ".ckpt");
}

TEST(CheckpointFile, HasTheDocumentedLayout) {
  const TemporaryFolder folder;
  const std::string bytes = ReadFile(WriteCheckpoint(folder.path(), "s", {{"k", "vw"}}).path);
  const std::string payload("\x01\0\0\0k\x02\0\0\0\0\0\0\0vw", 15);
  ASSERT_EQ(bytes.size(), 56u + 15u);
  EXPECT_EQ(bytes.substr(0, 24), std::string("ATHANOR\n\x01\0\0\0\x01\0\0\0\x0f\0\0\0\0\0\0\0", 24));
  EXPECT_EQ(bytes.substr(56), payload);
}

TEST(CheckpointFile, GivesOtherContentsAnotherName) {
  const TemporaryFolder folder;
  EXPECT_NE(WriteCheckpoint(folder.path(), "s", {{"k", "1"}}).path,
            WriteCheckpoint(folder.path(), "s", {{"k", "2"}}).path);
}

TEST(CheckpointFile, RefusesEveryTruncation) {
  const TemporaryFolder folder;
  const std::string bytes = ReadFile(WriteCheckpoint(folder.path(), "s", kSections).path);
  const std::filesystem::path cut = folder.path() / "cut";
  for (size_t size = 0; size < bytes.size(); ++size) {
    WriteFile(cut, bytes.substr(0, size));
    EXPECT_NE(ErrorOf(cut), "no error") << size;
  }
}

TEST(CheckpointFile, RefusesEveryChangedByte) {
  const TemporaryFolder folder;
  const std::string bytes = ReadFile(WriteCheckpoint(folder.path(), "s", kSections).path);
  const std::filesystem::path damaged = folder.path() / "damaged";
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string copy = bytes;
    copy[i] ^= 0x10;
    WriteFile(damaged, copy);
    EXPECT_NE(ErrorOf(damaged), "no error") << i;
  }
}

TEST(CheckpointFile, NamesFileAndCause) {
  const TemporaryFolder folder;
  const std::string bytes = ReadFile(WriteCheckpoint(folder.path(), "s", kSections).path);
  const std::filesystem::path path = folder.path() / "f";
  WriteFile(path, "something else entirely, and long enough to hold a whole header of 56 bytes");
  EXPECT_THAT(ErrorOf(path), HasSubstr("f: is not a checkpoint"));
  WriteFile(path, bytes + "x");
  EXPECT_THAT(ErrorOf(path), HasSubstr("its header says"));
  std::string other_version = bytes;
  other_version[8] = 9;
  WriteFile(path, other_version);
  EXPECT_THAT(ErrorOf(path), HasSubstr("is of version 9; want 1"));
  EXPECT_THAT(ErrorOf(folder.path() / "missing"), HasSubstr("missing: cannot open"));
  EXPECT_THAT(ErrorOf(folder.path()), HasSubstr(folder.path().string()));
}

TEST(CheckpointFile, FailsWithoutTracesInAFolderThatIsNotThere) {
  const TemporaryFolder folder;
  EXPECT_THROW(WriteCheckpoint(folder.path() / "missing", "s", kSections), CheckpointError);
  EXPECT_EQ(FilesIn(folder.path()), 0u);
}

}  // namespace
}  // namespace athanor::training
