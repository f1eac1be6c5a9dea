// The first inputs of a training batch as the model sees them, for a person to look at: the surest way to find that
// images are turned, labels shifted or augmentation too strong.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/training/data/dataset.h"
#include "worker/training/data/shape.h"
#include "worker/training/options/task_options.h"
#include "worker/training/tasks/report_file.h"

namespace athanor::training {

// Images: inputs.pgm, or inputs.ppm of three channels (binary Netpbm, 8 bits; of other numbers of channels the first
// alone): side by side, about as many rows as columns, row by row, with lines of one grey pixel between; normalisation
// is undone, what leaves [0, 255] is cut off, NaN is black. As many as fit into kMaxReportBytes.
//
// inputs.csv, for images as well: input (0, 1, ...), the columns of a table in the file's unit (one-hot values as
// colour=red), and the target: the
// class, the labels joined by |, or the numbers in the file's unit (target, or target_NAME each); nothing for
// reconstruction. With mixup the other target (other_target, ...) and the share of the first (mix) follow. What has no
// name has its index.
//
// At most `count` >= 1 inputs, fewer if the batch is smaller. Waits for the device. Names and sizes must be those of
// the batch's data set.
std::vector<ReportFile> SampleInputs(const Batch& batch, int64_t count, TaskKind task, const Shape& shape,
                                     const Normalization& normalization);

}  // namespace athanor::training
