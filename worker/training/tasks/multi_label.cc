#include <ATen/ops/cat.h>
#include <ATen/ops/sigmoid.h>

#include <limits>
#include <optional>
#include <utility>

#include "worker/training/tasks/class_reports.h"
#include "worker/training/tasks/class_scores.h"
#include "worker/training/tasks/gathered.h"
#include "worker/training/tasks/losses.h"
#include "worker/training/tasks/tasks.h"

namespace athanor::training {
namespace {

// A label is predicted if its probability is at least 1/2, that is, its logit at least 0; never of a NaN or an
// infinity.
class MultiLabelScores final : public Scores {
 public:
  MultiLabelScores(MetricSet metrics, std::vector<std::string> names) : metrics_(metrics), names_(std::move(names)) {}

  void Add(const at::Tensor& outputs, const at::Tensor& targets) override {
    const int64_t size = targets.size(0);
    loss_.Add(BinaryCrossEntropy(outputs, targets).to(at::kDouble).mul(static_cast<double>(size)));
    correct_.Add(outputs.ge(0).eq(targets.ge(0.5)).logical_and_(outputs.isfinite()).sum());
    count_ += size;
    // One tensor, so that a device is waited for once.
    if (metrics_ == MetricSet::kFull) rows_.Add(at::cat({outputs, targets.to(outputs.dtype())}, 1));
  }

  Metrics Values() override {
    if (count_ == 0) return {};
    const auto count = static_cast<double>(count_);
    Metrics metrics = {{"loss", loss_.Total() / count},
                       {"accuracy", correct_.Total() / (count * static_cast<double>(names_.size()))}};
    if (metrics_ == MetricSet::kFull) AddMacroMeans(Results(), metrics);
    return metrics;
  }

  std::vector<ReportFile> Reports() override {
    if (count_ == 0 || metrics_ == MetricSet::kBasic) return {};
    return ClassReports(Results(), LabelConfusionTable(Results()));
  }

 private:
  const std::vector<ClassResult>& Results() {
    if (results_.has_value()) return *results_;
    const at::Tensor rows = rows_.All();
    const auto labels = static_cast<int64_t>(names_.size());
    results_.emplace();
    for (int64_t label = 0; label < labels; ++label) {
      const at::Tensor logits = rows.select(1, label);
      const at::Tensor finite = logits.isfinite();
      const at::Tensor probabilities = at::sigmoid(logits.to(at::kDouble))
                                           .masked_fill(finite.logical_not(), std::numeric_limits<double>::quiet_NaN());
      results_->push_back(MeasureClass(names_[static_cast<size_t>(label)], probabilities,
                                       rows.select(1, labels + label).ge(0.5), logits.ge(0).logical_and_(finite),
                                       CurvePoints(names_.size())));
    }
    rows_ = {};
    return *results_;
  }

  MetricSet metrics_;
  std::vector<std::string> names_;
  DeviceSum loss_;
  DeviceSum correct_;  // single labels
  int64_t count_ = 0;  // examples
  GatheredRows rows_;  // logits and targets; of the full set only, until Results
  std::optional<std::vector<ClassResult>> results_;
};

class MultiLabel final : public Task {
 public:
  explicit MultiLabel(const TaskSpec& spec)
      : options_(spec.options), names_(ClassNames(spec.normalization, spec.shape.outputs)) {}

  at::Tensor TrainingLoss(const at::Tensor& outputs, const at::Tensor& targets) const override {
    if (options_.loss == LossKind::kFocal) return BinaryFocal(outputs, targets, options_.focal_gamma);
    return BinaryCrossEntropy(outputs, targets);
  }
  std::unique_ptr<Scores> NewScores(MetricSet metrics) const override {
    return std::make_unique<MultiLabelScores>(metrics, names_);
  }
  at::Tensor Answers(const at::Tensor& outputs) const override { return at::sigmoid(outputs); }

 private:
  TaskOptions options_;
  std::vector<std::string> names_;
};

}  // namespace

std::unique_ptr<Task> MakeMultiLabel(const TaskSpec& spec) { return std::make_unique<MultiLabel>(spec); }

}  // namespace athanor::training
