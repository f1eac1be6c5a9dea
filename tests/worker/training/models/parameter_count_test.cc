#include <gtest/gtest.h>

#include "tests/worker/training/models/model_cases.h"

namespace athanor::training {
namespace {

using enum Architecture;

struct CountCase {
  const char* name;
  int64_t parameters;
  ModelOptions options;
  Shape shape;
};

std::ostream& operator<<(std::ostream& out, const CountCase& count_case) { return out << count_case.name; }

class ParameterCounts : public testing::TestWithParam<CountCase> {};

TEST_P(ParameterCounts, AreThePublishedOnes) {
  const auto model = MakeModel({.options = GetParam().options, .shape = GetParam().shape}, at::kCPU);
  EXPECT_EQ(ParameterCount(*model), GetParam().parameters);
}

// Of torchvision for 1000 classes; He et al. 2015, table 6, says 0.27, 0.46 and 0.66 million for the last three.
const CountCase kPublished[] = {
    {"mobilenet_v3_small", 2'542'856, {.architecture = kMobilenetV3Small}, Images(3, 224, 224, 1000)},
    {"mobilenet_v3_large", 5'483'032, {.architecture = kMobilenetV3Large}, Images(3, 224, 224, 1000)},
    {"resnet18", 11'689'512, {.architecture = kResnet18}, Images(3, 224, 224, 1000)},
    {"resnet20", 269'722, {.architecture = kResnet20}, Images(3, 32, 32, 10)},
    {"resnet32", 464'154, {.architecture = kResnet32}, Images(3, 32, 32, 10)},
    {"resnet44", 658'586, {.architecture = kResnet44}, Images(3, 32, 32, 10)},
    {"inception", 6'624'904, {.architecture = kInception}, Images(3, 224, 224, 1000)},
    // A kernel of 3 instead of 7 in the first convolution.
    {"resnet18_of_small_images", 11'689'512 - 3 * 64 * (49 - 9), {.architecture = kResnet18}, Images(3, 32, 32, 1000)},
};
INSTANTIATE_TEST_SUITE_P(Published, ParameterCounts, testing::ValuesIn(kPublished),
                         [](const auto& info) { return std::string(info.param.name); });

// Layer by layer, weights and biases.
const CountCase kByHand[] = {
    // Images 28 -> 14 -> 12 -> 6.
    {"lenet",
     1 * 4 * 9 + 4 + 4 * 8 * 9 + 8 + 8 * 36 * 16 + 16 + 16 * 10 + 10,
     {.hidden_units = 16, .channels = 4, .kernel_size = 3},
     Images(1, 28, 28, 10)},
    {"lenet_with_batch_norm",
     1 * 4 * 9 + 4 + 4 * 8 * 9 + 8 + 8 * 36 * 16 + 16 + 16 * 10 + 10 + 2 * (4 + 8 + 16),
     {.hidden_units = 16, .channels = 4, .kernel_size = 3, .norm = Norm::kBatch},
     Images(1, 28, 28, 10)},
    {"mlp",
     784 * 5 + 5 + 5 * 5 + 5 + 5 * 10 + 10,
     {.architecture = kMlp, .hidden_units = 5, .hidden_layers = 2},
     Images(1, 28, 28, 10)},
    {"linear", 784 * 10 + 10, {.architecture = kLinear}, Images(1, 28, 28, 10)},
    // Three numbers and two categories of 8 numbers each.
    {"mlp_of_a_table",
     (5 + 7) * 8 + (3 + 16) * 6 + 6 + 6 * 2 + 2,
     {.architecture = kMlp, .hidden_units = 6, .hidden_layers = 1, .category_units = 8},
     Table(3, {5, 7}, 2)},
    // 12 x 20 -> 6 x 10 -> 3 x 5.
    {"cnn",
     3 * 4 * 25 + 4 + 4 * 8 * 25 + 8 + 8 * 15 * 7 + 7,
     {.architecture = kCnn, .channels = 4, .blocks = 2, .kernel_size = 5},
     Images(3, 12, 20, 7)},
    // With a norm the convolutions have no bias.
    {"cnn_with_group_norm",
     3 * 4 * 25 + 8 + 4 * 8 * 25 + 16 + 8 * 15 * 7 + 7,
     {.architecture = kCnn, .channels = 4, .blocks = 2, .kernel_size = 5, .norm = Norm::kGroup},
     Images(3, 12, 20, 7)},
    // And a convolution over two channels, normed.
    {"inception_with_attention",
     6'624'904 + 2 * 49 + 2,
     {.architecture = kInception, .attention = Attention::kSpatial},
     Images(3, 224, 224, 1000)},
    // 2 x 3 tokens of 4 x 4 pixels; per block norm, expansion, the gate's norm, projection and bias, contraction.
    {"gmlp",
     3 * 16 * 8 + 8 + 2 * (16 + 8 * 12 + 12 + 12 + 36 + 6 + 6 * 8 + 8) + 16 + 8 * 5 + 5,
     {.architecture = kGmlp, .hidden_units = 12, .channels = 8, .blocks = 2, .patch_size = 4},
     Images(3, 8, 12, 5)},
    // Two streams of 3 -> 4 -> 8 channels, and all 64 products.
    {"bilinear",
     2 * (3 * 4 * 9 + 8 + 4 * 8 * 9 + 16) + 64 * 5 + 5,
     {.architecture = kBilinear, .channels = 4, .blocks = 2},
     Images(3, 8, 12, 5)},
    {"bilinear_compact",
     2 * (3 * 4 * 9 + 8 + 4 * 8 * 9 + 16) + 20 * 5 + 5,
     {.architecture = kBilinear, .channels = 4, .blocks = 2, .pooling = BilinearPooling::kCompact, .sketch_units = 20},
     Images(3, 8, 12, 5)},
    // 48 -> 10 -> 6 -> 4.
    {"autoencoder_with_head",
     48 * 10 + 10 + 10 * 10 + 10 + 10 * 6 + 6 + 6 * 4 + 4,
     {.architecture = kAutoencoder, .hidden_units = 10, .hidden_layers = 2, .embedding_units = 6},
     Images(3, 4, 4, 4)},
    // 3 x 8 x 12 -> 4 x 4 x 6 -> 8 x 2 x 3 -> 6 -> 4.
    {"conv_autoencoder_with_head",
     3 * 4 * 9 + 4 + 4 * 8 * 9 + 8 + 48 * 6 + 6 + 6 * 4 + 4,
     {.architecture = kConvAutoencoder, .channels = 4, .blocks = 2, .embedding_units = 6},
     Images(3, 8, 12, 4)},
};
INSTANTIATE_TEST_SUITE_P(ByHand, ParameterCounts, testing::ValuesIn(kByHand),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace athanor::training
