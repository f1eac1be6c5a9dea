// The objective among what a run measures.
#pragma once

#include <string>

#include "worker/training/goal.h"
#include "worker/training/options/options.h"
#include "worker/training/tasks/metrics.h"

namespace athanor::training {

// What metrics: full measures beside the task's measures (run/trainer.h).
inline constexpr const char* kLearningRate = "learning_rate";
inline constexpr const char* kGradientNorm = "gradient_norm";
inline constexpr const char* kExamplesPerSecond = "examples_per_second";
inline constexpr const char* kMemoryBytes = "memory_bytes";

// Throws InfeasibleError with the names to choose from if a run with these options never measures the objective: else a
// trial would train to its end and have no value. An empty name is none, and passes.
void CheckObjective(const std::string& objective, const TrainingOptions& options);

// The task's measures that the options ask for, or that the objective is one of.
MetricSet WantedMetrics(const std::string& objective, const TrainingOptions& options);

// Whether `value` is the better objective; one that is not finite never is, and any is better than that.
bool IsBetter(Goal goal, double value, double than);

}  // namespace athanor::training
