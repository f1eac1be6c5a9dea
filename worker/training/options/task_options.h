// What is predicted, by which loss, and what is measured (tasks/task.h).
#pragma once

#include <cstdint>
#include <string>

namespace athanor::training {

enum class TaskKind { kClassification, kMultiLabel, kRegression, kReconstruction };
enum class LossKind { kCrossEntropy, kFocal, kBinaryCrossEntropy, kMse, kL1, kSmoothL1, kWing };
enum class MetricSet { kBasic, kFull };

struct TaskOptions {
  TaskKind task = TaskKind::kClassification;
  LossKind loss = LossKind::kCrossEntropy;
  double label_smoothing = 0;  // cross-entropy: share of the target spread evenly over all classes; [0, 1)
  double focal_gamma = 2;      // >= 0
  double smooth_l1_beta = 1;   // > 0
  double wing_width = 10;      // > 0
  double wing_curvature = 2;   // > 0
};

// Imitation of a trained classifier (tasks/distillation.h).
struct DistillationOptions {
  std::string teacher = "";  // a checkpoint file; empty = none
  double temperature = 4;    // > 0
  double weight = 0.5;       // of the imitation; [0, 1]
};

// What comes back beside the loss.
struct ReportOptions {
  MetricSet metrics = MetricSet::kBasic;
  bool reports = false;            // artifacts of the test part at the end
  int64_t histogram_interval = 0;  // steps of the resource; 0 = none
  int64_t sample_inputs = 0;       // 0 = none
};

}  // namespace athanor::training
