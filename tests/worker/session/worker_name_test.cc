#include "worker/session/worker_name.h"

#include <gtest/gtest.h>

#include <optional>

#include "tests/worker/session/temporary_folder.h"

namespace athanor::session {
namespace {

TEST(WorkerNameTest, NumbersTheWorkersOfAHostAndReusesAFreeNumber) {
  const TemporaryFolder folder;
  std::optional<WorkerName> first = *WorkerName::Claim(folder.path(), "node", "");
  const auto second = WorkerName::Claim(folder.path(), "node", "");
  EXPECT_EQ(first->name(), "node-0");
  EXPECT_EQ(second->name(), "node-1");
  EXPECT_NE(first->folder(), second->folder());
  EXPECT_TRUE(std::filesystem::is_directory(first->folder()));
  first.reset();
  EXPECT_EQ(WorkerName::Claim(folder.path(), "node", "")->name(), "node-0");
}

TEST(WorkerNameTest, RefusesAWantedNameThatIsHeld) {
  const TemporaryFolder folder;
  const auto holder = WorkerName::Claim(folder.path(), "node", "trainer");
  ASSERT_TRUE(holder.ok());
  EXPECT_EQ(holder->name(), "trainer");
  EXPECT_TRUE(absl::IsFailedPrecondition(WorkerName::Claim(folder.path(), "node", "trainer").status()));
}

TEST(WorkerNameTest, RefusesNamesThatLeaveTheFolder) {
  const TemporaryFolder folder;
  for (const char* name : {"../up", "a/b", ".hidden", "white space"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(WorkerName::Claim(folder.path(), "node", name).status())) << name;
  }
}

TEST(WorkerNameTest, RefusesAStateFolderThatIsAFile) {
  const TemporaryFolder folder;
  WriteFile(folder / "file", "");
  EXPECT_TRUE(absl::IsInternal(WorkerName::Claim(folder / "file", "node", "").status()));
}

}  // namespace
}  // namespace athanor::session
