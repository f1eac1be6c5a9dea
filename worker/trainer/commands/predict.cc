#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <optional>

#include "worker/trainer/commands/commands.h"
#include "worker/trainer/commands/output_file.h"
#include "worker/trainer/commands/trained_model.h"
#include "worker/training/data/inputs.h"
#include "worker/training/tasks/csv.h"

namespace athanor {
namespace {

using namespace training;

constexpr int64_t kBatch = 250;

std::string Number(double value) { return ToString(Value(value)); }

// Writes the answers to a batch as rows. Columns: input; for classification the predicted class, then the
// probability of each; of labels their probabilities; of numbers these, in the unit of the file; for reconstruction the
// mean squared error of each input, which is how unlike the training data it is.
class Rows {
 public:
  Rows(const SavedModel& saved, std::ostream& out)
      : task_(saved.options.task.task),
        outputs_(saved.description.shape.outputs),
        classes_(saved.description.normalization.classes),
        out_(out) {
    out_ << "input";
    if (task_ == TaskKind::kClassification) out_ << ",prediction";
    if (task_ == TaskKind::kReconstruction) out_ << ",error";
    for (int64_t i = 0; task_ != TaskKind::kReconstruction && i < outputs_; ++i) out_ << "," << CsvText(Name(i));
    out_ << "\n";
  }

  // answers: float32 or float64 [B, outputs], on the CPU; for reconstruction [B]: mean squared errors.
  void Write(const std::vector<std::string>& names, int64_t first, const at::Tensor& answers) {
    const at::Tensor values = answers.to(at::kDouble).reshape({answers.size(0), -1}).contiguous();
    const double* row = values.data_ptr<double>();
    for (int64_t i = 0; i < values.size(0); ++i, row += values.size(1)) {
      out_ << CsvText(names[static_cast<size_t>(first + i)]);
      if (task_ == TaskKind::kClassification) {
        out_ << "," << CsvText(Name(std::max_element(row, row + values.size(1)) - row));
      }
      for (int64_t j = 0; j < values.size(1); ++j) out_ << "," << Number(row[j]);
      out_ << "\n";
    }
  }

 private:
  std::string Name(int64_t output) const {
    const auto index = static_cast<size_t>(output);
    if (index < classes_.size()) return classes_[index];
    return (task_ == TaskKind::kRegression ? "value_" : "class_") + std::to_string(output);
  }

  TaskKind task_;
  int64_t outputs_;
  std::vector<std::string> classes_;
  std::ostream& out_;
};

void Predict(const Arguments& arguments) {
  const c10::NoGradGuard no_grad;
  TrainedModel trained = LoadTrainedModel(arguments, Use::kApply);
  const SavedModel& saved = trained.saved;
  const ModelDescription& description = saved.description;
  const Inputs inputs = ReadInputs(arguments.Required("input"), description.shape, description.normalization,
                                   trained.device, saved.options.threads, [] {});
  const std::string path = arguments.Or("out", "");
  std::optional<OutputFile> file;
  if (!path.empty()) file.emplace(path);
  std::ostream& out = file ? file->stream() : std::cout;
  Rows rows(saved, out);
  const int64_t count = inputs.dataset.test.count();
  for (int64_t start = 0; start < count; start += kBatch) {
    const at::Tensor indices = at::arange(start, std::min(start + kBatch, count), at::TensorOptions().dtype(at::kLong));
    const Batch batch = GatherBatch(inputs.dataset, inputs.dataset.test, indices, trained.device);
    const at::Tensor outputs = saved.model->Forward(batch.inputs);
    const bool reconstruction = saved.options.task.task == TaskKind::kReconstruction;
    const at::Tensor answers =
        reconstruction ? (outputs - batch.inputs).square().flatten(1).mean(1) : saved.task->Answers(outputs);
    rows.Write(inputs.names, start, answers.to(at::kCPU));
  }
  if (file) file->Commit();
}

}  // namespace

int RunPredict(const std::vector<std::string>& words) {
  const Arguments arguments(words, {"checkpoint", "input", "out", "trial", "device"});
  return Guarded("predict", [&] { Predict(arguments); });
}

}  // namespace athanor
