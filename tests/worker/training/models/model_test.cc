#include "worker/training/models/model.h"

#include <ATen/ops/allclose.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/worker/training/models/model_cases.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

std::unique_ptr<Model> MakeSeeded(const ModelSpec& spec, uint64_t seed = 1) {
  at::manual_seed(seed);
  return MakeModel(spec, at::kCPU);
}

at::Tensor Evaluated(Model& model, const at::Tensor& inputs) {
  const c10::NoGradGuard no_grad;
  model.SetMode(Mode::kEvaluation);
  return model.Forward(inputs);
}

class EveryModel : public testing::TestWithParam<ModelCase> {};
INSTANTIATE_TEST_SUITE_P(Architectures, EveryModel, testing::ValuesIn(ModelCases()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(EveryModel, TakesBatchesOfAnySizeAndImagesThatAreNotSquare) {
  const ModelSpec spec = GetParam().Spec(Images(3, 24, 32, 5));
  const auto model = MakeSeeded(spec);
  for (const int64_t batch : {1, 4}) {
    const at::Tensor inputs = RandomInputs(spec.shape, batch);
    const at::Tensor outputs = Evaluated(*model, inputs);
    if (spec.task == TaskKind::kReconstruction) {
      EXPECT_EQ(outputs.sizes(), inputs.sizes());
    } else {
      EXPECT_EQ(outputs.sizes(), (std::vector<int64_t>{batch, 5}));
    }
    EXPECT_EQ(outputs.scalar_type(), at::kFloat);
  }
}

TEST_P(EveryModel, NamesEachTensorOnceAndItsHead) {
  const auto model = MakeSeeded(GetParam().Spec(Images(1, 16, 16, 5)));
  std::set<std::string> names;
  size_t tensors = 0;
  size_t in_head = 0;
  for (const auto& list : {model->Parameters(), model->Buffers()}) {
    for (const NamedTensor& named : list) {
      names.insert(named.name);
      ++tensors;
      if (named.name.starts_with(model->HeadPrefix())) ++in_head;
    }
  }
  EXPECT_EQ(names.size(), tensors);
  EXPECT_GT(in_head, 0u);
  EXPECT_EQ(in_head == tensors, GetParam().options.architecture == Architecture::kLinear);
}

TEST_P(EveryModel, DependsOnTheSeedAlone) {
  const ModelSpec spec = GetParam().Spec(Images(1, 16, 16, 5));
  const at::Tensor inputs = RandomInputs(spec.shape, 2);
  const at::Tensor outputs = Evaluated(*MakeSeeded(spec, 1), inputs);
  EXPECT_TRUE(outputs.equal(Evaluated(*MakeSeeded(spec, 1), inputs)));
  EXPECT_FALSE(outputs.equal(Evaluated(*MakeSeeded(spec, 2), inputs)));
}

TEST_P(EveryModel, GivesTheSameHoweverItsWeightsLie) {
  ModelSpec spec = GetParam().Spec(Images(3, 16, 16, 5));
  const at::Tensor inputs = RandomInputs(spec.shape, 2);
  spec.options.channels_last = true;
  const at::Tensor last = Evaluated(*MakeSeeded(spec), inputs);
  spec.options.channels_last = false;
  EXPECT_TRUE(at::allclose(last, Evaluated(*MakeSeeded(spec), inputs), 1e-4, 1e-5));
}

TEST_P(EveryModel, DropsOutInTrainingOnly) {
  ModelSpec spec = GetParam().Spec(Images(1, 16, 16, 5));
  if (spec.options.architecture == Architecture::kLinear) GTEST_SKIP() << "has no hidden layer";
  if (spec.task == TaskKind::kReconstruction) GTEST_SKIP() << "has no head";
  spec.options.dropout = 0.5;
  const auto model = MakeSeeded(spec);
  const at::Tensor inputs = RandomInputs(spec.shape, 4);
  model->SetMode(Mode::kTraining);
  EXPECT_FALSE(model->Forward(inputs).equal(model->Forward(inputs)));
  EXPECT_TRUE(Evaluated(*model, inputs).equal(Evaluated(*model, inputs)));
}

TEST_P(EveryModel, RefusesWhatIsNoImageUnlessItTakesTables) {
  ModelSpec spec = GetParam().Spec(Images(1, 16, 16, 5));
  spec.shape = Table(6, {}, 5);
  const Architecture architecture = spec.options.architecture;
  if (architecture == Architecture::kMlp || architecture == Architecture::kLinear ||
      architecture == Architecture::kAutoencoder) {
    EXPECT_NO_THROW(MakeSeeded(spec));
  } else {
    EXPECT_THROW(MakeSeeded(spec), InfeasibleError);
  }
}

TEST(MakeModel, AppliesTheActivation) {
  std::vector<at::Tensor> outputs;
  const at::Tensor inputs = RandomInputs(Images(1, 16, 16, 5), 1);
  for (const Activation activation : {Activation::kRelu, Activation::kTanh, Activation::kGelu, Activation::kSilu,
                                      Activation::kLeakyRelu, Activation::kElu, Activation::kHardswish}) {
    const ModelSpec spec = {.options = {.channels = 2, .activation = activation}, .shape = Images(1, 16, 16, 5)};
    outputs.push_back(Evaluated(*MakeSeeded(spec), inputs));
    for (size_t i = 0; i + 1 < outputs.size(); ++i) EXPECT_FALSE(outputs[i].equal(outputs.back()));
  }
}

TEST(MakeModel, LaysKernelsOfOnePixelChannelsLastByTheirStrides) {
  ModelSpec spec;
  spec.options.architecture = Architecture::kMobilenetV3Small;
  spec.shape = Images(1, 28, 28, 10);
  for (const bool channels_last : {true, false}) {
    spec.options.channels_last = channels_last;
    int kernels = 0;
    for (const NamedTensor& parameter : MakeSeeded(spec)->Parameters()) {
      const at::Tensor& weight = parameter.tensor;
      if (weight.dim() != 4 || weight.size(2) != 1) continue;
      ++kernels;
      EXPECT_EQ(weight.stride(2), channels_last ? weight.size(1) : 1) << parameter.name;
    }
    EXPECT_EQ(kernels, 40);
  }
}

TEST(MakeModel, RefusesImagesThatAreTooSmall) {
  struct Case {
    const char* what;
    ModelOptions options;
    Shape works;
    Shape fails;
  };
  using enum Architecture;
  const Case cases[] = {
      // 12 -> 6 -> 2 -> 1 with a kernel of 5.
      {"lenet", {.channels = 2, .kernel_size = 5}, Images(1, 12, 12, 4), Images(1, 12, 10, 4)},
      // Three halvings.
      {"cnn", {.architecture = kCnn, .channels = 2, .blocks = 3}, Images(1, 8, 15, 4), Images(1, 7, 15, 4)},
  };
  for (const Case& c : cases) {
    EXPECT_NO_THROW(MakeSeeded({.options = c.options, .shape = c.works})) << c.what;
    EXPECT_THROW(MakeSeeded({.options = c.options, .shape = c.fails}), InfeasibleError) << c.what;
  }
}

TEST(MakeModel, RefusesLayersThatNoMemoryHolds) {
  // 4096 x 8192 x 9 x 9.
  const ModelOptions options = {.architecture = Architecture::kCnn, .channels = 4096, .blocks = 2, .kernel_size = 9};
  EXPECT_THROW(MakeSeeded({.options = options, .shape = Images(1, 64, 64, 10)}), InfeasibleError);
}

}  // namespace
}  // namespace athanor::training
