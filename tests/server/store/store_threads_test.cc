// Reads from many threads while the writer commits.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/server/store/store_fixture.h"

namespace athanor {
namespace {

class StoreThreadsTest : public StoreContractTest {};
ATHANOR_FOR_EVERY_STORE(StoreThreadsTest);

// Each commit adds one step to two metrics and one decision, so a reader that ever sees curves of different length, or
// a curve that became shorter, has seen half a commit.
TEST_P(StoreThreadsTest, ReadersSeeWholeCommitsInOrder) {
  constexpr int64_t kCommits = 200;
  MustCommit({PutStudy{SmallStudy(1, "a")}, InsertTrial{1, SmallTrial(0)}, InsertAttempt{1, SmallAttempt(1, 0)}});
  std::atomic<bool> done = false;
  std::atomic<int64_t> torn = 0;
  std::atomic<int64_t> failed = 0;
  const auto read = [&] {
    int64_t seen = 0;
    for (bool last = false; !last;) {
      last = done;
      const auto curves = store().ReadCurves(1, 0, {}, Archived::kLeaveOut);
      const auto decisions = store().ReadDecisions(1, std::nullopt, 0, kCommits);
      const auto attempts = store().ReadAttempts(1, 0);
      if (!curves.ok() || !decisions.ok() || !attempts.ok()) {
        ++failed;
        continue;
      }
      if (curves->empty()) continue;
      const int64_t steps = std::ssize((*curves)[0].points);
      if (curves->size() != 2 || std::ssize((*curves)[1].points) != steps || steps < seen) ++torn;
      if (std::ssize(*decisions) < steps) ++torn;
      seen = steps;
    }
    if (seen != kCommits) ++torn;
  };
  std::vector<std::jthread> readers;
  for (int i = 0; i < 3; ++i) readers.emplace_back(read);
  for (int64_t step = 1; step <= kCommits; ++step) {
    DecisionRecord decision;
    decision.revision = step;
    MustCommit({AddDecision{1, decision}, AddMeasurement{1, 0, 1, {step, step, {{"a", 1}, {"b", 2}}}}});
  }
  done = true;
  readers.clear();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(torn, 0);
}

}  // namespace
}  // namespace athanor
