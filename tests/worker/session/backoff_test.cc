#include "worker/session/backoff.h"

#include <gtest/gtest.h>

namespace athanor::session {
namespace {

using std::chrono::milliseconds;

TEST(BackoffTest, DoublesUpToTheCapWithinTheUpperHalf) {
  Backoff backoff({.initial = milliseconds(100), .cap = milliseconds(1000)}, 1);
  for (const int ceiling : {100, 200, 400, 800, 1000, 1000, 1000}) {
    const Duration pause = backoff.Next();
    EXPECT_GE(pause, milliseconds(ceiling) / 2) << ceiling;
    EXPECT_LE(pause, milliseconds(ceiling)) << ceiling;
  }
}

TEST(BackoffTest, ObeysACapThatIsSetLater) {
  Backoff backoff({.initial = milliseconds(100), .cap = milliseconds(1000)}, 1);
  for (int i = 0; i < 4; ++i) backoff.Next();
  backoff.SetCap(milliseconds(300));
  for (int i = 0; i < 4; ++i) EXPECT_LE(backoff.Next(), milliseconds(300));
  backoff.SetCap(milliseconds(1000));
  EXPECT_LE(backoff.Next(), milliseconds(300));
  EXPECT_GT(backoff.Next(), milliseconds(299));
}

TEST(BackoffTest, StartsOverAfterASuccess) {
  Backoff backoff({.initial = milliseconds(100), .cap = milliseconds(1000)}, 1);
  for (int i = 0; i < 5; ++i) backoff.Next();
  backoff.Reset();
  EXPECT_LE(backoff.Next(), milliseconds(100));
}

TEST(BackoffTest, DiffersBetweenWorkersAndNotBetweenRuns) {
  const Backoff::Options options;
  Backoff one(options, 1), again(options, 1), other(options, 2);
  const Duration pause = one.Next();
  EXPECT_EQ(pause, again.Next());
  EXPECT_NE(pause, other.Next());
}

}  // namespace
}  // namespace athanor::session
