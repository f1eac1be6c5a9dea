#include "worker/session/checkpoint_cache.h"

#include <gtest/gtest.h>

#include "base/sha256.h"
#include "tests/worker/session/temporary_folder.h"

namespace athanor::session {
namespace {

class CheckpointCacheTest : public testing::Test {
 protected:
  std::unique_ptr<CheckpointCache> Open(int64_t max_bytes) {
    return *CheckpointCache::Open(folder_ / "cache", max_bytes);
  }
  // Adds a trainer's file of `bytes` bytes and lets go of it; returns its hash.
  std::string AddFile(CheckpointCache& cache, char fill, size_t bytes) {
    const std::string content(bytes, fill);
    const std::string path = folder_ / std::string(1, fill);
    WriteFile(path, content);
    const std::string sha256 = Sha256::Hex(content);
    EXPECT_TRUE(cache.Add(sha256, path).ok());
    return sha256;
  }

  TemporaryFolder folder_;
};

TEST_F(CheckpointCacheTest, KeepsAFileThatItsTrainerRemoves) {
  const auto cache = Open(1000);
  const std::string sha256 = AddFile(*cache, 'a', 10);
  std::filesystem::remove(folder_ / "a");
  const auto file = cache->Find(sha256);
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(file->bytes, 10);
  EXPECT_EQ(ReadFile(file->path), std::string(10, 'a'));
}

TEST_F(CheckpointCacheTest, AddsAFileOnceOnly) {
  const auto cache = Open(1000);
  AddFile(*cache, 'a', 10);
  AddFile(*cache, 'a', 10);
  EXPECT_EQ(cache->bytes(), 10);
}

TEST_F(CheckpointCacheTest, RefusesAFileThatIsNotThere) {
  const auto cache = Open(1000);
  EXPECT_TRUE(absl::IsNotFound(cache->Add(std::string(64, '0'), folder_ / "nothing").status()));
  EXPECT_EQ(cache->Find(std::string(64, '0')), nullptr);
}

TEST_F(CheckpointCacheTest, EvictsTheLeastRecentlyUsed) {
  const auto cache = Open(25);
  const std::string a = AddFile(*cache, 'a', 10);
  const std::string b = AddFile(*cache, 'b', 10);
  cache->Find(a);
  const std::string c = AddFile(*cache, 'c', 10);
  EXPECT_NE(cache->Find(a), nullptr);
  EXPECT_EQ(cache->Find(b), nullptr);
  EXPECT_NE(cache->Find(c), nullptr);
  EXPECT_EQ(cache->bytes(), 20);
  EXPECT_FALSE(std::filesystem::exists(folder_ / ("cache/" + b)));
}

TEST_F(CheckpointCacheTest, NeverEvictsWhatIsHeld) {
  const auto cache = Open(15);
  const std::string a = AddFile(*cache, 'a', 10);
  const auto held = cache->Find(a);
  AddFile(*cache, 'b', 10);
  EXPECT_TRUE(std::filesystem::exists(held->path));
}

TEST_F(CheckpointCacheTest, CommitsADownload) {
  const auto cache = Open(1000);
  const std::string sha256 = Sha256::Hex("content");
  WriteFile(cache->PartPath("lease"), "content");
  ASSERT_TRUE(cache->Commit(sha256, cache->PartPath("lease")).ok());
  EXPECT_EQ(ReadFile(cache->Find(sha256)->path), "content");
  EXPECT_FALSE(std::filesystem::exists(cache->PartPath("lease")));
}

TEST_F(CheckpointCacheTest, FindsWhatAnEarlierRunLeftAndRemovesWhatItLeftHalfWritten) {
  std::string sha256;
  std::string part;
  {
    const auto cache = Open(1000);
    sha256 = AddFile(*cache, 'a', 10);
    part = cache->PartPath("lease");
    WriteFile(part, "half");
  }
  const auto cache = Open(1000);
  EXPECT_NE(cache->Find(sha256), nullptr);
  EXPECT_EQ(cache->bytes(), 10);
  EXPECT_FALSE(std::filesystem::exists(part));
}

TEST_F(CheckpointCacheTest, RefusesAFolderThatIsAFile) {
  WriteFile(folder_ / "cache", "");
  EXPECT_TRUE(absl::IsInternal(CheckpointCache::Open(folder_ / "cache", 1000).status()));
}

}  // namespace
}  // namespace athanor::session
