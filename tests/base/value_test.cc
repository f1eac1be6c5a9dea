#include "base/value.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "base/random.h"

namespace athanor {
namespace {

TEST(ValueTest, PrintsWhatPeopleWrite) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::pair<Value, std::string> cases[] = {{true, "true"},
                                                 {false, "false"},
                                                 {int64_t{0}, "0"},
                                                 {int64_t{-7}, "-7"},
                                                 {INT64_MAX, "9223372036854775807"},
                                                 {0.1, "0.1"},
                                                 {1.0, "1.0"},
                                                 {-2.5, "-2.5"},
                                                 {1e300, "1e+300"},
                                                 {1e-5, "1e-05"},
                                                 {kInfinity, "inf"},
                                                 {-kInfinity, "-inf"},
                                                 {std::nan(""), "nan"},
                                                 {-std::nan(""), "nan"},
                                                 {std::string("sgd"), "sgd"},
                                                 {std::string(""), ""}};
  for (const auto& [value, text] : cases) EXPECT_EQ(ToString(value), text);
}

TEST(ValueTest, PrintsDoublesSoThatTheyReadBackTheSame) {
  Random random(1);
  for (int i = 0; i < 10'000; ++i) {
    const double value = std::ldexp(random.Uniform() - 0.5, static_cast<int>(random.Below(600)) - 300);
    const std::string text = ToString(Value(value));
    EXPECT_EQ(std::stod(text), value) << text;
    EXPECT_NE(text.find_first_of(".e"), std::string::npos) << text;
  }
}

TEST(ValueTest, KeepsTypesApart) {
  EXPECT_NE(Value(int64_t{1}), Value(1.0));
  EXPECT_NE(Value(int64_t{1}), Value(std::string("1")));
  EXPECT_NE(Value(true), Value(int64_t{1}));
  EXPECT_STREQ(TypeName(Value(true)), "bool");
  EXPECT_STREQ(TypeName(Value(int64_t{1})), "int");
  EXPECT_STREQ(TypeName(Value(1.0)), "float");
  EXPECT_STREQ(TypeName(Value(std::string("1"))), "string");
}

}  // namespace
}  // namespace athanor
