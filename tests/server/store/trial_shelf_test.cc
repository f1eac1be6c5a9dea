#include "server/store/trial_shelf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace athanor {
namespace {

using enum TrialStanding;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The trials in the order in which they go; the shelf is empty then.
std::vector<TrialKey> Order(TrialShelf<std::string>& shelf) {
  std::vector<TrialKey> order;
  while (const auto next = shelf.TakeNext(std::nullopt)) order.push_back(next->first);
  return order;
}

TEST(TrialShelf, TheEndedGoFirstThenWhoWasLongestNotUsed) {
  TrialShelf<std::string> shelf;
  shelf.Use({1, 0}, kUnfinished);
  shelf.Use({1, 1}, kEnded);
  shelf.Use({2, 0}, kUnfinished);
  shelf.Use({1, 2}, kEnded);
  shelf.Use({1, 0}, kUnfinished);
  EXPECT_THAT(Order(shelf), ElementsAre(TrialKey{1, 1}, TrialKey{1, 2}, TrialKey{2, 0}, TrialKey{1, 0}));
}

TEST(TrialShelf, WhoEndsKeepsTheTimeOfItsLastUse) {
  TrialShelf<std::string> shelf;
  for (TrialNumber trial = 0; trial < 4; ++trial) shelf.Use({1, trial}, kUnfinished);
  shelf.SetEnded({1, 3});
  shelf.SetEnded({1, 1});
  shelf.SetEnded({1, 9});  // has nothing
  EXPECT_EQ(shelf.Find({1, 9}), nullptr);
  EXPECT_THAT(Order(shelf), ElementsAre(TrialKey{1, 1}, TrialKey{1, 3}, TrialKey{1, 0}, TrialKey{1, 2}));
}

TEST(TrialShelf, AUseSaysAnewHowTheTrialStands) {
  TrialShelf<std::string> shelf;
  for (TrialNumber trial = 0; trial < 3; ++trial) shelf.Use({1, trial}, kEnded);
  shelf.Use({1, 0}, kUnfinished);  // retried
  shelf.Use({1, 1}, kEnded);       // its last words
  EXPECT_THAT(Order(shelf), ElementsAre(TrialKey{1, 2}, TrialKey{1, 1}, TrialKey{1, 0}));
}

TEST(TrialShelf, HoldsWhatItWasGivenUntilItIsTaken) {
  TrialShelf<std::unique_ptr<std::string>> shelf;
  EXPECT_EQ(shelf.Use({1, 0}, kUnfinished), nullptr);
  *shelf.Find({1, 0}) = std::make_unique<std::string>("held");
  EXPECT_EQ(*shelf.Use({1, 0}, kEnded), "held");
  EXPECT_EQ(shelf.TakeNext(TrialKey{1, 0}), std::nullopt) << "spared";
  const auto taken = shelf.TakeNext(TrialKey{1, 1});
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(*taken->second, "held");
  EXPECT_EQ(shelf.Find({1, 0}), nullptr);
}

TEST(TrialShelf, TheSparedOneIsPassedOver) {
  TrialShelf<std::string> shelf;
  shelf.Use({1, 0}, kEnded);
  shelf.Use({1, 1}, kUnfinished);
  EXPECT_EQ(shelf.TakeNext(TrialKey{1, 0})->first, (TrialKey{1, 1}));
  EXPECT_EQ(shelf.TakeNext(TrialKey{1, 0}), std::nullopt);
}

TEST(TrialShelf, AStudyThatIsTakenIsGoneForGood) {
  TrialShelf<std::string> shelf;
  for (const TrialKey& trial : {TrialKey{2, 1}, TrialKey{1, 5}, TrialKey{2, 0}, TrialKey{3, 0}}) {
    shelf.Use(trial, kUnfinished) = std::to_string(trial.study * 10 + trial.trial);
  }
  EXPECT_FALSE(shelf.IsDeleted(2));
  EXPECT_THAT(shelf.TakeStudy(2), ElementsAre("20", "21"));
  EXPECT_TRUE(shelf.IsDeleted(2));
  EXPECT_FALSE(shelf.IsDeleted(1));
  EXPECT_THAT(shelf.TakeStudy(2), IsEmpty());
  EXPECT_THAT(Order(shelf), ElementsAre(TrialKey{1, 5}, TrialKey{3, 0}));
}

}  // namespace
}  // namespace athanor
