#include "worker/training/run/teacher.h"

#include <ATen/TensorOperators.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/training/run/trainer_fixture.h"
#include "worker/training/data/dataset.h"
#include "worker/training/errors.h"
#include "worker/training/options/options.h"

namespace athanor::training {
namespace {

using testing::HasSubstr;

class TeacherTest : public TrainerTest {
 protected:
  // Leaves a checkpoint of a trial with these options, and their data.
  void Train(const NamedValues& options) {
    TrialSpec spec = Spec(1);
    for (const auto& [name, value] : options) spec.options[name] = value;
    spec.final_checkpoint = true;
    Script script;
    const TrialResult result = Run(spec, script);
    ASSERT_EQ(result.ending, Ending::kDone) << result.reason;
    checkpoint_ = script.checkpoints.at(0).path;
    const TrainingOptions parsed = ParseTrainingOptions(spec.options);
    dataset_ = *datasets_.Get(parsed.data, parsed.task.task, at::kCPU, 1, [] {});
  }

  at::Tensor LogitsFor(const Normalization& normalization, const at::Tensor& inputs) const {
    return Teacher(checkpoint_, dataset_.shape, normalization, at::kCPU).Logits(inputs);
  }

  Batch FirstExamples(Dataset dataset) const {
    return GatherBatch(dataset, dataset.training_part, dataset.train_indices.narrow(0, 0, 20), at::kCPU);
  }

  std::string RefusalFor(const Shape& shape, const Normalization& normalization) const {
    try {
      Teacher(checkpoint_, shape, normalization, at::kCPU);
    } catch (const InfeasibleError& error) {
      return error.what();
    }
    return "none";
  }

  DatasetCache datasets_;
  std::filesystem::path checkpoint_;
  Dataset dataset_;
};

TEST_F(TeacherTest, SeesItsOwnStandardisationOfImages) {
  Train({});
  const at::Tensor expected = LogitsFor(dataset_.normalization, FirstExamples(dataset_).inputs);
  Dataset other = dataset_;
  other.normalization.mean[0] += 0.2;
  other.normalization.stddev[0] *= 3;
  const at::Tensor inputs = FirstExamples(other).inputs;
  EXPECT_LT((LogitsFor(other.normalization, inputs) - expected).abs().max().item<double>(), 1e-4);
  EXPECT_GT((LogitsFor(dataset_.normalization, inputs) - expected).abs().max().item<double>(), 1e-2);
}

TEST_F(TeacherTest, SeesItsOwnStandardisationOfTables) {
  Train({{"dataset", std::string("synthetic_table")}, {"model", std::string("mlp")}});
  const at::Tensor inputs = FirstExamples(dataset_).inputs;
  ASSERT_EQ(inputs.size(1), 4 + 4 + 3) << "numbers and two one-hot categories";
  Normalization other = dataset_.normalization;
  at::Tensor otherwise = inputs.clone();
  for (int64_t column = 0; column < 4; ++column) {
    const auto i = static_cast<size_t>(column);
    other.mean[i] += 0.5 * static_cast<double>(column);
    other.stddev[i] *= 2;
    otherwise.select(1, column).mul_(dataset_.normalization.stddev[i]).add_(dataset_.normalization.mean[i]);
    otherwise.select(1, column).sub_(other.mean[i]).div_(other.stddev[i]);
  }
  const at::Tensor expected = LogitsFor(dataset_.normalization, inputs);
  EXPECT_LT((LogitsFor(other, otherwise) - expected).abs().max().item<double>(), 1e-4);

  other.category_values[0][1] = "violet";
  EXPECT_THAT(RefusalFor(dataset_.shape, other), HasSubstr("other columns or other values in them"));
}

TEST_F(TeacherTest, WantsTheClassesThatItKnows) {
  Train({{"dataset", std::string("synthetic_images")},
         {"model", std::string("linear")},
         {"norm", std::string("none")},
         {"max_train_examples", int64_t{60}}});
  EXPECT_EQ(RefusalFor(dataset_.shape, dataset_.normalization), "none");
  Normalization names = dataset_.normalization;
  std::swap(names.classes[2], names.classes[3]);
  EXPECT_THAT(RefusalFor(dataset_.shape, names),
              HasSubstr("other classes: number 2 is lower left red there and lower right red in this data set"));
  for (size_t i = 0; i < names.classes.size(); ++i) names.classes[i] = std::to_string(i);
  EXPECT_EQ(RefusalFor(dataset_.shape, names), "none") << "numbers say nothing else";
  Shape shape = dataset_.shape;
  shape.outputs = 5;
  EXPECT_THAT(RefusalFor(shape, names), HasSubstr("on 12 classes; this data set has 5"));
}

}  // namespace
}  // namespace athanor::training
