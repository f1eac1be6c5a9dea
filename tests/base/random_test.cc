// Seeds are stored with studies, so these numbers must come out the same for ever: golden values were computed by an
// independent implementation in another language.
#include "base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string>
#include <vector>

namespace athanor {
namespace {

// xoshiro256** as its authors wrote it, with plain shifts.
uint64_t ReferenceNext(std::array<uint64_t, 4>& s) {
  const auto rotate = [](uint64_t x, int k) { return (x << k) | (x >> (64 - k)); };
  const uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
  s[2] ^= s[0], s[3] ^= s[1], s[1] ^= s[2], s[0] ^= s[3], s[2] ^= t;
  s[3] = rotate(s[3], 45);
  return result;
}

TEST(RandomTest, GivesThePublishedNumbersFromThePublishedState) {
  Random random(0);
  random.set_state({{1, 2, 3, 4}});
  for (const uint64_t expected :
       {uint64_t{11520}, uint64_t{0}, uint64_t{1509978240}, uint64_t{1215971899390074240},
        uint64_t{1216172134540287360}, uint64_t{607988272756665600}, uint64_t{16172922978634559625u},
        uint64_t{8476171486693032832}, uint64_t{10595114339597558777u}, uint64_t{2904607092377533576}}) {
    EXPECT_EQ(random.Next(), expected);
  }
}

TEST(RandomTest, SeedsThroughThePublishedSplitMix64) {
  const Random::State state = Random(1477776061723855037).state();
  EXPECT_EQ(state.words[0], 1985237415132408290u);
  EXPECT_EQ(state.words[1], 2979275885539914483u);
  EXPECT_EQ(state.words[2], 13511426838097143398u);
  EXPECT_EQ(state.words[3], 8488337342461049707u);
}

TEST(RandomTest, FollowsTheReferenceForTenThousandNumbers) {
  Random random(0xfeedface);
  const Random::State start = random.state();
  std::array<uint64_t, 4> reference = {start.words[0], start.words[1], start.words[2], start.words[3]};
  for (int i = 0; i < 10'000; ++i) ASSERT_EQ(random.Next(), ReferenceNext(reference)) << i;
}

TEST(RandomTest, KeepsItsGoldenNumbers) {
  Random words(42);
  for (const uint64_t expected : {0x15780b2e0c2ec716u, 0x6104d9866d113a7eu, 0xae17533239e499a1u, 0xecb8ad4703b360a1u}) {
    EXPECT_EQ(words.Next(), expected);
  }
  Random uniform(42);
  for (const double expected : {0.08386297105988216, 0.3789802506626686, 0.6800434110281394}) {
    EXPECT_EQ(uniform.Uniform(), expected);
  }
  Random below(42);
  for (const uint64_t expected : {2, 2, 9, 3, 6, 4, 4, 7, 8, 5}) EXPECT_EQ(below.Below(10), expected);
  Random rejecting(42);  // 3 * 2^62: a quarter of all words is rejected
  for (const uint64_t expected : {uint64_t{6990951692964543102}, uint64_t{12544586762248559009u},
                                  uint64_t{3222516053899960481}, uint64_t{4460494922783153764}}) {
    EXPECT_EQ(rejecting.Below(uint64_t{3} << 62), expected);
  }
}

TEST(RandomTest, ContinuesFromASavedState) {
  Random random(7);
  random.Next();
  const Random::State saved = random.state();
  const uint64_t next = random.Next();
  Random resumed(99);
  resumed.set_state(saved);
  EXPECT_EQ(resumed.Next(), next);
}

TEST(RandomTest, UniformStaysBelowOneAndCoversTheInterval) {
  Random random(1);
  double least = 1, most = 0, sum = 0;
  constexpr int kDraws = 100'000;
  for (int i = 0; i < kDraws; ++i) {
    const double u = random.Uniform();
    least = std::min(least, u);
    most = std::max(most, u);
    sum += u;
  }
  EXPECT_GE(least, 0);
  EXPECT_LT(least, 1e-3);
  EXPECT_LT(most, 1);
  EXPECT_GT(most, 1 - 1e-3);
  EXPECT_NEAR(sum / kDraws, 0.5, 0.005);  // five standard deviations
}

TEST(RandomTest, BelowOneIsZeroAndOtherBoundsAreEquallyLikely) {
  Random random(3);
  EXPECT_EQ(random.Below(1), 0u);
  std::array<int, 7> hits{};
  for (int i = 0; i < 70'000; ++i) ++hits[random.Below(7)];
  for (const int count : hits) EXPECT_NEAR(count, 10'000, 500);  // five standard deviations
}

TEST(RandomTest, NormalHasMeanZeroAndVarianceOne) {
  Random random(5);
  double sum = 0, squares = 0;
  constexpr int kDraws = 100'000;
  for (int i = 0; i < kDraws; ++i) {
    const double x = random.Normal();
    ASSERT_TRUE(std::isfinite(x));
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / kDraws, 0, 0.016);
  EXPECT_NEAR(squares / kDraws, 1, 0.023);
}

TEST(HashTest, KeepsItsGoldenNumbers) {
  EXPECT_EQ(HashWords({}), 0xe220a8397b1dcdafu);
  EXPECT_EQ(HashWords({0}), 0x671708e28042ff96u);
  EXPECT_EQ(HashWords({1, 2, 3}), 0x0dd898d27509d105u);
  EXPECT_EQ(HashWords({3, 2, 1}), 0x755fda5a848736b8u);
  EXPECT_EQ(HashWords({~uint64_t{0}}), 0x6c46119e6fa89025u);
  EXPECT_EQ(HashString(""), 0xf52a15e9a9b5e89bu);
  EXPECT_EQ(HashString("learning_rate"), 0x44f38593152e7252u);
  EXPECT_EQ(HashString("momentum"), 0xf5ad3af4abcfe24au);
}

TEST(PermuteTest, KeepsItsGoldenNumbers) {
  const std::vector<uint64_t> ten = {4, 8, 0, 1, 2, 5, 9, 6, 3, 7};
  for (uint64_t i = 0; i < ten.size(); ++i) EXPECT_EQ(Permute(42, 10, i), ten[i]);
  constexpr uint64_t kLargest = uint64_t{1} << 62;
  EXPECT_EQ(Permute(7, kLargest, 0), 2453625286612477678u);
  EXPECT_EQ(Permute(7, kLargest, 1), 3188619848943307785u);
  EXPECT_EQ(Permute(7, kLargest, kLargest - 1), 2076653745077682080u);
  EXPECT_EQ(Permute(7, 1'000'003, 0), 610554u);
  EXPECT_EQ(Permute(7, 1'000'003, 1'000'002), 21654u);
}

TEST(PermuteTest, IsABijectionOfEverySmallSize) {
  for (uint64_t size = 1; size <= 300; ++size) {
    for (const uint64_t seed : {0u, 1u, 12345u}) {
      std::vector<bool> seen(size);
      for (uint64_t i = 0; i < size; ++i) {
        const uint64_t image = Permute(seed, size, i);
        ASSERT_LT(image, size);
        ASSERT_FALSE(seen[image]) << "size " << size << ", seed " << seed << ", index " << i;
        seen[image] = true;
      }
    }
  }
}

TEST(PermuteTest, IsABijectionOfSizesAroundAPowerOfTwo) {
  for (const uint64_t size : {65'535u, 65'536u, 65'537u}) {
    std::vector<bool> seen(size);
    for (uint64_t i = 0; i < size; ++i) {
      const uint64_t image = Permute(9, size, i);
      ASSERT_LT(image, size);
      ASSERT_FALSE(seen[image]);
      seen[image] = true;
    }
  }
}

TEST(PermuteTest, GivesAnotherOrderForAnotherSeed) {
  std::set<std::string> orders;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    std::string order;
    for (uint64_t i = 0; i < 20; ++i) order += static_cast<char>('a' + Permute(seed, 20, i));
    orders.insert(order);
  }
  EXPECT_EQ(orders.size(), 50u);
}

TEST(PermuteTest, SendsTheFirstIndexEverywhere) {
  std::array<int, 6> hits{};
  for (uint64_t seed = 0; seed < 6'000; ++seed) ++hits[Permute(seed, 6, 0)];
  for (const int count : hits) EXPECT_NEAR(count, 1'000, 150);  // five standard deviations
}

}  // namespace
}  // namespace athanor
