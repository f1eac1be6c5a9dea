#include <ATen/core/Reduction.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/softmax.h>

#include "worker/training/tasks/tasks.h"

namespace athanor::training {
namespace {

at::Tensor CrossEntropy(const at::Tensor& logits, const at::Tensor& labels, double label_smoothing) {
  return at::cross_entropy_loss(logits, labels, /*weight=*/{}, at::Reduction::Mean, /*ignore_index=*/-100,
                                label_smoothing);
}

class ClassificationScores final : public Scores {
 public:
  void Add(const at::Tensor& outputs, const at::Tensor& targets) override {
    const int64_t size = targets.size(0);
    loss_ += CrossEntropy(outputs, targets, 0).item<double>() * static_cast<double>(size);
    // argmax would answer with the place of a NaN, and count a diverged model's guess as right now and then.
    const at::Tensor right = outputs.argmax(1).eq(targets).logical_and_(outputs.isfinite().all(1));
    correct_ += right.sum().item<int64_t>();
    count_ += size;
  }
  Metrics Values() override {
    return {{"loss", loss_ / static_cast<double>(count_)},
            {"accuracy", static_cast<double>(correct_) / static_cast<double>(count_)}};
  }
  std::vector<ReportFile> Reports() override { return {}; }

 private:
  double loss_ = 0;
  int64_t correct_ = 0;
  int64_t count_ = 0;
};

class Classification final : public Task {
 public:
  explicit Classification(const TaskSpec& spec) : spec_(spec) {}
  at::Tensor TrainingLoss(const at::Tensor& outputs, const at::Tensor& targets) const override {
    return CrossEntropy(outputs, targets, spec_.options.label_smoothing);
  }
  std::unique_ptr<Scores> NewScores(MetricSet) const override { return std::make_unique<ClassificationScores>(); }
  at::Tensor Answers(const at::Tensor& outputs) const override { return at::softmax(outputs, 1); }

 private:
  TaskSpec spec_;
};

}  // namespace

std::unique_ptr<Task> MakeClassification(const TaskSpec& spec, const at::Device&) {
  return std::make_unique<Classification>(spec);
}

}  // namespace athanor::training
