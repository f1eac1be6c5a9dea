#include "worker/training/run/objective.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "worker/training/errors.h"
#include "worker/training/tasks/task.h"

namespace athanor::training {
namespace {

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

void CheckObjective(const std::string& objective, const TrainingOptions& options) {
  std::vector<std::string> names = {"train_loss"};
  for (const std::string& name : MetricNames(options.task.task, MetricSet::kFull)) names.push_back("val_" + name);
  if (options.report.metrics == MetricSet::kFull) {
    names.insert(names.end(), {kLearningRate, kGradientNorm, kExamplesPerSecond, kMemoryBytes});
  }
  if (objective.empty() || Contains(names, objective)) return;
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  throw InfeasibleError("objective " + objective + " is not measured in this task; want one of " + list);
}

MetricSet WantedMetrics(const std::string& objective, const TrainingOptions& options) {
  if (options.report.metrics == MetricSet::kFull) return MetricSet::kFull;
  if (!objective.starts_with("val_")) return MetricSet::kBasic;
  const std::string name = objective.substr(4);
  const bool full = Contains(MetricNames(options.task.task, MetricSet::kFull), name) &&
                    !Contains(MetricNames(options.task.task, MetricSet::kBasic), name);
  return full ? MetricSet::kFull : MetricSet::kBasic;
}

bool IsBetter(Goal goal, double value, double than) {
  if (!std::isfinite(value)) return false;
  if (!std::isfinite(than)) return true;
  return goal == Goal::kMaximize ? value > than : value < than;
}

}  // namespace athanor::training
