#include "worker/training/models/layers.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/var.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>

#include "worker/training/errors.h"

namespace athanor::training {
namespace {

// Channels of 1, 2; 3, 4; 5, 6; 7, 8 over two pixels, for one example [1, 4, 1, 2].
at::Tensor CountingImage() { return at::tensor({1., 2., 3., 4., 5., 6., 7., 8.}).to(at::kFloat).view({1, 4, 1, 2}); }

TEST(NormLayer, NormalisesOverWhatItsKindSays) {
  struct Case {
    Norm norm;
    int64_t channels;
    std::vector<double> expected;  // of the counting numbers 1 to 8
  };
  // A pair (a, a + 1) has the mean a + 1/2 and the deviation 1/2. The numbers 1 to 8 have the mean 4.5 and the variance
  // 5.25; four channels are one group.
  const double s = std::sqrt(5.25);
  const std::vector<double> pairs = {-1, 1, -1, 1, -1, 1, -1, 1};
  const std::vector<double> all = {-3.5 / s, -2.5 / s, -1.5 / s, -0.5 / s, 0.5 / s, 1.5 / s, 2.5 / s, 3.5 / s};
  const std::vector<double> same = {1, 2, 3, 4, 5, 6, 7, 8};
  const Case cases[] = {
      {Norm::kBatch, 4, pairs}, {Norm::kLayer, 4, all}, {Norm::kGroup, 4, all}, {Norm::kNone, 4, same}};
  for (const Case& c : cases) {
    NormLayer layer(c.norm, c.channels);
    const at::Tensor out = layer.Forward(CountingImage()).detach().flatten();
    EXPECT_TRUE(at::allclose(out, at::tensor(c.expected).to(at::kFloat), 1e-4, 1e-4)) << static_cast<int>(c.norm);
  }
}

TEST(NormLayer, TakesGroupsOfAtLeastFourChannels) {
  // Eight channels of one pixel are two groups: 1 to 4 and 5 to 8, of variance 1.25.
  NormLayer layer(Norm::kGroup, 8);
  const at::Tensor out = layer.Forward(CountingImage().view({1, 8, 1, 1})).detach().flatten();
  const double s = std::sqrt(1.25);
  const std::vector<double> group = {-1.5 / s, -0.5 / s, 0.5 / s, 1.5 / s, -1.5 / s, -0.5 / s, 0.5 / s, 1.5 / s};
  EXPECT_TRUE(at::allclose(out, at::tensor(group).to(at::kFloat), 1e-4, 1e-4));
}

TEST(NormLayer, EvaluatesByRunningStatistics) {
  NormLayer layer(Norm::kBatch, 4);
  layer.Forward(CountingImage());
  // Running mean 0 -> 0.1 * 1.5 for the first channel; running variance 1 -> 0.9 + 0.1 * 0.5 (unbiased).
  EXPECT_NEAR(layer.named_buffers()["running_mean"][0].item<float>(), 0.15, 1e-6);
  EXPECT_NEAR(layer.named_buffers()["running_var"][0].item<float>(), 0.95, 1e-6);
  layer.eval();
  EXPECT_NEAR(layer.Forward(CountingImage()).flatten()[0].item<float>(), (1 - 0.15) / std::sqrt(0.95 + 1e-5), 1e-5);
  EXPECT_NEAR(layer.named_buffers()["running_mean"][0].item<float>(), 0.15, 1e-6) << "evaluating changes nothing";
}

TEST(NormLayer, NormalisesRowsOfNumbersToo) {
  for (const Norm norm : {Norm::kLayer, Norm::kGroup}) {
    NormLayer layer(norm, 4);
    const at::Tensor out = layer.Forward(at::tensor({1., 3., 1., 3.}).to(at::kFloat).view({1, 4})).detach().flatten();
    EXPECT_TRUE(at::allclose(out, at::tensor({-1., 1., -1., 1.}).to(at::kFloat), 1e-4, 1e-4));
  }
}

TEST(NormLayer, TakesNumbersOfHalfTheWidth) {
  const at::Tensor image = CountingImage();
  for (const Norm norm : {Norm::kBatch, Norm::kLayer, Norm::kGroup}) {
    NormLayer layer(norm, 4);
    const at::Tensor half = layer.Forward(image.to(at::kBFloat16)).to(at::kFloat);
    EXPECT_TRUE(at::allclose(half, layer.Forward(image), 0.01, 0.01));
  }
  LastDimensionNorm last(2);
  EXPECT_TRUE(at::allclose(last.Forward(image.to(at::kBFloat16)).to(at::kFloat), last.Forward(image), 0.01, 0.01));
}

TEST(Convolution, KeepsTheSizeOfTheImageUnlessToldOtherwise) {
  const at::Tensor image = at::ones({1, 2, 9, 7});
  EXPECT_EQ(Convolution({.in = 2, .out = 3, .kernel = 5}).Forward(image).sizes(), (std::vector<int64_t>{1, 3, 9, 7}));
  EXPECT_EQ(Convolution({.in = 2, .out = 3, .kernel = 3, .stride = 2}).Forward(image).sizes(),
            (std::vector<int64_t>{1, 3, 5, 4}));
  EXPECT_EQ(Convolution({.in = 2, .out = 3, .kernel = 3, .padding = 0}).Forward(image).sizes(),
            (std::vector<int64_t>{1, 3, 7, 5}));
}

TEST(Convolution, IsDrawnWithinTheBoundOfItsInputs) {
  const Convolution layer({.in = 4, .out = 64, .kernel = 5, .bias = true});
  const double bound = 1 / std::sqrt(4. * 25);
  for (const at::Tensor& drawn : layer.parameters()) {
    EXPECT_LE(drawn.abs().max().item<float>(), bound);
    EXPECT_GT(drawn.abs().max().item<float>(), 0.9 * bound);
  }
}

TEST(InitializeConvolutions, GivesTheVarianceOfHeEtAl) {
  Convolution layer({.in = 32, .out = 64, .kernel = 3});
  InitializeConvolutions(layer);
  EXPECT_NEAR(at::var(layer.parameters().front()).item<float>(), 2 / (64. * 9), 0.05 * 2 / (64. * 9));
}

TEST(Dropout, KeepsTheMeanInTrainingAndAllInEvaluation) {
  Dropout dropout(0.25);
  const at::Tensor ones = at::ones({10000});
  const at::Tensor dropped = dropout.Forward(ones);
  EXPECT_NEAR(dropped.mean().item<float>(), 1, 0.03);
  EXPECT_NEAR(dropped.max().item<float>(), 4. / 3, 1e-6);
  EXPECT_EQ(dropped.min().item<float>(), 0);
  dropout.eval();
  EXPECT_TRUE(dropout.Forward(ones).equal(ones));
}

TEST(Gelu, HasItsGradientHoweverTheOneBehindItIsLaidOut) {
  at::manual_seed(1);
  const at::Tensor x = at::randn({15, 4, 3, 3});
  const auto gradient_of = [&](at::ScalarType type, const at::Tensor& behind) {
    const at::Tensor input = x.to(type, /*non_blocking=*/false, /*copy=*/true).requires_grad_();
    Gelu(input).backward(behind.to(type));
    return input.grad().to(at::kDouble);
  };
  const at::Tensor transposed = at::randn({15, 9, 4}).transpose(1, 2).view({15, 4, 3, 3});
  const at::Tensor channels_last = at::randn({15, 4, 3, 3}).contiguous(at::MemoryFormat::ChannelsLast);
  for (const at::Tensor& behind : {transposed, channels_last}) {
    EXPECT_TRUE(
        at::allclose(gradient_of(at::kFloat, behind), gradient_of(at::kDouble, behind.contiguous()), 1e-5, 1e-6));
  }
}

TEST(Dense, RefusesMoreThanFourGibibytes) {
  EXPECT_THROW(Dense(1 << 20, 1 << 11), InfeasibleError);
  EXPECT_THROW(Dense(int64_t{1} << 40, int64_t{1} << 40), InfeasibleError) << "a product that overflows";
}

}  // namespace
}  // namespace athanor::training
