#include "worker/session/stall_detector.h"

#include <gtest/gtest.h>

namespace athanor::session {
namespace {

constexpr Duration kTimeout = std::chrono::seconds(10);
constexpr Duration kTick{1};
constexpr MonotonicTime kStart{std::chrono::hours(1)};

TEST(StallDetectorTest, StallsAtTheTimeoutAndNotANanosecondBefore) {
  StallDetector detector;
  detector.Start(kTimeout, kStart);
  EXPECT_FALSE(detector.Stalled(kStart + kTimeout - kTick));
  EXPECT_TRUE(detector.Stalled(kStart + kTimeout));
}

TEST(StallDetectorTest, CountsFromTheLastMessage) {
  StallDetector detector;
  detector.Start(kTimeout, kStart);
  detector.OnMessage(kStart + kTimeout - kTick);
  EXPECT_FALSE(detector.Stalled(kStart + kTimeout));
  EXPECT_EQ(detector.Deadline(), kStart + kTimeout + kTimeout - kTick);
}

TEST(StallDetectorTest, NeverStallsWhileStopped) {
  StallDetector detector;
  detector.Start(kTimeout, kStart);
  detector.Stop();
  detector.OnMessage(kStart + kTick);  // does not start it again
  EXPECT_EQ(detector.Deadline(), std::nullopt);
  EXPECT_FALSE(detector.Stalled(kStart + std::chrono::hours(1000)));
}

TEST(StallDetectorTest, NeverStallsWithoutATimeout) {
  StallDetector detector;
  detector.Start(Duration::zero(), kStart);
  EXPECT_FALSE(detector.Stalled(kStart + std::chrono::hours(1000)));
}

}  // namespace
}  // namespace athanor::session
