// How the weights of a model are spread.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/training/models/model.h"
#include "worker/training/tasks/report_file.h"

namespace athanor::training {

inline constexpr int kHistogramBins = 64;

// histograms.json: {"bins": 64, "tensors": [{"name", "count", "non_finite", "min", "max", "mean", "stddev", "counts"},
// ...]} in the order given. count: elements; the rest is over the finite ones and absent if there are none. stddev
// divides by n. counts: elements in bins of equal width from min to max, both included; all are in the first where min
// is max. If not all tensors fit into kMaxReportBytes, "left_out" says how many of the last ones are missing.
//
// Tensors of any floating type on any device; copies them to the CPU one by one, and waits for the device. About 10 ns
// an element.
ReportFile WeightHistograms(const std::vector<NamedTensor>& tensors);

}  // namespace athanor::training
