// One function a task, for MakeTask (task.h).
#pragma once

#include <memory>

#include "worker/training/tasks/task.h"

namespace athanor::training {

std::unique_ptr<Task> MakeClassification(const TaskSpec& spec, const at::Device& device);

}  // namespace athanor::training
