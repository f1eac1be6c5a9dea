// One function a task, for MakeTask (task.h).
#pragma once

#include <memory>

#include "worker/training/tasks/task.h"

namespace athanor::training {

std::unique_ptr<Task> MakeClassification(const TaskSpec& spec, const at::Device& device);
std::unique_ptr<Task> MakeMultiLabel(const TaskSpec& spec);
std::unique_ptr<Task> MakeRegression(const TaskSpec& spec, const at::Device& device);
std::unique_ptr<Task> MakeReconstruction(const TaskSpec& spec);

}  // namespace athanor::training
