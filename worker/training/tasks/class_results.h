// What is known of each class at the end of an evaluation, and the means over classes. No LibTorch here.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "worker/training/tasks/metrics.h"
#include "worker/training/tasks/ranking.h"

namespace athanor::training {

// One class against all others, or one label.
struct ClassResult {
  std::string name;
  int64_t examples = 0;   // all that were looked at
  int64_t support = 0;    // of them, those of this class
  int64_t predicted = 0;  // those taken for it
  int64_t hits = 0;       // those taken for it rightly
  // None unless there are examples of this class and others; NaN if an output was not finite.
  std::optional<double> roc_auc = {};
  std::optional<double> pr_auc = {};  // average precision
  std::vector<RocPoint> roc = {};     // empty where roc_auc is none or NaN
  std::vector<PrecisionRecallPoint> precision_recall = {};

  // A class without examples that was never predicted has no precision, recall nor F1.
  bool Seen() const { return support > 0 || predicted > 0; }
  // Each is 0 where its denominator is.
  double Precision() const;  // hits / predicted
  double Recall() const;     // hits / support
  double F1() const;         // 2 hits / (support + predicted), the harmonic mean of the two
};

// Adds precision, recall and f1, the means over the classes seen, and roc_auc and pr_auc, the means over the classes
// that have them; each is left out if there is no such class.
void AddMacroMeans(std::span<const ClassResult> results, Metrics& metrics);

}  // namespace athanor::training
