// Every architecture trained for real, on a slice of Fashion-MNIST at 16 x 16 pixels, by Adam on one thread.
#include <ATen/Parallel.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/mse_loss.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "tests/worker/training/models/model_cases.h"
#include "worker/training/data/dataset.h"
#include "worker/training/errors.h"
#include "worker/training/optimizers/flat_parameters.h"
#include "worker/training/optimizers/optimizer.h"

namespace athanor::training {
namespace {

constexpr int64_t kExamples = 64;

class Learning : public testing::TestWithParam<ModelCase> {
 protected:
  static void SetUpTestSuite() {
    at::set_num_threads(1);
    try {
      images_ = Load({.kind = DatasetKind::kFashionMnist,
                      .max_train_examples = 2 * kExamples,
                      .max_test_examples = 10,
                      .img_size = 16});
    } catch (const DataError&) {  // then the images are made up
      images_ = Load({.kind = DatasetKind::kSyntheticImages, .max_train_examples = 2 * kExamples, .img_size = 16});
    }
    table_ = Load({.kind = DatasetKind::kSyntheticTable,
                   .categories = CategoryCoding::kEmbedded,
                   .max_train_examples = 2 * kExamples});
  }
  static void TearDownTestSuite() {
    images_.reset();
    table_.reset();
  }
  static std::shared_ptr<const Dataset> Load(const DataOptions& options) {
    return DatasetCache().Get(options, TaskKind::kClassification, at::kCPU, 1, [] {});
  }

  Learning() {
    at::manual_seed(1);
    model_ = MakeModel({.options = GetParam().options, .task = GetParam().task, .shape = dataset().shape}, at::kCPU);
    parameters_ = std::make_unique<FlatParameters>(*model_);
    optimizer_ = MakeOptimizer({.rule = UpdateRule::kAdam}, *parameters_);
  }

  static const Dataset& dataset() { return GetParam().table ? *table_ : *images_; }

  // The examples [start, start + count) of the training half.
  static Batch Examples(int64_t start, int64_t count) {
    return GatherBatch(dataset(), dataset().training_part, dataset().train_indices.narrow(0, start, count), at::kCPU);
  }

  at::Tensor Loss(const Batch& batch) {
    const at::Tensor outputs = model_->Forward(batch.inputs);
    if (GetParam().task == TaskKind::kReconstruction) return at::mse_loss(outputs, batch.inputs);
    return at::cross_entropy_loss(outputs, batch.targets);
  }

  double TrainStep(const Batch& batch, double learning_rate) {
    model_->SetMode(Mode::kTraining);
    const at::Tensor loss = Loss(batch);
    parameters_->ZeroGradients();
    loss.backward();
    optimizer_->Step(++step_, learning_rate);
    return loss.item<double>();
  }

  static std::shared_ptr<const Dataset> images_;
  static std::shared_ptr<const Dataset> table_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<FlatParameters> parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  int64_t step_ = 0;
};

std::shared_ptr<const Dataset> Learning::images_;
std::shared_ptr<const Dataset> Learning::table_;

INSTANTIATE_TEST_SUITE_P(Architectures, Learning, testing::ValuesIn(ModelCases()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(Learning, HalvesTheLossOnASliceWithinTwentyPasses) {
  constexpr int64_t kBatch = 32;
  const auto pass = [this] {
    double sum = 0;
    for (int64_t start = 0; start < kExamples; start += kBatch) {
      sum += TrainStep(Examples(start, kBatch), GetParam().learning_rate);
    }
    return sum;
  };
  const double first = pass();
  double last = first;
  for (int passes = 1; passes < 20 && last > first / 2; ++passes) last = pass();
  EXPECT_LE(last, first / 2);
}

TEST_P(Learning, OverfitsOneBatch) {
  const Batch batch = Examples(0, 16);
  const double first = TrainStep(batch, GetParam().learning_rate);
  double last = first;
  while (step_ < 400 && last > first / 50) last = TrainStep(batch, GetParam().learning_rate);
  EXPECT_LE(last, first / 50) << "began at " << first;
}

}  // namespace
}  // namespace athanor::training
