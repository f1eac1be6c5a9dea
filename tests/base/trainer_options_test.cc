#include "base/trainer_options.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <stdexcept>

namespace athanor {
namespace {

TEST(TrainerOptions, HaveUniqueNamesHelpAndADefaultThatTheyAccept) {
  std::set<std::string_view> names;
  for (const TrainerOption& option : TrainerOptions()) {
    EXPECT_TRUE(names.insert(option.name).second) << option.name;
    EXPECT_FALSE(option.help.empty()) << option.name;
    EXPECT_EQ(option.help.find('\n'), std::string_view::npos) << option.name;
    EXPECT_EQ(WhyRefused(option, option.default_value), std::nullopt) << option.name;
    EXPECT_EQ(FindTrainerOption(option.name), &option);
  }
  EXPECT_EQ(FindTrainerOption("no_such_option"), nullptr);
  EXPECT_EQ(FindTrainerOption(""), nullptr);
}

TEST(WhyRefused, NamesTheValueAndWhatWouldBeAccepted) {
  struct Case {
    const char* option;
    Value value;
    const char* expected;  // null = accepted
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  const Case cases[] = {
      {"batch_size", int64_t{1}, nullptr},
      {"batch_size", int64_t{65536}, nullptr},
      {"batch_size", int64_t{0}, "0 is out of range; want int in [1, 65536]"},
      {"batch_size", int64_t{65537}, "65537 is out of range; want int in [1, 65536]"},
      {"batch_size", 32.0, "32.0 is of type float; want int in [1, 65536]"},
      {"batch_size", std::string("32"), "32 is of type string; want int in [1, 65536]"},
      {"batch_size", true, "true is of type bool; want int in [1, 65536]"},
      {"dropout", int64_t{0}, nullptr},
      {"dropout", 0.999, nullptr},
      {"dropout", 1.0, "1.0 is out of range; want float in [0.0, 1.0)"},
      {"dropout", int64_t{1}, "1 is out of range; want float in [0.0, 1.0)"},
      {"dropout", -0.1, "-0.1 is out of range; want float in [0.0, 1.0)"},
      {"learning_rate", 0.0, "0.0 is out of range; want float in (0.0, 1000.0]"},
      {"learning_rate", int64_t{1000}, nullptr},
      {"learning_rate", nan, "nan is out of range; want float in (0.0, 1000.0]"},
      {"learning_rate", inf, "inf is out of range; want float in (0.0, 1000.0]"},
      {"nesterov", false, nullptr},
      {"nesterov", int64_t{1}, "1 is of type int; want true or false"},
      {"optimizer", std::string("adamw"), nullptr},
      {"optimizer", std::string("Adam"),
       "Adam is unknown; want one of sgd, adagrad, rmsprop, adam, adamw, adabelief, ranger, lamb"},
      {"optimizer", int64_t{3},
       "3 is of type int; want one of sgd, adagrad, rmsprop, adam, adamw, adabelief, ranger, lamb"},
      {"data_dir", std::string("/data"), nullptr},
      {"data_dir", 1.5, "1.5 is of type float; want a string"},
  };
  for (const Case& c : cases) {
    const std::optional<std::string> why = WhyRefused(*FindTrainerOption(c.option), c.value);
    EXPECT_EQ(why.value_or("accepted"), c.expected == nullptr ? "accepted" : c.expected) << c.option;
  }
}

TEST(ClosestTrainerOption, SuggestsForASlipAndNothingElse) {
  EXPECT_EQ(ClosestTrainerOption("learning_rat"), "learning_rate");
  EXPECT_EQ(ClosestTrainerOption("optimiser"), "optimizer");
  EXPECT_EQ(ClosestTrainerOption("epoch"), "epochs");
  EXPECT_EQ(ClosestTrainerOption("quantum_flux"), "");
}

TEST(TrainerOptionsHash, IsStableWithinABuild) {
  EXPECT_EQ(TrainerOptionsHash().size(), 64u);
  EXPECT_EQ(TrainerOptionsHash(), TrainerOptionsHash());
}

TEST(TrainerSettings, GivesTheValueElseTheDefault) {
  const TrainerSettings settings({{"channels", int64_t{24}},
                                  {"learning_rate", int64_t{1}},
                                  {"nesterov", true},
                                  {"optimizer", std::string("adam")}});
  EXPECT_EQ(settings.Int("channels"), 24);
  EXPECT_EQ(settings.Int("batch_size"), 128);
  EXPECT_EQ(settings.Float("learning_rate"), 1.0) << "an int widens";
  EXPECT_EQ(settings.Float("beta1"), 0.9);
  EXPECT_TRUE(settings.Bool("nesterov"));
  EXPECT_EQ(settings.String("optimizer"), "adam");
  EXPECT_EQ(settings.String("dataset"), "fashion-mnist");
  EXPECT_TRUE(settings.Has("channels"));
  EXPECT_FALSE(settings.Has("batch_size"));
}

TEST(TrainerSettings, RefusesUnknownNamesAndValuesOutOfRange) {
  EXPECT_THROW(TrainerSettings({{"chanels", int64_t{24}}}), std::invalid_argument);
  EXPECT_THROW(TrainerSettings({{"channels", int64_t{0}}}), std::invalid_argument);
}

TEST(TrainerSettings, TakesAskingWronglyForAProgrammingError) {
  const TrainerSettings settings;
  EXPECT_THROW(settings.Int("no_such_option"), std::logic_error);
  EXPECT_THROW(settings.Int("dropout"), std::logic_error);
  EXPECT_THROW(settings.Float("channels"), std::logic_error);
  EXPECT_THROW(settings.Bool("optimizer"), std::logic_error);
}

}  // namespace
}  // namespace athanor
