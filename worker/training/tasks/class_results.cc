#include "worker/training/tasks/class_results.h"

namespace athanor::training {
namespace {

double Ratio(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

class Mean {
 public:
  void Add(const std::optional<double>& value) {
    if (!value.has_value()) return;
    sum_ += *value;
    ++count_;
  }
  void PutInto(Metrics& metrics, const char* name) const {
    if (count_ > 0) metrics[name] = sum_ / count_;
  }

 private:
  double sum_ = 0;
  int count_ = 0;
};

}  // namespace

double ClassResult::Precision() const { return Ratio(hits, predicted); }
double ClassResult::Recall() const { return Ratio(hits, support); }
double ClassResult::F1() const { return Ratio(2 * hits, support + predicted); }

void AddMacroMeans(std::span<const ClassResult> results, Metrics& metrics) {
  Mean precision, recall, f1, roc_auc, pr_auc;
  for (const ClassResult& result : results) {
    roc_auc.Add(result.roc_auc);
    pr_auc.Add(result.pr_auc);
    if (!result.Seen()) continue;
    precision.Add(result.Precision());
    recall.Add(result.Recall());
    f1.Add(result.F1());
  }
  precision.PutInto(metrics, "precision");
  recall.PutInto(metrics, "recall");
  f1.PutInto(metrics, "f1");
  roc_auc.PutInto(metrics, "roc_auc");
  pr_auc.PutInto(metrics, "pr_auc");
}

}  // namespace athanor::training
