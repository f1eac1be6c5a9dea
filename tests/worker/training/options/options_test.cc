#include "worker/training/options/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/training/errors.h"

namespace athanor::training {
namespace {

using testing::HasSubstr;

TEST(ParseTrainingOptions, TakesTheTablesDefaults) {
  const TrainingOptions options = ParseTrainingOptions({});
  EXPECT_EQ(options.model.architecture, Architecture::kLenet);
  EXPECT_EQ(options.data.kind, DatasetKind::kFashionMnist);
  EXPECT_EQ(options.task.loss, LossKind::kCrossEntropy) << "auto";
  EXPECT_EQ(options.early_end.stop_at, std::nullopt);
  EXPECT_EQ(options.batch_size, 128);
  EXPECT_EQ(options.optimizer.rule, UpdateRule::kSgd);
  EXPECT_EQ(options.optimizer.beta2, 0.999);
  EXPECT_EQ(options.threads, 1);
}

TEST(ParseTrainingOptions, TakesWhatIsGiven) {
  const TrainingOptions options = ParseTrainingOptions({{"model", std::string("mlp")},
                                                        {"activation", std::string("silu")},
                                                        {"optimizer", std::string("adamw")},
                                                        {"schedule", std::string("cosine")},
                                                        {"learning_rate", int64_t{1}},
                                                        {"dropout", 0.25},
                                                        {"norm", std::string("batch")},
                                                        {"milestones", std::string("1.5,30")},
                                                        {"task", std::string("regression")},
                                                        {"stop_at", -2.5}});
  EXPECT_EQ(options.model.architecture, Architecture::kMlp);
  EXPECT_EQ(options.model.activation, Activation::kSilu);
  EXPECT_EQ(options.optimizer.rule, UpdateRule::kAdamW);
  EXPECT_EQ(options.schedule.shape, ScheduleShape::kCosine);
  EXPECT_EQ(options.schedule.learning_rate, 1.0);
  EXPECT_EQ(options.model.dropout, 0.25);
  EXPECT_EQ(options.model.norm, Norm::kBatch);
  EXPECT_EQ(options.schedule.milestones, (std::vector<double>{1.5, 30}));
  EXPECT_EQ(options.task.loss, LossKind::kMse) << "auto";
  EXPECT_EQ(options.early_end.stop_at, -2.5);
}

TEST(ParseTrainingOptions, RefusesWhatCannotWorkNamingTheValue) {
  struct Case {
    NamedValues given;
    const char* expected;
  };
  const Case cases[] = {
      {{{"learning_rat", 0.1}}, "learning_rat"},
      {{{"learning_rate", -0.5}}, "-0.5 is out of range"},
      {{{"batch_size", 32.0}}, "32.0 is of type float"},
      {{{"model", std::string("resnet")}}, "resnet is unknown; want one of lenet, linear, mlp"},
      {{{"kernel_size", int64_t{4}}}, "kernel_size 4 is even"},
      {{{"nesterov", true}}, "nesterov needs momentum > 0"},
      {{{"schedule", std::string("cosine")}, {"learning_rate", 0.1}, {"min_learning_rate", 0.2}},
       "min_learning_rate 0.2 is above learning_rate 0.1"},
      {{{"prior_bias", true}, {"loss", std::string("mse")}}, "prior_bias sets logits; with loss: mse"},
      {{{"schedule", std::string("multistep")}}, "multistep needs milestones"},
      {{{"milestones", std::string("30,20")}}, "milestones 30,20: want ascending"},
      {{{"milestones", std::string("30,")}}, "milestones 30,: want ascending"},
      {{{"milestones", std::string("x")}}, "milestones x: want ascending"},
      {{{"model", std::string("torchscript")}}, "torchscript needs model_file"},
      {{{"task", std::string("regression")}, {"loss", std::string("focal")}}, "the loss is not one of the task's"},
      {{{"task", std::string("reconstruction")}}, "reconstruction needs model"},
      {{{"loss", std::string("focal")}, {"label_smoothing", 0.1}}, "label_smoothing needs loss"},
      {{{"accumulation_steps", int64_t{256}}}, "accumulation_steps 256 is above batch_size 128"},
  };
  for (const Case& c : cases) {
    try {
      ParseTrainingOptions(c.given);
      ADD_FAILURE() << "accepted: " << c.expected;
    } catch (const InfeasibleError& error) {
      EXPECT_THAT(error.what(), HasSubstr(c.expected));
    }
  }
}

TEST(ParseTrainingOptions, AcceptsSettingsOfAnUnusedPart) {
  EXPECT_NO_THROW(ParseTrainingOptions({{"model", std::string("mlp")}, {"kernel_size", int64_t{4}}}));
  EXPECT_NO_THROW(ParseTrainingOptions({{"optimizer", std::string("adam")}, {"nesterov", true}}));
}

}  // namespace
}  // namespace athanor::training
