// What classification and multi-label share in measuring.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "worker/training/data/shape.h"
#include "worker/training/tasks/class_results.h"

namespace athanor::training {

// The names of `outputs` classes, labels or numbers: those of the data set, or their indices where it has none.
std::vector<std::string> ClassNames(const Normalization& normalization, int64_t outputs);

// All about one class. All tensors [N] on the CPU, of the same examples. probabilities: float64, of being of this
// class, NaN where the output was not finite. positives, predicted: bool, whether the example is of the class, and
// whether it was taken for it. `curve_points`: at most so many points a curve, >= 2.
ClassResult MeasureClass(std::string name, const at::Tensor& probabilities, const at::Tensor& positives,
                         const at::Tensor& predicted, size_t curve_points);

}  // namespace athanor::training
