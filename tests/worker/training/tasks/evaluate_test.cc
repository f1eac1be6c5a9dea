#include "worker/training/tasks/evaluate.h"

#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace athanor::training {
namespace {

std::unique_ptr<Task> Classification(const TaskOptions& options = {}) {
  return MakeTask({.options = options, .shape = {.outputs = 2}}, at::kCPU);
}

at::Tensor Row(std::vector<double> logits) { return at::tensor(logits, at::kFloat).unsqueeze(0); }

TEST(Classification, TrainsOnCrossEntropyWithSmoothing) {
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
    const auto task = Classification({.label_smoothing = c.smoothing});
    const at::Tensor loss = task->TrainingLoss(Row({0, ln2, 0}), at::tensor({c.label}, at::kLong));
    EXPECT_NEAR(loss.item<double>(), c.expected, 1e-6) << c.label << " " << c.smoothing;
  }
}

TEST(Classification, LossIsTheMeanOverTheBatch) {
  const double ln2 = std::log(2.0);
  const at::Tensor logits = at::tensor({0.0, ln2, 0.0, 0.0, ln2, 0.0}, at::kFloat).view({2, 3});
  EXPECT_NEAR(Classification()->TrainingLoss(logits, at::tensor({1, 0}, at::kLong)).item<double>(), 1.5 * ln2, 1e-6);
}

// Answers with the pixels of the image as logits.
class PixelModel final : public Model {
 public:
  at::Tensor Forward(const at::Tensor& images) override {
    modes.push_back(mode_);
    return images.flatten(1);
  }
  void SetMode(Mode mode) override { mode_ = mode; }
  void MoveTo(const at::Device&) override {}
  std::string HeadPrefix() const override { return ""; }
  std::vector<NamedTensor> Parameters() override { return {}; }
  std::vector<NamedTensor> Buffers() override { return {}; }
  std::vector<Mode> modes;

 private:
  Mode mode_ = Mode::kTraining;
};

Dataset PixelDataset(const at::Tensor& pixels, const at::Tensor& labels) {
  Dataset dataset;
  dataset.training_part = {pixels.view({pixels.size(0), 1, 1, pixels.size(1)}), labels};
  dataset.shape = {.height = 1, .width = pixels.size(1), .outputs = 2};
  dataset.normalization.mean = {0};
  dataset.normalization.stddev = {1.0 / 255};  // pixels come out as they are
  return dataset;
}

Metrics Evaluated(Model& model, const Dataset& dataset, const at::Tensor& indices,
                  const std::function<void()>& heartbeat) {
  return Evaluate(model, *Classification(), MetricSet::kBasic, dataset, dataset.training_part, indices, at::kCPU,
                  heartbeat)
      ->Values();
}

TEST(Evaluate, CountsTheShareClassifiedRightAndTheMeanLoss) {
  const Dataset dataset =
      PixelDataset(at::tensor({5, 0, 0, 5, 5, 0, 0, 0}, at::kByte).view({4, 2}), at::tensor({0, 1, 1, 0}, at::kLong));
  PixelModel model;
  int heartbeats = 0;
  const Metrics all = Evaluated(model, dataset, at::tensor({0, 1, 2}, at::kLong), [&] { ++heartbeats; });
  const double right = std::log1p(std::exp(-5.0)), wrong = std::log1p(std::exp(5.0));
  EXPECT_NEAR(all.at("loss"), (2 * right + wrong) / 3, 1e-6);
  EXPECT_NEAR(all.at("accuracy"), 2.0 / 3, 1e-12);
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
  const Metrics evaluation = Evaluated(model, dataset, at::tensor(all, at::kLong), [] {});
  EXPECT_NEAR(evaluation.at("loss"), (1000 * std::log(2.0) + 3 * std::log1p(std::exp(-10.0))) / 1003, 1e-6);
}

// Answers with NaN for every class.
class NanModel final : public Model {
 public:
  at::Tensor Forward(const at::Tensor& images) override {
    return images.flatten(1).mul(std::numeric_limits<double>::quiet_NaN());
  }
  void SetMode(Mode) override {}
  void MoveTo(const at::Device&) override {}
  std::string HeadPrefix() const override { return ""; }
  std::vector<NamedTensor> Parameters() override { return {}; }
  std::vector<NamedTensor> Buffers() override { return {}; }
};

TEST(Evaluate, CountsNothingOfADivergedModelAsRight) {
  const Dataset dataset = PixelDataset(at::tensor({5, 0, 0, 5}, at::kByte).view({2, 2}), at::tensor({0, 0}, at::kLong));
  NanModel model;
  const Metrics evaluation = Evaluated(model, dataset, at::tensor({0, 1}, at::kLong), [] {});
  EXPECT_TRUE(std::isnan(evaluation.at("loss")));
  EXPECT_EQ(evaluation.at("accuracy"), 0);
}

}  // namespace
}  // namespace athanor::training
