// How the errors of a regression are spread.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "worker/training/tasks/report_file.h"

namespace athanor::training {

// residuals.csv: target,examples,mean,stddev,min,q01,q05,q25,median,q75,q95,q99,max, one line a target. Of
// the errors, prediction minus target, in the file's unit; stddev divides by n, quantiles are linear between neighbours
// (Hyndman and Fan 1996, type 7). A target with an error that is NaN has NaN everywhere.
//
// errors: float32 [N, targets], N >= 1, on the CPU; times units[i] they are in the unit of target i, names[i].
ReportFile ResidualsTable(const std::vector<std::string>& names, const at::Tensor& errors,
                          const std::vector<double>& units);

}  // namespace athanor::training
