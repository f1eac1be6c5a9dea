// A model measured on a part of its data.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>

#include "worker/training/data/dataset.h"
#include "worker/training/models/model.h"
#include "worker/training/tasks/task.h"

namespace athanor::training {

// Puts the given examples through the model in evaluation mode, and leaves it in that mode. Draws no random number, so
// that evaluating more or less often changes nothing in the training. `heartbeat` is called after every batch.
std::unique_ptr<Scores> Evaluate(Model& model, const Task& task, MetricSet metrics, const Dataset& dataset,
                                 const Examples& examples, const at::Tensor& indices, const at::Device& device,
                                 const std::function<void()>& heartbeat);

}  // namespace athanor::training
