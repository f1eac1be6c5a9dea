#include "server/core/study_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>

#include "tests/server/core/spaces.h"

namespace athanor {
namespace {

using testing::Choice;
using testing::Float;
using testing::Int;
using testing::Number;
using testing::Pointed;
using testing::Stepped;
using testing::Text;
using testing::When;

StudySpec Example() {
  StudySpec spec;
  spec.name = "fashion-lenet";
  spec.labels = {{"team", "vision"}};
  spec.objectives = {{.metric = "val_accuracy", .goal = Goal::kMaximize}};
  spec.parameters = {Float("learning_rate", 1e-4, 1, Scale::kLog), Choice("batch_size", {Number(32), Number(64)}),
                     Choice("optimizer", {Text("sgd"), Text("adam")}),
                     When(Float("momentum", 0, 0.99), "optimizer", {Text("sgd")})};
  spec.early_stopping = AshaPromotion{{.min_resource = 1, .max_resource = 27}};
  spec.budget.trials = 60;
  spec.trainer = {{"model", Text("lenet")}, {"epochs", Number(27)}};
  return spec;
}

StudySpec GridExample() {
  StudySpec spec = Example();
  spec.search.method = "grid";
  spec.early_stopping = NoStopping{};
  spec.budget.trials.reset();
  spec.parameters = {Pointed(Float("learning_rate", 1e-4, 1, Scale::kLog), 5),
                     Choice("optimizer", {Text("sgd"), Text("adam")}),
                     When(Stepped(Float("momentum", 0, 0.9), 0.3), "optimizer", {Text("sgd")})};
  return spec;
}

template <typename Options>
Options& Stopping(StudySpec& spec) {
  if (!std::holds_alternative<Options>(spec.early_stopping)) spec.early_stopping = Options{};
  return std::get<Options>(spec.early_stopping);
}

TEST(CompleteForAnyTrainerTest, TakesParametersThatTheTrainerLacksAndChecksTheRest) {
  StudySpec spec = Example();
  spec.parameters = {Float("beta1", 0, 1)};
  spec.trainer = {{"epochs", Number(27)}};
  EXPECT_EQ(Complete(spec).code(), absl::StatusCode::kInvalidArgument);
  ASSERT_EQ(CompleteForAnyTrainer(spec), absl::OkStatus());
  EXPECT_EQ(MaxResource(spec), 27);

  Stopping<AshaPromotion>(spec).reduction_factor = 1;
  EXPECT_THAT(std::string(CompleteForAnyTrainer(spec).message()),
              ::testing::StartsWith("early_stopping.reduction_factor: 1 is out of range"));
}

TEST(CompleteTest, AcceptsTheExampleAndChangesNothingTheSecondTime) {
  StudySpec spec = Example();
  ASSERT_EQ(Complete(spec), absl::OkStatus());
  EXPECT_EQ(spec.budget.trials, 60);
  EXPECT_EQ(spec.requirements.device, "any");
  EXPECT_EQ(MaxResource(spec), 27);
  ASSERT_EQ(Complete(spec), absl::OkStatus());
  EXPECT_EQ(spec.trainer.size(), 2u);
}

TEST(CompleteTest, RefusesWithTheKeyPathTheValueAndWhatIsWanted) {
  const std::pair<std::function<void(StudySpec&)>, std::string> cases[] = {
      {[](auto& s) { s.name = ""; }, "name: \"\" is no study name; want [a-z0-9][a-z0-9_-]{0,62}"},
      {[](auto& s) { s.name = "Fashion"; }, "name: \"Fashion\" is no study name; want [a-z0-9][a-z0-9_-]{0,62}"},
      {[](auto& s) { s.name = "-a"; }, "name: \"-a\" is no study name; want [a-z0-9][a-z0-9_-]{0,62}"},
      {[](auto& s) { s.name = std::string(64, 'a'); },
       "name: \"" + std::string(64, 'a') + "\" is no study name; want [a-z0-9][a-z0-9_-]{0,62}"},
      {[](auto& s) { s.description = std::string(4097, 'a'); },
       "description: 4097 bytes are too many; want at most 4096"},
      {[](auto& s) {
         s.labels = {{"a b", "c"}};
       },
       "labels: \"a b\" is no label key; want [A-Za-z0-9][A-Za-z0-9_./-]{0,62}"},
      {[](auto& s) {
         s.labels = {{"a", "c\n"}};
       },
       "labels.a: a value of 2 bytes is refused; want at most 255 bytes without control characters"},
      {[](auto& s) { s.priority = 1'000'001; }, "priority: 1000001 is out of range; want int in [-1000000, 1000000]"},
      {[](auto& s) { s.owner = "a\tb"; }, "owner: 3 bytes are refused; want at most 255 without control characters"},
      {[](auto& s) { s.objectives.clear(); }, "objective: 0 objectives given; want exactly one"},
      {[](auto& s) { s.objectives.push_back({"loss"}); }, "objective: 2 objectives given; want exactly one"},
      {[](auto& s) { s.objectives[0].metric = ""; },
       "objective.metric: \"\" is no metric name; want 1 to 128 bytes without control characters"},

      {[](auto& s) { s.trainer["epoch"] = Number(3); },
       "trainer.epoch: \"epoch\" is no option of the trainer; did you mean \"epochs\"?"},
      {[](auto& s) { s.trainer["zzzzzzzz"] = Number(3); },
       "trainer.zzzzzzzz: \"zzzzzzzz\" is no option of the trainer; want one that the trainer lists"},
      {[](auto& s) { s.trainer["model"] = Text("resnet"); },
       "trainer.model: resnet is unknown; want one of lenet, linear, mlp, cnn, inception, gmlp, mobilenet_v3_small, "
       "mobilenet_v3_large, "
       "resnet18, resnet20, resnet32, resnet44, bilinear, autoencoder, conv_autoencoder, torchscript"},
      {[](auto& s) { s.trainer["epochs"] = Value(27.0); },
       "trainer.epochs: 27.0 is of type float; want int in [1, 1000000]"},
      {[](auto& s) { s.trainer["steps"] = Number(100); }, "trainer.steps: steps is for resource: step; want epochs"},
      {[](auto& s) { s.resource = Resource::kStep; }, "trainer.epochs: epochs is for resource: epoch; want steps"},

      {[](auto& s) { s.parameters[3].max = -1; }, "parameters.momentum.min: 0.0 is above max -1.0; want min <= max"},
      {[](auto& s) { s.parameters[3].max = 1; },
       "parameters.momentum.max: 1.0 is out of range; want float in [0.0, 1.0)"},
      {[](auto& s) { s.parameters[3].min = -0.1; },
       "parameters.momentum.min: -0.1 is out of range; want float in [0.0, 1.0)"},
      {[](auto& s) { s.parameters[1].values.push_back(Number(0)); },
       "parameters.batch_size.values[2]: 0 is out of range; want int in [1, 65536]"},
      {[](auto& s) { s.parameters[1].values.push_back(Text("64")); },
       "parameters.batch_size.values[2]: 64 is of type string; want int in [1, 65536]"},
      {[](auto& s) { s.parameters[1] = Float("batch_size", 1, 2); },
       "parameters.batch_size.min: 1.0 is of type float; want int in [1, 65536]"},
      {[](auto& s) { s.parameters[0].name = "learning_rat"; },
       "parameters.learning_rat: \"learning_rat\" is no option of the trainer; did you mean \"learning_rate\"?"},
      {[](auto& s) { s.trainer["momentum"] = Value(0.9); },
       "parameters.momentum: momentum is tuned here and fixed as trainer.momentum: 0.9; want one"},
      {[](auto& s) { s.parameters[3].when[0].values = {Text("adamw")}; },
       "parameters.momentum.when.optimizer[0]: adamw (string) is not a value of optimizer; want one of sgd, adam"},

      {[](auto& s) { Stopping<AshaPromotion>(s).reduction_factor = 1; },
       "early_stopping.reduction_factor: 1 is out of range; want int in [2, 1000000]"},
      {[](auto& s) { Stopping<AshaPromotion>(s).min_resource = 0; },
       "early_stopping.min_resource: 0 is out of range; want int in [1, 9007199254740992]"},
      {[](auto& s) { Stopping<AshaPromotion>(s).min_resource = 28; },
       "early_stopping.min_resource: 28 is above max_resource; want int in [1, 27]"},
      {[](auto& s) { Stopping<AshaPromotion>(s).max_resource = -1; },
       "early_stopping.max_resource: -1 is out of range; want int in [0, 9007199254740992]"},
      {[](auto& s) { Stopping<AshaPromotion>(s).max_resource = 28; },
       "trainer.epochs: 27 is below early_stopping.max_resource; want int >= 28"},
      {[](auto& s) {
         s.trainer.erase("epochs");
         Stopping<AshaPromotion>(s).max_resource = 2'000'000;
       },
       "early_stopping.max_resource: as trainer.epochs: 2000000 is out of range; want int in [1, 1000000]"},
      {[](auto& s) {
         s.trainer.erase("epochs");
         s.parameters.push_back(Int("epochs", 1, 9));
       },
       "parameters.epochs: 9 is below early_stopping.max_resource; want int >= 27"},
      {[](auto& s) { Stopping<AshaPromotion>(s).finalists = -1; },
       "early_stopping.finalists: -1 is too small; want int >= 0"},
      {[](auto& s) { Stopping<AshaPromotion>(s).startup_trials = 1; },
       "early_stopping.startup_trials: 1 is given to asha; only asha_stopping has it"},
      {[](auto& s) { Stopping<AshaStopping>(s).startup_trials = -1; },
       "early_stopping.startup_trials: -1 is too small; want int >= 0"},
      {[](auto& s) { Stopping<AshaStopping>(s).finalists = 2; },
       "early_stopping.finalists: 2 is given to asha_stopping; only asha and hyperband have it"},
      {[](auto& s) { Stopping<MedianStopping>(s).percentile = 30; },
       "early_stopping.percentile: 30.0 is given to median; want method: percentile"},
      {[](auto& s) { Stopping<PercentileStopping>(s).percentile = 0; },
       "early_stopping.percentile: 0.0 is out of range; want float in (0, 100)"},
      {[](auto& s) { Stopping<PercentileStopping>(s).percentile = 100; },
       "early_stopping.percentile: 100.0 is out of range; want float in (0, 100)"},
      {[](auto& s) { Stopping<PercentileStopping>(s).percentile = std::nan(""); },
       "early_stopping.percentile: nan is out of range; want float in (0, 100)"},
      {[](auto& s) { Stopping<MedianStopping>(s).startup_trials = -1; },
       "early_stopping.startup_trials: -1 is too small; want int >= 0"},
      {[](auto& s) { Stopping<MedianStopping>(s).warmup_steps = -1; },
       "early_stopping.warmup_steps: -1 is out of range; want int in [0, 9007199254740992]"},
      {[](auto& s) { Stopping<MedianStopping>(s).interval_steps = 0; },
       "early_stopping.interval_steps: 0 is out of range; want int in [1, 9007199254740992]"},
      {[](auto& s) { Stopping<MedianStopping>(s).min_trials = 0; },
       "early_stopping.min_trials: 0 is too small; want int >= 1"},

      {[](auto& s) { s.budget.trials = 0; }, "budget.trials: 0 is too small; want int >= 1"},
      {[](auto& s) { s.budget.trials.reset(); },
       "budget.trials: nothing would end the study; want budget.trials or budget.wall_clock"},
      {[](auto& s) { s.budget.parallel = -1; }, "budget.parallel: -1 is too small; want int >= 0"},
      {[](auto& s) { s.budget.wall_clock_ms = 0; }, "budget.wall_clock: 0ms is out of range; want 1ms to 3650d"},
      {[](auto& s) { s.budget.max_failures = 0; }, "budget.max_failures: 0 is too small; want int >= 1"},
      {[](auto& s) { s.budget.target = HUGE_VAL; }, "budget.target: inf is not finite; want a finite number"},
      {[](auto& s) { s.search.method = "annealing"; },
       "search.method: \"annealing\" is unknown; want auto, grid, random, sobol, tpe, gp or cmaes"},
      {[](auto& s) { s.search.method = "cmaes"; },
       "search.method: cmaes cannot search batch_size, which is categorical; want tpe"},
      {[](auto& s) { s.search.startup_trials = 5; },
       "search.startup_trials: 5 is given to auto; only tpe and gp have it"},
      {[](auto& s) {
         s.search.method = "sobol";
         s.search.random_share = 0.5;
       },
       "search.random_share: 0.5 is given to sobol; only tpe and gp have it"},
      {[](auto& s) {
         s.search.method = "gp";
         s.search.startup_trials = 0;
       },
       "search.startup_trials: 0 is too small; want int >= 1"},
      {[](auto& s) {
         s.search.method = "tpe";
         s.search.random_share = 1.5;
       },
       "search.random_share: 1.5 is out of range; want float in [0, 1]"},
      {[](auto& s) { s.search.method = "grid"; },
       "parameters.learning_rate: float in [1e-04, 1.0] is continuous; want points or step under a grid"},

      {[](auto& s) { s.retry.max_attempts = 0; }, "retry.max_attempts: 0 is too small; want int >= 1"},
      {[](auto& s) { s.retry.stall_timeout_ms = 0; }, "retry.stall_timeout: 0ms is out of range; want 1ms to 3650d"},
      {[](auto& s) { s.requirements.device = "tpu"; }, "requires.device: \"tpu\" is unknown; want any, cpu or cuda"},
      {[](auto& s) { s.requirements.devices = 0; }, "requires.devices: 0 is out of range; want int in [1, 1024]"},
      {[](auto& s) {
         s.requirements.labels = {{"", "x"}};
       },
       "requires.labels: \"\" is no label key; want [A-Za-z0-9][A-Za-z0-9_./-]{0,62}"},
      {[](auto& s) { s.checkpoint.interval_ms = -1; }, "checkpoint.interval: -1ms is out of range; want 0ms to 3650d"},
      {[](auto& s) { s.checkpoint.keep_best = -1; }, "checkpoint.keep_best: -1 is too small; want int >= 0"},
  };
  for (const auto& [change, message] : cases) {
    StudySpec spec = Example();
    change(spec);
    const absl::Status status = Complete(spec);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << message;
    EXPECT_EQ(std::string(status.message()), message);
  }
}

TEST(CompleteTest, FillsInWhatModelsNeed) {
  for (const char* method : {"tpe", "gp"}) {
    StudySpec spec = Example();
    spec.search.method = method;
    ASSERT_EQ(Complete(spec), absl::OkStatus());
    EXPECT_EQ(spec.search.startup_trials, 10);
    EXPECT_EQ(spec.search.random_share, 0.2);
    spec.search.startup_trials = 3;
    spec.search.random_share = 0;
    ASSERT_EQ(Complete(spec), absl::OkStatus());
    EXPECT_EQ(spec.search.startup_trials, 3);
    EXPECT_EQ(spec.search.random_share, 0);
  }
}

TEST(CompleteTest, GivesAGridEveryPoint) {
  StudySpec spec = GridExample();
  ASSERT_EQ(Complete(spec), absl::OkStatus());
  EXPECT_EQ(spec.budget.trials, 25);  // 5 rates x (4 momenta of sgd + adam)
}

TEST(CompleteTest, RefusesMoreTrialsThanAGridHas) {
  StudySpec spec = GridExample();
  spec.budget.trials = 25;
  EXPECT_EQ(Complete(spec), absl::OkStatus());
  spec.budget.trials = 26;
  EXPECT_EQ(Complete(spec).message(), "budget.trials: 26 is more than the grid has; want int in [1, 25]");
}

TEST(CompleteTest, RefusesAGridTooLargeToNumber) {
  StudySpec spec = GridExample();
  spec.parameters.clear();
  for (const char* name : {"learning_rate", "weight_decay", "min_learning_rate"}) {
    spec.parameters.push_back(Pointed(Float(name, 0.5, 1), int64_t{1} << 30));
  }
  EXPECT_EQ(Complete(spec).message(), "search.method: grid has more than 2^62 points; want a smaller space or random");
}

TEST(CompleteTest, AcceptsRandomThatOnlyAClockEnds) {
  StudySpec spec = Example();
  spec.budget.trials.reset();
  spec.budget.wall_clock_ms = 1000;
  EXPECT_EQ(Complete(spec), absl::OkStatus());
  EXPECT_EQ(spec.budget.trials, std::nullopt);
}

TEST(CompleteTest, TakesMaxResourceFromTheTrainer) {
  StudySpec spec = Example();
  Stopping<AshaPromotion>(spec).max_resource = 0;
  spec.trainer["epochs"] = Number(12);
  ASSERT_EQ(Complete(spec), absl::OkStatus());
  EXPECT_EQ(Stopping<AshaPromotion>(spec).max_resource, 12);

  spec = Example();
  Stopping<AshaStopping>(spec).max_resource = 0;
  spec.trainer.erase("epochs");
  ASSERT_EQ(Complete(spec), absl::OkStatus());
  EXPECT_EQ(Stopping<AshaStopping>(spec).max_resource, 10);  // the option's default
}

TEST(CompleteTest, TellsTheTrainerAMaxResourceThatOnlyTheRungsName) {
  StudySpec spec = Example();
  spec.trainer.erase("epochs");
  ASSERT_EQ(Complete(spec), absl::OkStatus());
  EXPECT_EQ(spec.trainer["epochs"], Number(27));
}

TEST(CompleteTest, FillsInThePercentileOfMedianAndAnyDevice) {
  StudySpec spec = Example();
  Stopping<MedianStopping>(spec).percentile = 0;
  spec.requirements.device = "";
  ASSERT_EQ(Complete(spec), absl::OkStatus());
  EXPECT_EQ(Stopping<MedianStopping>(spec).percentile, 50);
  EXPECT_EQ(spec.requirements.device, "any");
}

TEST(TrainerResourceTest, IsWhatIsFixedTunedOrTheDefault) {
  StudySpec spec;
  EXPECT_EQ(TrainerResource(spec), 10);
  spec.resource = Resource::kStep;
  EXPECT_EQ(TrainerResource(spec), 1000);
  spec.trainer["steps"] = Number(77);
  EXPECT_EQ(TrainerResource(spec), 77);

  spec.resource = Resource::kEpoch;
  spec.parameters = {Stepped(Int("epochs", 5, 30), 10)};
  EXPECT_EQ(TrainerResource(spec), 25);  // 35 is above max
  spec.parameters = {Choice("epochs", {Number(3), Number(9), Number(6)})};
  EXPECT_EQ(TrainerResource(spec), 9);
  spec.parameters[0].when = {{"optimizer", {Text("sgd")}}};
  EXPECT_EQ(TrainerResource(spec), 10);  // the default, where the condition does not hold
}

TEST(StoppingNameTest, NamesEveryRule) {
  EXPECT_EQ(StoppingName(NoStopping{}), "none");
  EXPECT_EQ(StoppingName(MedianStopping{}), "median");
  EXPECT_EQ(StoppingName(PercentileStopping{}), "percentile");
  EXPECT_EQ(StoppingName(AshaPromotion{}), "asha");
  EXPECT_EQ(StoppingName(AshaStopping{}), "asha_stopping");
}

}  // namespace
}  // namespace athanor
