#include <cmath>
#include <numbers>

#include "worker/training/data/synthetic.h"

namespace athanor::training {
namespace {

constexpr double kColourEffect[] = {0, 3, -3};
constexpr double kSizeEffect[] = {0, 4};
// Three of ten examples lie below the first, three of ten above the second.
constexpr double kThresholds[] = {12, 18};

double DrawRow(Random& random, RawPart& part) {
  double x[4];
  for (double& value : x) part.numbers.push_back(value = random.Uniform());
  const uint64_t colour = random.Below(std::size(kColourEffect));
  const uint64_t size = random.Below(std::size(kSizeEffect));
  part.categories.push_back(static_cast<int64_t>(1 + colour));  // 0 is the empty text
  part.categories.push_back(static_cast<int64_t>(1 + size));
  return 10 * std::sin(std::numbers::pi * x[0]) + 20 * (x[1] - 0.5) * (x[1] - 0.5) + 10 * x[2] + kColourEffect[colour] +
         kSizeEffect[size] + random.Normal();
}

void MakeRow(TaskKind task, Random& random, RawPart& part) {
  const double y = DrawRow(random, part);
  switch (task) {
    case TaskKind::kClassification:
      part.classes.push_back((y >= kThresholds[0]) + (y >= kThresholds[1]));
      break;
    case TaskKind::kMultiLabel:
      for (const double threshold : kThresholds) part.targets.push_back(y >= threshold ? 1 : 0);
      break;
    case TaskKind::kRegression:
      part.targets.push_back(y);
      break;
    case TaskKind::kReconstruction:
      break;
  }
}

}  // namespace

std::unique_ptr<Source> MakeSyntheticTable(const DataOptions& options, TaskKind task) {
  RawDataset empty;
  empty.input = InputKind::kTable;
  empty.numeric_columns = {"x1", "x2", "x3", "x4"};
  empty.categorical_columns = {"colour", "size"};
  empty.category_values = {{"", "red", "green", "blue"}, {"", "small", "large"}};
  if (task == TaskKind::kClassification) empty.classes = {"low", "middle", "high"};
  if (task == TaskKind::kMultiLabel) empty.target_columns = {"above_12", "above_18"};
  if (task == TaskKind::kRegression) empty.target_columns = {"y"};
  return std::make_unique<SyntheticSource>("synthetic table", options, std::move(empty),
                                           [task](Random& random, RawPart& part) { MakeRow(task, random, part); });
}

}  // namespace athanor::training
