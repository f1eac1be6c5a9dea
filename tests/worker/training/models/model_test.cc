#include "worker/training/models/model.h"

#include <ATen/Context.h>
#include <ATen/ops/ones.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <set>

#include "worker/training/errors.h"

namespace athanor::training {
namespace {

Shape Images(int64_t height, int64_t width, int64_t classes) {
  return {.height = height, .width = width, .outputs = classes};
}

std::unique_ptr<Model> Make(const ModelOptions& options, const Shape& shape) {
  return MakeModel({.options = options, .shape = shape}, at::kCPU);
}

int64_t ParameterCount(Model& model) {
  int64_t count = 0;
  for (const NamedTensor& parameter : model.Parameters()) count += parameter.tensor.numel();
  return count;
}

TEST(MakeModel, HasTheDocumentedShape) {
  struct Case {
    const char* what;
    ModelOptions options;
    int64_t parameters;
  };
  const Case cases[] = {
      // 1*4*9+4 + 4*8*9+8, images 28 -> 14 -> 12 -> 6, dense 8*36*16+16 + 16*10+10
      {"lenet", {.hidden_units = 16, .channels = 4, .kernel_size = 3}, 40 + 296 + 4624 + 170},
      // and weight and bias for 4, 8 and 16 channels
      {"lenet with batch norm",
       {.hidden_units = 16, .channels = 4, .kernel_size = 3, .norm = Norm::kBatch},
       40 + 296 + 4624 + 170 + 2 * (4 + 8 + 16)},
      {"mlp", {.architecture = Architecture::kMlp, .hidden_units = 5, .hidden_layers = 2}, 784 * 5 + 5 + 30 + 60},
      {"linear", {.architecture = Architecture::kMlp, .hidden_layers = 0}, 7850},
  };
  for (const Case& c : cases) {
    const auto model = Make(c.options, Images(28, 28, 10));
    EXPECT_EQ(ParameterCount(*model), c.parameters) << c.what;
    EXPECT_EQ(model->Forward(at::ones({3, 1, 28, 28})).sizes(), (std::vector<int64_t>{3, 10})) << c.what;
    EXPECT_EQ(model->Buffers().empty(), c.options.norm == Norm::kNone) << c.what;
    std::set<std::string> names;
    for (const NamedTensor& parameter : model->Parameters()) names.insert(parameter.name);
    EXPECT_EQ(names.size(), model->Parameters().size()) << c.what << ": names are unique";
  }
}

TEST(MakeModel, TakesImagesThatAreNotSquare) {
  const auto model = Make({.hidden_units = 8, .channels = 2, .kernel_size = 3}, Images(12, 20, 3));
  EXPECT_EQ(model->Forward(at::ones({2, 1, 12, 20})).sizes(), (std::vector<int64_t>{2, 3}));
}

TEST(MakeModel, DependsOnTheGeneratorsSeed) {
  const auto weights = [](uint64_t seed) {
    at::manual_seed(seed);
    return Make({.channels = 2}, Images(28, 28, 10))->Parameters().front().tensor;
  };
  EXPECT_TRUE(weights(1).equal(weights(1)));
  EXPECT_FALSE(weights(1).equal(weights(2)));
}

TEST(MakeModel, AppliesTheActivation) {
  std::vector<at::Tensor> outputs;
  for (const Activation activation : {Activation::kRelu, Activation::kTanh, Activation::kGelu, Activation::kSilu}) {
    at::manual_seed(1);
    const auto model = Make({.channels = 2, .activation = activation}, Images(28, 28, 10));
    outputs.push_back(model->Forward(at::ones({1, 1, 28, 28})));
    for (size_t i = 0; i + 1 < outputs.size(); ++i) EXPECT_FALSE(outputs[i].equal(outputs.back()));
  }
}

TEST(MakeModel, DropsOutInTrainingOnly) {
  for (const Architecture architecture : {Architecture::kMlp, Architecture::kLenet}) {
    const auto model = Make({.architecture = architecture, .dropout = 0.5}, Images(28, 28, 10));
    const at::Tensor images = at::ones({2, 1, 28, 28});
    model->SetMode(Mode::kTraining);
    EXPECT_FALSE(model->Forward(images).equal(model->Forward(images)));
    model->SetMode(Mode::kEvaluation);
    EXPECT_TRUE(model->Forward(images).equal(model->Forward(images)));
  }
}

TEST(MakeModel, RefusesAKernelTooLargeForTheImages) {
  EXPECT_NO_THROW(Make({.kernel_size = 5}, Images(12, 12, 4)));  // 12 -> 6 -> 2 -> 1
  EXPECT_THROW(Make({.kernel_size = 7}, Images(12, 12, 4)), InfeasibleError);
}

}  // namespace
}  // namespace athanor::training
