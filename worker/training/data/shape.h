// What a model must know of its data, and what turns raw examples into its inputs and its outputs into answers. Both
// travel with every checkpoint, so that it can be used without the data that it was trained on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace athanor::training {

enum class InputKind { kImages, kTable };

struct Shape {
  InputKind input = InputKind::kImages;
  int64_t channels = 1;  // images
  int64_t height = 0;    // images; pixels
  int64_t width = 0;
  int64_t features = 0;                  // tables: numbers, the first of a row: numeric columns, then one-hot values
  std::vector<int64_t> categories = {};  // tables: sizes of the columns that follow and hold an index
  int64_t outputs = 0;                   // classes, labels or numbers to predict; reconstruction: numbers of an input

  bool operator==(const Shape&) const = default;
};

struct Normalization {
  // Images: of each channel, of pixels scaled to [0, 1]. Tables: of each numeric column of the file.
  std::vector<double> mean;
  std::vector<double> stddev;  // the same; > 0, 1 for what is constant
  // Regression: what is predicted times stddev plus mean is the number in the file's unit. Empty elsewhere.
  std::vector<double> target_mean;
  std::vector<double> target_stddev;
  // Names of the outputs by index: of the classes, the labels, or the numbers of a regression. Empty for
  // reconstruction.
  std::vector<std::string> classes;
  std::vector<std::string> columns;  // tables: names of the numeric columns, then of the categorical ones
  std::vector<std::vector<std::string>> category_values;  // tables: of each categorical column, by index
};

}  // namespace athanor::training
