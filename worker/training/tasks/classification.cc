#include <ATen/ops/arange.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>

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

constexpr int64_t kTop = 5;

class ClassificationScores final : public Scores {
 public:
  ClassificationScores(MetricSet metrics, std::vector<std::string> names)
      : metrics_(metrics), names_(std::move(names)) {}

  void Add(const at::Tensor& outputs, const at::Tensor& targets) override {
    const int64_t size = targets.size(0);
    loss_.Add(CrossEntropy(outputs, targets, 0).to(at::kDouble).mul(static_cast<double>(size)));
    // argmax would answer with the place of a NaN, and count a diverged model's guess as right now and then.
    correct_.Add(outputs.argmax(1).eq(targets).logical_and_(outputs.isfinite().all(1)).sum());
    count_ += size;
    // One tensor, so that a device is waited for once.
    if (metrics_ == MetricSet::kFull) rows_.Add(at::cat({outputs, targets.unsqueeze(1).to(outputs.dtype())}, 1));
  }

  Metrics Values() override {
    if (count_ == 0) return {};
    const auto count = static_cast<double>(count_);
    Metrics metrics = {{"loss", loss_.Total() / count}, {"accuracy", correct_.Total() / count}};
    if (metrics_ == MetricSet::kBasic) return metrics;
    MeasureAll();
    if (Classes() > kTop) metrics["top5_accuracy"] = static_cast<double>(in_top_) / count;
    AddMacroMeans(*results_, metrics);
    return metrics;
  }

  std::vector<ReportFile> Reports() override {
    if (count_ == 0 || metrics_ == MetricSet::kBasic) return {};
    MeasureAll();
    return ClassReports(*results_, ConfusionTable(*results_, confusion_));
  }

 private:
  int64_t Classes() const { return static_cast<int64_t>(names_.size()); }

  void MeasureAll() {
    if (results_.has_value()) return;
    const at::Tensor rows = rows_.All();
    const at::Tensor logits = rows.narrow(1, 0, Classes());
    const at::Tensor labels = rows.select(1, Classes()).to(at::kLong);
    const at::Tensor finite = logits.isfinite().all(1);
    const at::Tensor unanswered = finite.logical_not();
    const at::Tensor predicted = logits.argmax(1).masked_fill(unanswered, Classes());
    CountConfusion(labels, predicted);
    CountTop(logits, labels, finite);

    // In double precision, where confident outputs are not all 1 and so keep their order.
    const at::Tensor normalizer = at::logsumexp(logits.to(at::kDouble), 1);
    results_.emplace();
    for (int64_t label = 0; label < Classes(); ++label) {
      const at::Tensor probabilities = logits.select(1, label)
                                           .to(at::kDouble)
                                           .sub(normalizer)
                                           .exp()
                                           .masked_fill(unanswered, std::numeric_limits<double>::quiet_NaN());
      results_->push_back(MeasureClass(names_[static_cast<size_t>(label)], probabilities, labels.eq(label),
                                       predicted.eq(label), CurvePoints(names_.size())));
    }
    rows_ = {};
  }

  void CountConfusion(const at::Tensor& labels, const at::Tensor& predicted) {
    const int64_t width = Classes() + 1;
    const at::Tensor counts = at::bincount(labels.mul(width).add(predicted), {}, Classes() * width);
    const auto* count = counts.data_ptr<int64_t>();
    confusion_.assign(count, count + counts.numel());
  }

  // Of equal outputs the first counts as the higher, as it does for argmax: a model that answers the same for every
  // class is not right always.
  void CountTop(const at::Tensor& logits, const at::Tensor& labels, const at::Tensor& finite) {
    const at::Tensor column = labels.unsqueeze(1);
    const at::Tensor own = logits.gather(1, column);
    const at::Tensor earlier = at::arange(Classes()).unsqueeze(0).lt(column);
    const at::Tensor above = logits.gt(own).logical_or_(logits.eq(own).logical_and_(earlier)).sum(1);
    in_top_ = above.lt(kTop).logical_and_(finite).sum().item<int64_t>();
  }

  MetricSet metrics_;
  std::vector<std::string> names_;
  DeviceSum loss_;
  DeviceSum correct_;
  int64_t count_ = 0;
  GatheredRows rows_;  // logits and the label; of the full set only, until MeasureAll

  // Set by MeasureAll.
  std::optional<std::vector<ClassResult>> results_;
  std::vector<int64_t> confusion_;  // see ConfusionTable
  int64_t in_top_ = 0;
};

class Classification final : public Task {
 public:
  Classification(const TaskSpec& spec, const at::Device& device)
      : options_(spec.options), names_(ClassNames(spec.normalization, spec.shape.outputs)) {
    if (!spec.class_weights) return;
    double examples = 0;
    for (const int64_t count : spec.class_counts) examples += static_cast<double>(count);
    std::vector<double> weights;
    for (const int64_t count : spec.class_counts) {
      const double share = static_cast<double>(spec.class_counts.size()) * static_cast<double>(count);
      weights.push_back(count > 0 ? examples / share : 0);
    }
    class_weights_ = at::tensor(weights, at::kFloat).to(device);
  }

  at::Tensor TrainingLoss(const at::Tensor& outputs, const at::Tensor& targets) const override {
    switch (options_.loss) {
      case LossKind::kFocal:
        return Focal(outputs, targets, options_.focal_gamma, class_weights_);
      case LossKind::kMse:
        return LeastSquares(outputs, targets, class_weights_);
      default:
        return CrossEntropy(outputs, targets, options_.label_smoothing, class_weights_);
    }
  }
  std::unique_ptr<Scores> NewScores(MetricSet metrics) const override {
    return std::make_unique<ClassificationScores>(metrics, names_);
  }
  at::Tensor Answers(const at::Tensor& outputs) const override { return at::softmax(outputs, 1); }

 private:
  TaskOptions options_;
  std::vector<std::string> names_;
  at::Tensor class_weights_;  // float32 [classes]; undefined without
};

}  // namespace

std::unique_ptr<Task> MakeClassification(const TaskSpec& spec, const at::Device& device) {
  return std::make_unique<Classification>(spec, device);
}

}  // namespace athanor::training
