#include "server/coordinator/live_attempts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace athanor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

LiveAttempt& AddWithToken(LiveAttempts& attempts, TrialNumber trial, Token token) {
  LiveAttempt& live = attempts.Add(trial);
  live.attempt.token = token;
  live.reported.Add({1, 0, {{"loss", 0.5}}});
  return live;
}

std::vector<std::pair<TrialNumber, Token>> TokensIn(const LiveAttempts& attempts) {
  std::vector<std::pair<TrialNumber, Token>> tokens;
  for (const TrialNumber trial : attempts.Trials()) tokens.emplace_back(trial, attempts.Find(trial)->attempt.token);
  return tokens;
}

TEST(LiveAttemptsTest, HasNoneForATrialThatItNeverSaw) {
  const LiveAttempts attempts;
  EXPECT_EQ(attempts.Find(0), nullptr);
  EXPECT_EQ(attempts.Find(1'000'000), nullptr);
  EXPECT_EQ(attempts.Find(-1), nullptr);
  EXPECT_EQ(attempts.size(), 0);
  EXPECT_THAT(TokensIn(attempts), IsEmpty());
}

TEST(LiveAttemptsTest, WalksInOrderOfTrialWhateverTheOrderOfAdding) {
  LiveAttempts attempts;
  for (const TrialNumber trial : {7, 2, 9, 4}) AddWithToken(attempts, trial, trial + 100);
  EXPECT_THAT(TokensIn(attempts), ElementsAre(Pair(2, 102), Pair(4, 104), Pair(7, 107), Pair(9, 109)));
  attempts.Remove(7);
  EXPECT_EQ(attempts.size(), 3);
  EXPECT_EQ(attempts.Find(7), nullptr);
  EXPECT_THAT(TokensIn(attempts), ElementsAre(Pair(2, 102), Pair(4, 104), Pair(9, 109)));
}

TEST(LiveAttemptsTest, KeepsNothingOfTheOneWhosePlaceIsTaken) {
  LiveAttempts attempts;
  AddWithToken(attempts, 0, 1);
  attempts.Remove(0);
  const LiveAttempt& next = attempts.Add(5);
  EXPECT_EQ(attempts.Find(5), &next);
  EXPECT_EQ(next.attempt.token, 0);
  EXPECT_TRUE(next.reported.empty());
  EXPECT_EQ(attempts.Find(0), nullptr);
}

TEST(LiveAttemptsTest, LeavesAnAttemptWhereItIsWhileOthersComeAndGo) {
  LiveAttempts attempts;
  const LiveAttempt* first = &AddWithToken(attempts, 0, 1);
  for (TrialNumber trial = 1; trial < 1000; ++trial) AddWithToken(attempts, trial, trial + 1);
  for (TrialNumber trial = 1; trial < 1000; trial += 2) attempts.Remove(trial);
  EXPECT_EQ(attempts.Find(0), first);
  EXPECT_EQ(first->attempt.token, 1);
  EXPECT_EQ(attempts.Find(998)->attempt.token, 999);
}

}  // namespace
}  // namespace athanor
