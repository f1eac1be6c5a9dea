#include "worker/training/run/teacher.h"

#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>

#include <string>
#include <vector>

#include "worker/training/errors.h"

namespace athanor::training {
namespace {

bool MereNumbers(const std::vector<std::string>& names) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] != std::to_string(i)) return false;
  }
  return true;
}

void CheckFits(const SavedModel& saved, const Shape& shape, const Normalization& normalization,
               const std::string& teacher) {
  const Shape& own_shape = saved.description.shape;
  const Normalization& own = saved.description.normalization;
  if (saved.options.task.task != TaskKind::kClassification) throw InfeasibleError(teacher + " is not a classifier");
  if (!(own_shape == shape)) {
    throw InfeasibleError(teacher + " was trained on inputs of another size or on " +
                          std::to_string(own_shape.outputs) + " classes; this data set has " +
                          std::to_string(shape.outputs));
  }
  if (own.columns != normalization.columns || own.category_values != normalization.category_values) {
    throw InfeasibleError(teacher + " was trained on a table with other columns or other values in them");
  }
  if (own.classes == normalization.classes || MereNumbers(own.classes) || MereNumbers(normalization.classes)) return;
  for (size_t i = 0; i < own.classes.size(); ++i) {
    if (own.classes[i] == normalization.classes.at(i)) continue;
    throw InfeasibleError(teacher + " was trained on other classes: number " + std::to_string(i) + " is " +
                          own.classes[i] + " there and " + normalization.classes[i] + " in this data set");
  }
}

}  // namespace

Teacher::Teacher(const std::filesystem::path& checkpoint, const Shape& shape, const Normalization& normalization,
                 const at::Device& device)
    : saved_(LoadSavedModel(checkpoint, device, SavedPrecision::kAsTrained)) {
  CheckFits(saved_, shape, normalization, "teacher " + checkpoint.string());
  const Normalization& own = saved_.description.normalization;
  if (own.mean == normalization.mean && own.stddev == normalization.stddev) return;
  // What follows the numeric columns of a table is not standardised.
  const bool table = shape.input == InputKind::kTable;
  const size_t width =
      table ? static_cast<size_t>(shape.features) + shape.categories.size() : normalization.mean.size();
  std::vector<float> scale(width, 1), shift(width, 0);
  for (size_t i = 0; i < normalization.mean.size(); ++i) {
    scale[i] = static_cast<float>(normalization.stddev[i] / own.stddev.at(i));
    shift[i] = static_cast<float>((normalization.mean[i] - own.mean.at(i)) / own.stddev.at(i));
  }
  const std::vector<int64_t> sizes = table ? std::vector<int64_t>{1, -1} : std::vector<int64_t>{1, -1, 1, 1};
  scale_ = at::tensor(scale).view(sizes).to(device);
  shift_ = at::tensor(shift).view(sizes).to(device);
}

at::Tensor Teacher::Logits(const at::Tensor& inputs) {
  const c10::NoGradGuard no_grad;
  return saved_.model->Forward(scale_.defined() ? inputs.mul(scale_).add_(shift_) : inputs);
}

}  // namespace athanor::training
