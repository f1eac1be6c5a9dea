#include "worker/training/data/prepare.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <string>

#include "base/random.h"
#include "base/value.h"
#include "worker/training/data/split.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

using Raw = std::shared_ptr<const RawDataset>;
using Rows = std::vector<int64_t>;

// One-hot columns beyond this make rows that no network here is for.
constexpr int64_t kMaxOneHot = 4096;

Rows Range(int64_t start, int64_t count) {
  Rows rows(static_cast<size_t>(count));
  std::iota(rows.begin(), rows.end(), start);
  return rows;
}

Rows Chosen(const Rows& rows, const Rows& positions) {
  Rows chosen;
  chosen.reserve(positions.size());
  for (const int64_t position : positions) chosen.push_back(rows[static_cast<size_t>(position)]);
  return chosen;
}

void Truncate(Rows& rows, int64_t limit) {
  if (limit > 0 && std::ssize(rows) > limit) rows.resize(static_cast<size_t>(limit));
}

Split SplitRows(const RawDataset& raw, const Rows& rows, const DataOptions& options, double fraction, uint64_t seed) {
  if (options.split == SplitKind::kRandom) return MakeSplit(std::ssize(rows), fraction, seed);
  if (raw.train.classes.empty()) throw InfeasibleError("split: stratified needs examples with classes");
  return MakeStratifiedSplit(Chosen(raw.train.classes, rows), fraction, seed);
}

// Rows of raw.train, but for those of `validation` and `test` where the data set has such a part.
struct Division {
  Rows pool;        // all that is not test
  Rows train;       // positions in the pool
  Rows validation;  // positions in the pool and what follows it
  Rows test;        // empty: the data set has the part
};

Division Divide(const RawDataset& raw, const DataOptions& options) {
  Division division;
  division.pool = Range(0, raw.train.count);
  if (raw.test.count == 0) {
    const uint64_t seed = HashWords({HashString("test part"), options.split_seed});
    const Split split = SplitRows(raw, division.pool, options, options.test_fraction, seed);
    division.test = split.validation;
    division.pool = split.train;
    Truncate(division.test, options.max_test_examples);
  }
  Truncate(division.pool, options.max_train_examples);
  if (raw.validation.count > 0) {
    division.train = Range(0, std::ssize(division.pool));
    division.validation = Range(std::ssize(division.pool), raw.validation.count);
  } else {
    Split split = SplitRows(raw, division.pool, options, options.validation_fraction, options.split_seed);
    division.train = std::move(split.train);
    division.validation = std::move(split.validation);
  }
  return division;
}

void CheckTask(const RawDataset& raw, TaskKind task) {
  switch (task) {
    case TaskKind::kClassification:
      if (raw.train.classes.empty()) throw InfeasibleError("task: classification: the data set has no classes");
      break;
    case TaskKind::kMultiLabel:
      if (raw.train.targets.empty() ||
          !std::ranges::all_of(raw.train.targets, [](double value) { return value == 0 || value == 1; })) {
        throw InfeasibleError("task: multi_label: the data set has no columns of labels");
      }
      break;
    case TaskKind::kRegression:
      if (raw.train.targets.empty()) throw InfeasibleError("task: regression: the data set has no numbers to predict");
      break;
    case TaskKind::kReconstruction:
      break;
  }
}

// Sums are of integers, so the result does not depend on the order of summation.
void MeasurePixels(const RawDataset& raw, const Rows& rows, Normalization& normalization) {
  const auto plane = static_cast<size_t>(raw.height * raw.width);
  const auto channels = static_cast<size_t>(raw.channels);
  for (size_t channel = 0; channel < channels; ++channel) {
    uint64_t sum = 0, sum_of_squares = 0;
    for (const int64_t row : rows) {
      const size_t start = (static_cast<size_t>(row) * channels + channel) * plane;
      for (const uint8_t pixel : std::span(raw.train.pixels.data() + start, plane)) {
        sum += pixel;
        sum_of_squares += uint64_t{pixel} * pixel;
      }
    }
    const double count = static_cast<double>(rows.size() * plane);
    const double mean = static_cast<double>(sum) / count;
    const double variance = static_cast<double>(sum_of_squares) / count - mean * mean;
    normalization.mean.push_back(mean / 255);
    // A constant image has nothing to scale.
    normalization.stddev.push_back(variance > 0 ? std::sqrt(variance) / 255 : 1.0);
  }
}

// Of each column of `values` [n, columns] over the rows; deviations of the population.
void MeasureColumns(const std::vector<double>& values, size_t columns, const Rows& rows, std::vector<double>& means,
                    std::vector<double>& deviations) {
  for (size_t column = 0; column < columns; ++column) {
    const auto value = [&](int64_t row) { return values[static_cast<size_t>(row) * columns + column]; };
    double sum = 0, squares = 0;
    for (const int64_t row : rows) sum += value(row);
    const double mean = sum / static_cast<double>(rows.size());
    for (const int64_t row : rows) squares += (value(row) - mean) * (value(row) - mean);
    const double deviation = std::sqrt(squares / static_cast<double>(rows.size()));
    means.push_back(mean);
    // Rounding leaves a constant column with next to nothing, not with nothing.
    deviations.push_back(deviation > 1e-12 * std::abs(mean) ? deviation : 1.0);
  }
}

Normalization Measure(const RawDataset& raw, const Rows& train, TaskKind task) {
  Normalization normalization;
  if (raw.input == InputKind::kImages) {
    MeasurePixels(raw, train, normalization);
  } else {
    MeasureColumns(raw.train.numbers, raw.numeric_columns.size(), train, normalization.mean, normalization.stddev);
    normalization.columns = raw.numeric_columns;
    normalization.columns.insert(normalization.columns.end(), raw.categorical_columns.begin(),
                                 raw.categorical_columns.end());
    normalization.category_values = raw.category_values;
  }
  if (task == TaskKind::kRegression) {
    MeasureColumns(raw.train.targets, raw.target_columns.size(), train, normalization.target_mean,
                   normalization.target_stddev);
  }
  if (task == TaskKind::kClassification) normalization.classes = raw.classes;
  if (task == TaskKind::kMultiLabel || task == TaskKind::kRegression) normalization.classes = raw.target_columns;
  return normalization;
}

Shape ShapeOf(const RawDataset& raw, const DataOptions& options, TaskKind task) {
  Shape shape = {.input = raw.input, .channels = raw.channels, .height = raw.height, .width = raw.width};
  if (raw.input == InputKind::kTable) {
    shape = {.input = InputKind::kTable};
    shape.features = std::ssize(raw.numeric_columns);
    const bool embedded = options.categories == CategoryCoding::kEmbedded;
    for (const std::vector<std::string>& values : raw.category_values) {
      if (embedded) {
        shape.categories.push_back(std::ssize(values));
      } else {
        shape.features += std::ssize(values);
      }
    }
    if (!embedded && shape.features - std::ssize(raw.numeric_columns) > kMaxOneHot) {
      throw InfeasibleError("categories: one_hot makes " + std::to_string(shape.features) +
                            " columns; use embedded, or leave the columns with so many different texts out");
    }
    if (task == TaskKind::kReconstruction && !shape.categories.empty()) {
      throw InfeasibleError("task: reconstruction needs categories: one_hot");
    }
  }
  switch (task) {
    case TaskKind::kClassification:
      shape.outputs = std::ssize(raw.classes);
      break;
    case TaskKind::kMultiLabel:
    case TaskKind::kRegression:
      shape.outputs = std::ssize(raw.target_columns);
      break;
    case TaskKind::kReconstruction:
      shape.outputs = raw.input == InputKind::kImages ? shape.channels * shape.height * shape.width : shape.features;
      break;
  }
  return shape;
}

// The numbers of `values` as a tensor that shares their memory, and keeps `raw` alive.
template <typename Number>
at::Tensor Shared(const std::vector<Number>& values, std::vector<int64_t> sizes, at::ScalarType type, const Raw& raw) {
  return at::from_blob(
      const_cast<Number*>(values.data()), sizes, [raw](void*) {}, at::TensorOptions().dtype(type));
}

// (value - mean) / stddev. Throws DataError naming the column if that is no number of a float.
float Standardized(double value, double mean, double stddev, const std::string& column) {
  const auto standardized = static_cast<float>((value - mean) / stddev);
  if (std::isfinite(standardized)) return standardized;
  throw DataError("column " + column + ": " + ToString(value) + " lies too far from the training part's mean " +
                  ToString(mean) + " for its standard deviation " + ToString(stddev));
}

at::Tensor EncodeTargets(const Raw& raw, const RawPart& part, TaskKind task, const Normalization& normalization) {
  if (!part.classes.empty()) return Shared(part.classes, {part.count}, at::kLong, raw);
  if (part.targets.empty()) return at::zeros({part.count}, at::kLong);
  const auto columns = static_cast<int64_t>(raw->target_columns.size());
  at::Tensor targets = at::empty({part.count, columns}, at::kFloat);
  auto* out = targets.data_ptr<float>();
  for (size_t i = 0; i < part.targets.size(); ++i) {
    const size_t column = i % static_cast<size_t>(columns);
    const double value = part.targets[i];
    out[i] = task == TaskKind::kRegression
                 ? Standardized(value, normalization.target_mean[column], normalization.target_stddev[column],
                                raw->target_columns[column])
                 : static_cast<float>(value);
  }
  return targets;
}

Examples Encode(const Raw& raw, const RawPart& part, TaskKind task, const Shape& shape,
                const Normalization& normalization) {
  const at::Tensor inputs =
      shape.input == InputKind::kImages
          ? Shared(part.pixels, {part.count, shape.channels, shape.height, shape.width}, at::kByte, raw)
          : EncodeTable(part, shape, normalization);
  return {.inputs = inputs, .targets = EncodeTargets(raw, part, task, normalization)};
}

Examples Select(const Examples& examples, const Rows& rows) {
  if (std::ssize(rows) == examples.count()) return examples;  // ascending, so all of them
  const at::Tensor indices = at::tensor(rows, at::kLong);
  return {.inputs = at::index_select(examples.inputs, 0, indices),
          .targets = at::index_select(examples.targets, 0, indices)};
}

// Room for the examples and as much again. The allocation that asks is given back to LibTorch's cache.
bool FitsOn(const at::Device& device, const Dataset& dataset) {
  if (device.is_cpu()) return true;
  size_t bytes = 0;
  for (const Examples& examples : {dataset.training_part, dataset.test}) {
    bytes += examples.inputs.nbytes() + examples.targets.nbytes();
  }
  try {
    at::empty({static_cast<int64_t>(2 * bytes)}, at::TensorOptions().dtype(at::kByte).device(device));
    return true;
  } catch (const c10::OutOfMemoryError&) {
    return false;
  }
}

Examples On(const at::Device& device, const Examples& examples) {
  return {.inputs = examples.inputs.to(device), .targets = examples.targets.to(device)};
}

}  // namespace

at::Tensor EncodeTable(const RawPart& part, const Shape& shape, const Normalization& normalization) {
  const size_t numeric = normalization.mean.size();
  const size_t categorical = normalization.category_values.size();
  const int64_t width = shape.features + std::ssize(shape.categories);
  at::Tensor inputs = at::zeros({part.count, width}, at::kFloat);
  auto* row = inputs.data_ptr<float>();
  for (size_t i = 0; i < static_cast<size_t>(part.count); ++i, row += width) {
    for (size_t column = 0; column < numeric; ++column) {
      const double number = part.numbers[i * numeric + column];
      row[column] =
          Standardized(number, normalization.mean[column], normalization.stddev[column], normalization.columns[column]);
    }
    size_t next = numeric;
    for (size_t column = 0; column < categorical; ++column) {
      const int64_t code = part.categories[i * categorical + column];
      if (!shape.categories.empty()) {
        row[next++] = static_cast<float>(code);
      } else {
        row[next + static_cast<size_t>(code)] = 1;
        next += normalization.category_values[column].size();
      }
    }
  }
  return inputs;
}

void MakePixelScaling(Dataset& dataset, const at::Device& device) {
  const Normalization& normalization = dataset.normalization;
  if (dataset.shape.input != InputKind::kImages || normalization.mean.size() < 2) return;
  std::vector<float> scale, shift;
  for (size_t channel = 0; channel < normalization.mean.size(); ++channel) {
    scale.push_back(static_cast<float>(1 / (255 * normalization.stddev[channel])));
    shift.push_back(static_cast<float>(-normalization.mean[channel] / normalization.stddev[channel]));
  }
  dataset.pixel_scale = at::tensor(scale).view({1, -1, 1, 1}).to(device);
  dataset.pixel_shift = at::tensor(shift).view({1, -1, 1, 1}).to(device);
}

at::Tensor ScaledInputs(const Dataset& dataset, at::Tensor inputs) {
  if (dataset.shape.input == InputKind::kTable) return inputs;
  if (dataset.pixel_scale.defined()) return inputs.mul_(dataset.pixel_scale).add_(dataset.pixel_shift);
  // One channel: numbers need no tensor.
  const double mean = dataset.normalization.mean.front();
  const double stddev = dataset.normalization.stddev.front();
  return inputs.mul_(static_cast<float>(1 / (255 * stddev))).add_(static_cast<float>(-mean / stddev));
}

Dataset PrepareDataset(const Raw& raw, const DataOptions& options, TaskKind task, const at::Device& device) {
  CheckTask(*raw, task);
  const Division division = Divide(*raw, options);
  const Rows train_rows = Chosen(division.pool, division.train);
  Dataset dataset;
  dataset.shape = ShapeOf(*raw, options, task);
  dataset.normalization = Measure(*raw, train_rows, task);
  const auto encode = [&](const RawPart& part) {
    return Encode(raw, part, task, dataset.shape, dataset.normalization);
  };
  const Examples all = encode(raw->train);
  dataset.training_part = Select(all, division.pool);
  if (raw->validation.count > 0) {
    const Examples validation = encode(raw->validation);
    dataset.training_part = {.inputs = at::cat({dataset.training_part.inputs, validation.inputs}),
                             .targets = at::cat({dataset.training_part.targets, validation.targets})};
  }
  dataset.test = raw->test.count > 0 ? encode(raw->test) : Select(all, division.test);
  if (task == TaskKind::kClassification) {
    dataset.class_counts.assign(raw->classes.size(), 0);
    for (const int64_t row : train_rows) ++dataset.class_counts[static_cast<size_t>(raw->train.classes[row])];
  }
  const at::Device place = FitsOn(device, dataset) ? device : at::Device(at::kCPU);
  dataset.training_part = On(place, dataset.training_part);
  dataset.test = On(place, dataset.test);
  dataset.train_indices = at::tensor(division.train, at::kLong).to(place);
  dataset.validation_indices = at::tensor(division.validation, at::kLong).to(place);
  MakePixelScaling(dataset, device);
  return dataset;
}

}  // namespace athanor::training
