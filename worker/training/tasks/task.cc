#include "worker/training/tasks/task.h"

#include "worker/training/errors.h"
#include "worker/training/tasks/tasks.h"

namespace athanor::training {

std::unique_ptr<Task> MakeTask(const TaskSpec& spec, const at::Device& device) {
  switch (spec.options.task) {
    case TaskKind::kClassification:
      return MakeClassification(spec, device);
    default:
      break;
  }
  throw InfeasibleError("this task is not built in");
}

std::vector<std::string> MetricNames(TaskKind, MetricSet) { return {"loss", "accuracy"}; }

}  // namespace athanor::training
