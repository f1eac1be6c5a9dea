// What the tests of scores share.
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "worker/training/tasks/task.h"

namespace athanor::training {

// Scores to which the examples are added in batches of `batch`.
inline std::unique_ptr<Scores> ScoresOf(const Task& task, MetricSet metrics, const at::Tensor& outputs,
                                        const at::Tensor& targets, int64_t batch = 1000) {
  std::unique_ptr<Scores> scores = task.NewScores(metrics);
  for (int64_t start = 0; start < outputs.size(0); start += batch) {
    const int64_t size = std::min(batch, outputs.size(0) - start);
    scores->Add(outputs.narrow(0, start, size), targets.narrow(0, start, size));
  }
  return scores;
}

inline std::vector<std::string> NamesOf(const Metrics& metrics) {
  std::vector<std::string> names;
  for (const auto& [name, value] : metrics) names.push_back(name);
  return names;
}

}  // namespace athanor::training
