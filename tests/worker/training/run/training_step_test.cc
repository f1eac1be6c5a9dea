// Steps that do not go as they should: a batch that does not fit into memory at once, gradients that are not finite.
#include "worker/training/run/training_step.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/worker/training/run/trainer_fixture.h"
#include "worker/training/run/runtime.h"

namespace athanor::training {
namespace {

// Has room for `room` examples at once; more ask for memory that no machine has.
class SmallMemory final : public Task {
 public:
  SmallMemory(std::unique_ptr<Task> task, int64_t room) : task_(std::move(task)), room_(room) {}
  at::Tensor TrainingLoss(const at::Tensor& outputs, const at::Tensor& targets) const override {
    if (outputs.size(0) > room_) at::empty({int64_t{1} << 50}, at::kByte);
    return task_->TrainingLoss(outputs, targets);
  }
  std::unique_ptr<Scores> NewScores(MetricSet metrics) const override { return task_->NewScores(metrics); }
  at::Tensor Answers(const at::Tensor& outputs) const override { return task_->Answers(outputs); }

 private:
  std::unique_ptr<Task> task_;
  int64_t room_;
};

class FactoredLoss final : public Task {
 public:
  FactoredLoss(std::unique_ptr<Task> task, const double& factor) : task_(std::move(task)), factor_(factor) {}
  at::Tensor TrainingLoss(const at::Tensor& outputs, const at::Tensor& targets) const override {
    return task_->TrainingLoss(outputs, targets) * factor_;
  }
  std::unique_ptr<Scores> NewScores(MetricSet metrics) const override { return task_->NewScores(metrics); }
  at::Tensor Answers(const at::Tensor& outputs) const override { return task_->Answers(outputs); }

 private:
  std::unique_ptr<Task> task_;
  const double& factor_;
};

class TrainingStepTest : public TrainerTest {
 protected:
  TrainingStepTest() {
    given_ = Spec(1).options;
    given_["norm"] = std::string("none");
    given_["dropout"] = 0.0;
  }

  // The weights after one step on the first 30 training examples, and the parts that it took.
  std::pair<at::Tensor, int64_t> WeightsAfterAStep(int64_t room) {
    const TrainingOptions options = ParseTrainingOptions(given_);
    const auto dataset = datasets_.Get(options.data, options.task.task, at::kCPU, 1, [] {});
    TaskSpec task_spec;
    task_spec.options = options.task;
    task_spec.shape = dataset->shape;
    const SmallMemory task(MakeTask(task_spec, at::kCPU), room);
    const LearningRateSchedule schedule(options.schedule, kStepsPerEpoch, kStepsPerEpoch);
    std::vector<std::string> notes;
    TrainingState state(options, *dataset, at::kCPU, 1, "identity", given_, Start::kFresh, notes);
    TrainingStep step(options, *dataset, task, nullptr, schedule, 0, 1, at::kCPU);
    const StepOutcome outcome = step.Run(dataset->train_indices.narrow(0, 0, 30), state, GradientNorm::kSkip);
    loss_ = outcome.loss.item<double>();
    return {state.parameters().values().clone(), state.progress.batch_parts};
  }

  // The weights after a step of fp16 for each factor of the loss, on the same examples; computed in 32 bits.
  at::Tensor WeightsAfterSteps(const std::vector<double>& factors) {
    TrainingOptions options = ParseTrainingOptions(given_);
    const auto dataset = datasets_.Get(options.data, options.task.task, at::kCPU, 1, [] {});
    TaskSpec task_spec;
    task_spec.options = options.task;
    task_spec.shape = dataset->shape;
    double factor = 1;
    const FactoredLoss task(MakeTask(task_spec, at::kCPU), factor);
    const LearningRateSchedule schedule(options.schedule, kStepsPerEpoch, kStepsPerEpoch);
    std::vector<std::string> notes;
    TrainingState state(options, *dataset, at::kCPU, 1, "identity", given_, Start::kFresh, notes);
    options.precision = Precision::kFloat16;  // after the state, whose model would want a GPU
    TrainingStep step(options, *dataset, task, nullptr, schedule, 0, 1, at::kCPU);
    for (const double next : factors) {
      factor = next;
      step.Run(dataset->train_indices.narrow(0, 0, 30), state, GradientNorm::kSkip);
    }
    if (state.average() != nullptr) state.average()->Swap();
    return state.parameters().values().clone();
  }

  NamedValues given_;
  DatasetCache datasets_;
  double loss_ = 0;
};

TEST_F(TrainingStepTest, DividesABatchUntilItFitsAndTakesTheSameStep) {
  given_["out_of_memory"] = std::string("accumulate");
  const auto [whole, one] = WeightsAfterAStep(30);
  const double loss = loss_;
  EXPECT_EQ(one, 1);
  const auto [divided, parts] = WeightsAfterAStep(8);
  EXPECT_EQ(parts, 4) << "30 and 15 are too many, 8 are not";
  EXPECT_NEAR(loss_, loss, 1e-6);
  EXPECT_LT((divided - whole).abs().max().item<double>(), 1e-6);
}

TEST_F(TrainingStepTest, GivesUpWhereASingleExampleDoesNotFit) {
  given_["out_of_memory"] = std::string("accumulate");
  EXPECT_THROW(WeightsAfterAStep(0), c10::Error);
}

TEST_F(TrainingStepTest, SkippedStepsAreNoneToTheOptimiserAndTheAverage) {
  constexpr double kOverflow = std::numeric_limits<double>::infinity();
  given_["schedule"] = std::string("constant");
  given_["warmup_epochs"] = 0.0;
  given_["lookahead_steps"] = int64_t{2};
  given_["weight_average_decay"] = 0.9;
  for (const char* optimizer : {"adam", "ranger", "lamb"}) {
    given_["optimizer"] = std::string(optimizer);
    const at::Tensor without = WeightsAfterSteps({1, 1, 1});
    EXPECT_TRUE(without.equal(WeightsAfterSteps({kOverflow, 1, kOverflow, kOverflow, 1, 1}))) << optimizer;
    EXPECT_FALSE(without.equal(WeightsAfterSteps({1, 1}))) << optimizer;
  }
}

TEST_F(TrainingStepTest, DividesNothingUnlessAskedTo) { EXPECT_THROW(WeightsAfterAStep(29), c10::Error); }

TEST(IsOutOfMemory, TellsItFromOtherErrors) {
  const auto error = [](const auto& action) {
    try {
      action();
    } catch (const c10::Error& thrown) {
      return IsOutOfMemory(thrown);
    }
    ADD_FAILURE() << "no error";
    return false;
  };
  EXPECT_TRUE(error([] { TORCH_CHECK_WITH(OutOfMemoryError, false, "of a device"); }));
  EXPECT_TRUE(error([] { at::empty({int64_t{1} << 50}, at::kByte); }));
  EXPECT_FALSE(error([] { TORCH_CHECK(false, "sizes do not match"); }));
}

}  // namespace
}  // namespace athanor::training
