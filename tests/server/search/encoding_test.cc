#include "server/search/encoding.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "server/search/random.h"
#include "tests/server/core/spaces.h"

namespace athanor {
namespace {

using testing::Choice;
using testing::Float;
using testing::Int;
using testing::Number;
using testing::Print;
using testing::RandomFiniteParameters;
using testing::Space;
using testing::Stepped;
using testing::Text;
using testing::When;

TEST(EncodingTest, PutsEveryNumberOnItsScale) {
  const SearchSpace space =
      Space({Float("x", -1, 3), Float("rate", 1e-4, 1, Scale::kLog), Int("n", 1, 4), Int("width", 1, 16, Scale::kLog),
             Stepped(Float("dropout", 0, 0.3), 0.1), Choice("c", {Text("a"), Text("b"), Text("c")}),
             When(Float("momentum", 0, 1), "c", {Text("a")}), Float("point", 2, 2)});
  const Encoding encoding(space);
  const Encoding::Point point = encoding.Encode({0.0, 1e-2, int64_t{3}, int64_t{2}, 0.1, Text("c"), std::nullopt, 2.0});
  EXPECT_DOUBLE_EQ(point[0], 0.25);
  EXPECT_DOUBLE_EQ(point[1], 0.5);
  EXPECT_DOUBLE_EQ(point[2], 0.625);                                               // the third of four cells
  EXPECT_NEAR(point[3], (std::log(2) + std::log(3)) / (2 * std::log(17)), 1e-15);  // [2, 3) in [1, 17)
  EXPECT_DOUBLE_EQ(point[4], 0.375);
  EXPECT_EQ(point[5], 2);
  EXPECT_TRUE(std::isnan(point[6]));
  EXPECT_EQ(point[7], 0);
}

TEST(EncodingTest, DividesAScaleIntoCells) {
  const SearchSpace space = Space({Int("n", 1, 4), Int("width", 1, 16, Scale::kLog)});
  const Encoding encoding(space);
  struct Case {
    size_t parameter;
    double coordinate;
    int64_t index;
    double lower, upper;
  };
  const double log17 = std::log(17);
  const Case cases[] = {{0, 0, 0, 0, 0.25},
                        {0, 0.25, 1, 0.25, 0.5},
                        {0, 0.99, 3, 0.75, 1},
                        {0, 1, 3, 0.75, 1},
                        {1, 0, 0, 0, std::log(2) / log17},
                        {1, 0.3, 1, std::log(2) / log17, std::log(3) / log17},
                        {1, 1, 15, std::log(16) / log17, 1}};
  for (const Case& c : cases) {
    const Encoding::Cell cell = encoding.CellOf(c.parameter, c.coordinate);
    EXPECT_EQ(cell.index, c.index) << c.coordinate;
    EXPECT_NEAR(cell.lower, c.lower, 1e-15) << c.coordinate;
    EXPECT_NEAR(cell.upper, c.upper, 1e-15) << c.coordinate;
  }
}

TEST(EncodingTest, DecodesWhatItEncoded) {
  const SearchSpace wide =
      Space({Float("wide", 1e-300, 1e300, Scale::kLog), Int("huge", 1, 1e6), Int("huge_log", 1, 1e6, Scale::kLog),
             Stepped(Float("stepped", 0, 0.3), 0.1), Stepped(Int("stepped_log", 3, 1e6, Scale::kLog), 7)});
  const Encoding encoding(wide);
  const RandomSearch random(wide, 1);
  for (int64_t i = 0; i < 2'000; ++i) {
    const Configuration drawn = random.Suggest({}, i, {});
    const Encoding::Point point = encoding.Encode(drawn);
    EXPECT_NEAR(std::log(std::get<double>(encoding.Decode(0, point[0]))), std::log(std::get<double>(*drawn[0])), 1e-9);
    for (size_t parameter = 1; parameter < wide.size(); ++parameter) {
      ASSERT_EQ(encoding.Decode(parameter, point[parameter]), *drawn[parameter]) << Print(wide, drawn);
    }
  }
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Random generator({seed, 7});
    const SearchSpace space = Space(RandomFiniteParameters(generator));
    const Encoding finite(space);
    const int64_t count = *space.CountConfigurations(SearchSpace::Points::kIgnore);
    for (int64_t rank = 0; rank < std::min<int64_t>(count, 50); ++rank) {
      const Configuration configuration = space.ConfigurationAt(rank, SearchSpace::Points::kIgnore);
      const Encoding::Point point = finite.Encode(configuration);
      for (size_t i = 0; i < space.size(); ++i) {
        ASSERT_EQ(std::isnan(point[i]), !configuration[i].has_value());
        if (configuration[i]) {
          ASSERT_EQ(finite.Decode(i, point[i]), *configuration[i]);
        }
      }
    }
  }
}

TEST(EncodingTest, ClampsCoordinatesFromOutside) {
  const SearchSpace space = Space({Float("x", 1, 2), Int("n", 1, 3), Choice("c", {Number(7), Number(8)})});
  const Encoding encoding(space);
  EXPECT_EQ(encoding.Decode(0, -0.1), Value(1.0));
  EXPECT_EQ(encoding.Decode(0, 1.1), Value(2.0));
  EXPECT_EQ(encoding.Decode(1, 5), Number(3));
  EXPECT_EQ(encoding.Decode(2, -1), Number(7));
  EXPECT_EQ(encoding.Decode(2, 2), Number(8));
}

}  // namespace
}  // namespace athanor
