#include "worker/training/tasks/evaluate.h"

#include <ATen/ops/arange.h>

#include <cstdio>

#include "worker/trainer/commands/commands.h"
#include "worker/trainer/commands/trained_model.h"
#include "worker/training/data/dataset.h"
#include "worker/training/data/prepare.h"
#include "worker/training/errors.h"

namespace athanor {
namespace {

using namespace training;

// The data set with the normalisation that the model was trained with.
Dataset DataFor(const TrainedModel& trained, DatasetCache& cache) {
  const SavedModel& saved = trained.saved;
  Dataset dataset = *cache.Get(trained.data, saved.options.task.task, trained.device, saved.options.threads, [] {});
  const ModelDescription& description = saved.description;
  if (!(dataset.shape == description.shape)) {
    throw DataError("the data are not of the shape that the model was trained on: other sizes, columns or classes");
  }
  const bool same = dataset.normalization.mean == description.normalization.mean &&
                    dataset.normalization.target_mean == description.normalization.target_mean &&
                    dataset.normalization.category_values == description.normalization.category_values;
  if (!same && (dataset.shape.input == InputKind::kTable || !description.normalization.target_mean.empty())) {
    throw DataError("the data are not those that the model was trained on: their columns have other means or values");
  }
  dataset.normalization = description.normalization;
  MakePixelScaling(dataset, trained.device);
  return dataset;
}

void Evaluate(const Arguments& arguments) {
  TrainedModel trained = LoadTrainedModel(arguments, Use::kApply);
  DatasetCache cache;
  const Dataset dataset = DataFor(trained, cache);
  const at::Tensor all =
      at::arange(dataset.test.count(), at::TensorOptions().dtype(at::kLong).device(dataset.test.inputs.device()));
  const std::unique_ptr<Scores> scores = training::Evaluate(*trained.saved.model, *trained.saved.task, MetricSet::kFull,
                                                            dataset, dataset.test, all, trained.device, [] {});
  for (const auto& [name, value] : scores->Values()) std::printf("test_%s %.17g\n", name.c_str(), value);
}

}  // namespace

int RunEvaluate(const std::vector<std::string>& words) {
  const Arguments arguments(words, {"checkpoint", "trial", "data-dir", "device"});
  return Guarded("evaluate", [&] { Evaluate(arguments); });
}

}  // namespace athanor
