#include "server/core/packed_configuration.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <variant>
#include <vector>

namespace athanor {
namespace {

const Configuration kEveryType = {Value(true),
                                  Value(false),
                                  Value(int64_t{0}),
                                  Value(std::numeric_limits<int64_t>::min()),
                                  Value(std::numeric_limits<int64_t>::max()),
                                  Value(0.1),
                                  Value(-std::numeric_limits<double>::infinity()),
                                  std::nullopt,
                                  Value(std::string()),
                                  Value(std::string("sgd")),
                                  Value(std::string("a\0b", 3)),
                                  Value(std::string(1000, 'x'))};

TEST(PackedConfigurationTest, GivesBackWhatItWasMadeOf) {
  const PackedConfiguration packed = kEveryType;
  ASSERT_EQ(packed.size(), kEveryType.size());
  for (size_t i = 0; i < packed.size(); ++i) EXPECT_EQ(packed[i], kEveryType[i]) << i;
  EXPECT_EQ(packed.Unpack(), kEveryType);
}

TEST(PackedConfigurationTest, OfNoParametersIsEmpty) {
  EXPECT_EQ(PackedConfiguration().size(), 0U);
  EXPECT_EQ(PackedConfiguration(Configuration()).Unpack(), Configuration());
  EXPECT_EQ(PackedConfiguration(), PackedConfiguration(Configuration()));
  EXPECT_FALSE(PackedConfiguration() == PackedConfiguration(Configuration{std::nullopt}));
}

TEST(PackedConfigurationTest, KeepsNanAndTheSignOfZero) {
  const PackedConfiguration packed = Configuration{Value(std::nan("")), Value(-0.0)};
  EXPECT_TRUE(std::isnan(std::get<double>(*packed[0])));
  EXPECT_TRUE(std::signbit(std::get<double>(*packed[1])));
}

TEST(PackedConfigurationTest, ComparesByTypeAndValueAsConfigurationsDo) {
  const std::vector<Configuration> different = {
      {Value(1.0)},   {Value(int64_t{1})},   {Value(true)}, {Value(std::string("1"))},
      {std::nullopt}, {Value(std::nan(""))}, {Value(0.0)},  {Value(0.0), Value(1.0)}};
  for (size_t i = 0; i < different.size(); ++i) {
    for (size_t j = 0; j < different.size(); ++j) {
      const bool equal = PackedConfiguration(different[i]) == PackedConfiguration(different[j]);
      EXPECT_EQ(equal, different[i] == different[j]) << i << " and " << j;
    }
  }
  EXPECT_TRUE(PackedConfiguration(Configuration{Value(-0.0)}) == PackedConfiguration(Configuration{Value(0.0)}));
}

TEST(PackedConfigurationTest, OutlivesWhatItWasCopiedFrom) {
  PackedConfiguration copy;
  {
    const PackedConfiguration original = Configuration{Value(std::string("adam")), Value(int64_t{7})};
    copy = original;
  }
  EXPECT_EQ(copy, (Configuration{Value(std::string("adam")), Value(int64_t{7})}));
}

}  // namespace
}  // namespace athanor
