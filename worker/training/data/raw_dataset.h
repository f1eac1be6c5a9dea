// Examples as their files have them, before they are split, standardised and brought to a device. No LibTorch: formats
// are read, tested and fuzzed without it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "worker/training/data/shape.h"

namespace athanor::training {

// Called now and then while loading, from the loop that loads, so that the caller can say that it is alive.
using LoadingHeartbeat = std::function<void()>;

// Row by row; what a data set does not have is empty.
struct RawPart {
  int64_t count = 0;
  std::vector<uint8_t> pixels;      // images: [count, C, H, W]
  std::vector<double> numbers;      // tables: [count, numeric columns]
  std::vector<int64_t> categories;  // tables: [count, categorical columns], in [0, values of the column)
  std::vector<int64_t> classes;     // [count], in [0, classes)
  std::vector<double> targets;      // [count, target columns]: numbers, or labels of 0 and 1
};

struct RawDataset {
  InputKind input = InputKind::kImages;
  int64_t channels = 0;  // images
  int64_t height = 0;
  int64_t width = 0;
  std::vector<std::string> numeric_columns;      // tables
  std::vector<std::string> categorical_columns;  // tables
  // Tables: of each categorical column. Index 0 is the empty text: a missing cell, or a value that the training part
  // does not have.
  std::vector<std::vector<std::string>> category_values;
  std::vector<std::string> classes;         // names by index, where the part's `classes` are filled
  std::vector<std::string> target_columns;  // names, where the part's `targets` are filled
  RawPart train;
  RawPart validation;  // count 0: to be split off `train`
  RawPart test;        // count 0: to be split off `train`
};

}  // namespace athanor::training
