#include "server/simulate/event_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "base/random.h"

namespace athanor {
namespace {

MonotonicTime At(int64_t nanoseconds) { return MonotonicTime(Duration(nanoseconds)); }

TEST(EventQueueTest, GivesTheEarliestFirst) {
  EventQueue queue;
  for (const int64_t at : {5, 1, 4, 2, 3}) queue.Push(At(at), static_cast<uint32_t>(at), EventKind::kStep);
  for (uint32_t worker = 1; worker <= 5; ++worker) {
    EXPECT_EQ(queue.top().at, At(worker));
    EXPECT_EQ(queue.Pop().worker, worker);
  }
  EXPECT_TRUE(queue.empty());
}

TEST(EventQueueTest, GivesEventsOfOneTimeInTheOrderOfPushing) {
  EventQueue queue;
  for (uint32_t worker = 0; worker < 100; ++worker) queue.Push(At(7), worker, EventKind::kLost);
  for (uint32_t worker = 0; worker < 100; ++worker) EXPECT_EQ(queue.Pop().worker, worker);
}

// Against a sorted list, with pushes between the pops, as workers make them.
TEST(EventQueueTest, IsInOrderWhilePushesAndPopsMix) {
  Random random(1);
  EventQueue queue;
  std::vector<std::tuple<int64_t, uint32_t>> expected;  // by time, then worker: numbered as they are pushed
  uint32_t pushed = 0;
  const auto push = [&](int64_t at) {
    queue.Push(At(at), pushed, EventKind::kStep);
    expected.emplace_back(at, pushed++);
  };
  for (int i = 0; i < 300; ++i) push(static_cast<int64_t>(random.Below(50)));
  for (int i = 0; i < 2000; ++i) {
    const auto first = std::ranges::min_element(expected);
    const auto [at, worker] = *first;
    expected.erase(first);
    const Event event = queue.Pop();
    ASSERT_EQ(event.at, At(at));
    ASSERT_EQ(event.worker, worker);
    if (i < 1700) push(at + static_cast<int64_t>(random.Below(50)));
  }
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace athanor
