#include "server/core/trial_map.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/random.h"

namespace athanor {
namespace {

TEST(TrialMapTest, HoldsWhatWasMadeUntilItIsErased) {
  TrialMap<std::string> map;
  EXPECT_EQ(map.Find(3), nullptr);
  const auto [value, is_new] = map.Make(3);
  EXPECT_TRUE(is_new);
  EXPECT_EQ(value, "");
  value = "three";
  EXPECT_FALSE(map.Make(3).second);
  EXPECT_EQ(map.Make(3).first, "three");
  EXPECT_EQ(*map.Find(3), "three");
  EXPECT_EQ(map.Find(2), nullptr);
  EXPECT_EQ(map.Find(3 + 16), nullptr);
  map.Erase(3);
  map.Erase(4);
  map.Erase(1000);
  EXPECT_EQ(map.Find(3), nullptr);
  EXPECT_EQ(map.Make(3).first, "");
}

TEST(TrialMapTest, ValuesStayWhereTheyAreWhileOthersComeAndGo) {
  TrialMap<int> map;
  const int* const first = &map.Make(17).first;
  for (TrialNumber trial = 0; trial < 10'000; ++trial) {
    if (trial != 17) map.Make(trial).first = 1;
  }
  for (TrialNumber trial = 0; trial < 10'000; ++trial) {
    if (trial != 17) map.Erase(trial);
  }
  EXPECT_EQ(map.Find(17), first);
  EXPECT_EQ(map.Find(18), nullptr);
}

TEST(TrialMapTest, FindsWhatAnOrderedMapFinds) {
  Random random(3);
  TrialMap<int> map;
  std::map<TrialNumber, int> expected;
  for (int i = 0; i < 5000; ++i) {
    const auto trial = static_cast<TrialNumber>(random.Below(200));
    if (random.Below(2) == 0) {
      map.Erase(trial);
      expected.erase(trial);
    } else {
      map.Make(trial).first = i;
      expected[trial] = i;
    }
    for (TrialNumber other = 0; other < 200; other += 7) {
      const auto found = expected.find(other);
      const int* const value = map.Find(other);
      ASSERT_EQ(value != nullptr, found != expected.end()) << other;
      if (value != nullptr) {
        ASSERT_EQ(*value, found->second) << other;
      }
    }
  }
}

}  // namespace
}  // namespace athanor
