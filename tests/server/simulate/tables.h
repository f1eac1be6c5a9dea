// Small recorded tasks for tests.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/simulate/policy.h"
#include "server/simulate/recorded_task.h"
#include "tests/server/core/spaces.h"

namespace athanor::testing {

// Over one float x in [0, 1]; `loss` is minimised; a run has at most `steps` steps.
inline StudySpec TableStudy(int64_t steps) {
  StudySpec study;
  study.name = "table";
  study.objectives = {{.metric = "loss", .goal = Goal::kMinimize}};
  study.parameters = {Float("x", 0, 1)};
  study.trainer = {{"epochs", Number(steps)}};
  return study;
}

// Row i at x = i / (rows - 1), with these values at steps 1, 2, ...; a step takes one second.
inline std::unique_ptr<RecordedTask> Table(const std::vector<std::vector<double>>& values) {
  std::vector<RecordedRun> rows;
  size_t steps = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    RecordedRun row;
    row.configuration = {
        Value(values.size() == 1 ? 0 : static_cast<double>(i) / static_cast<double>(values.size() - 1))};
    for (size_t k = 0; k < values[i].size(); ++k) {
      row.points.push_back({static_cast<int64_t>(k + 1), values[i][k], static_cast<double>(k + 1)});
    }
    steps = std::max(steps, values[i].size());
    rows.push_back(std::move(row));
  }
  return RecordedTask::Create(TableStudy(static_cast<int64_t>(steps)), std::move(rows)).value();
}

// The rows in their order, to the end of each.
inline Policy InOrder(EarlyStoppingOptions early_stopping = NoStopping{}) {
  Policy policy;
  policy.name = "in order";
  policy.proposals = Proposals::kAsRecorded;
  policy.search.method = "random";
  policy.early_stopping = std::move(early_stopping);
  return policy;
}

}  // namespace athanor::testing
