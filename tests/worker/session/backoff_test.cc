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
