// As crash_test.cc, but the coordinator dies before every single write and sync that SQLite makes, wherever in a
// transaction that is: all of the call is there afterwards, or nothing of it.
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/integration/crash/disturbed_run.h"
#include "tests/integration/crash/reference.h"

namespace athanor {
namespace {

TEST(EveryWriteTest, DyingBeforeAWriteOrSyncLeavesAllOfACallOrNothing) {
  const Folder folder;
  const Reference reference = RunUndisturbed(folder);
  ASSERT_FALSE(HasFailure());
  const int most = reference.MostPassings("disk");
  ASSERT_GT(most, 0);
  int deaths = 0;
  for (int passing = 1; passing <= most; ++passing) {
    deaths += RunDisturbed(reference, {"disk", passing}, Durable::kEither);
    ASSERT_FALSE(HasFailure());
  }
  std::printf("writes and syncs enumerated: %zu calls, %d deaths\n", reference.calls.size(), deaths);
}

}  // namespace
}  // namespace athanor
