#include "worker/training/loss.h"

#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace athanor::training {
namespace {

at::Tensor Row(std::vector<double> logits) { return at::tensor(logits, at::kFloat).unsqueeze(0); }

TEST(CrossEntropy, MatchesHandComputedValues) {
  // softmax(0, ln 2, 0) = (1/4, 1/2, 1/4); with smoothing s the target is (1 - s) onehot + s / 3.
  const double ln2 = std::log(2.0);
  struct Case {
    int64_t label;
    double smoothing;
    double expected;
  };
  const Case cases[] = {
      {1, 0.0, ln2},                                          // -ln 1/2
      {0, 0.0, 2 * ln2},                                      // -ln 1/4
      {1, 0.3, 0.7 * ln2 + 0.1 * (2 * ln2 + ln2 + 2 * ln2)},  // 1.2 ln 2
      {0, 0.3, 0.7 * 2 * ln2 + 0.1 * 5 * ln2},                // 1.9 ln 2
  };
  for (const Case& c : cases) {
    const at::Tensor loss = CrossEntropy(Row({0, ln2, 0}), at::tensor({c.label}, at::kLong), c.smoothing);
    EXPECT_NEAR(loss.item<double>(), c.expected, 1e-6) << c.label << " " << c.smoothing;
  }
}

TEST(CrossEntropy, IsTheMeanOverTheBatch) {
  const double ln2 = std::log(2.0);
  const at::Tensor logits = at::tensor({0.0, ln2, 0.0, 0.0, ln2, 0.0}, at::kFloat).view({2, 3});
  EXPECT_NEAR(CrossEntropy(logits, at::tensor({1, 0}, at::kLong), 0).item<double>(), 1.5 * ln2, 1e-6);
}

// Answers with the pixels of the image as logits.
class PixelModel final : public Model {
 public:
  at::Tensor Forward(const at::Tensor& images) override {
    modes.push_back(mode_);
    return images.flatten(1);
  }
  void SetMode(Mode mode) override { mode_ = mode; }
  std::vector<NamedTensor> Parameters() override { return {}; }
  std::vector<NamedTensor> Buffers() override { return {}; }
  std::vector<Mode> modes;

 private:
  Mode mode_ = Mode::kTraining;
};

Dataset PixelDataset(const at::Tensor& pixels, const at::Tensor& labels) {
  Dataset dataset;
  dataset.training_file = {pixels, labels};
  dataset.height = 1;
  dataset.width = pixels.size(1);
  dataset.mean = 0;
  dataset.stddev = 1.0 / 255;  // pixels come out as they are
  return dataset;
}

TEST(Evaluate, CountsTheShareClassifiedRightAndTheMeanLoss) {
  const Dataset dataset =
      PixelDataset(at::tensor({5, 0, 0, 5, 5, 0, 0, 0}, at::kByte).view({4, 2}), at::tensor({0, 1, 1, 0}, at::kLong));
  PixelModel model;
  int heartbeats = 0;
  const Evaluation all =
      Evaluate(model, dataset, dataset.training_file, at::tensor({0, 1, 2}, at::kLong), [&] { ++heartbeats; });
  const double right = std::log1p(std::exp(-5.0)), wrong = std::log1p(std::exp(5.0));
  EXPECT_NEAR(all.loss, (2 * right + wrong) / 3, 1e-6);
  EXPECT_NEAR(all.accuracy, 2.0 / 3, 1e-12);
  EXPECT_EQ(heartbeats, 1);
  EXPECT_EQ(model.modes, std::vector<Mode>{Mode::kEvaluation});
}

TEST(Evaluate, WeighsTheLastSmallerBatchByItsSize) {
  const int64_t count = 1003;
  at::Tensor pixels = at::zeros({count, 2}, at::kByte);
  pixels.narrow(0, 1000, 3).select(1, 0).fill_(10);
  const Dataset dataset = PixelDataset(pixels, at::zeros({count}, at::kLong));
  std::vector<int64_t> all(count);
  for (int64_t i = 0; i < count; ++i) all[static_cast<size_t>(i)] = i;
  PixelModel model;
  const Evaluation evaluation = Evaluate(model, dataset, dataset.training_file, at::tensor(all, at::kLong), [] {});
  EXPECT_NEAR(evaluation.loss, (1000 * std::log(2.0) + 3 * std::log1p(std::exp(-10.0))) / 1003, 1e-6);
}

// Answers with NaN for every class.
class NanModel final : public Model {
 public:
  at::Tensor Forward(const at::Tensor& images) override {
    return images.flatten(1).mul(std::numeric_limits<double>::quiet_NaN());
  }
  void SetMode(Mode) override {}
  std::vector<NamedTensor> Parameters() override { return {}; }
  std::vector<NamedTensor> Buffers() override { return {}; }
};

TEST(Evaluate, CountsNothingOfADivergedModelAsRight) {
  const Dataset dataset = PixelDataset(at::tensor({5, 0, 0, 5}, at::kByte).view({2, 2}), at::tensor({0, 0}, at::kLong));
  NanModel model;
  const Evaluation evaluation = Evaluate(model, dataset, dataset.training_file, at::tensor({0, 1}, at::kLong), [] {});
  EXPECT_TRUE(std::isnan(evaluation.loss));
  EXPECT_EQ(evaluation.accuracy, 0);
}

}  // namespace
}  // namespace athanor::training
