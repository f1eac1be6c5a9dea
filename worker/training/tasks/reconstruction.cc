#include "worker/training/tasks/error_sums.h"
#include "worker/training/tasks/losses.h"
#include "worker/training/tasks/tasks.h"

namespace athanor::training {
namespace {

class ReconstructionScores final : public Scores {
 public:
  explicit ReconstructionScores(MetricSet metrics) : metrics_(metrics), sums_(metrics) {}

  void Add(const at::Tensor& outputs, const at::Tensor& targets) override {
    const at::Tensor wanted = targets.flatten(1);
    sums_.Add(outputs.flatten(1).sub(wanted), wanted);
  }

  Metrics Values() override {
    if (sums_.examples() == 0) return {};
    const std::vector<double> squared = sums_.Squared();
    const double numbers = static_cast<double>(sums_.examples()) * static_cast<double>(squared.size());
    Metrics metrics = {{"loss", Sum(squared) / numbers}};
    if (metrics_ == MetricSet::kBasic) return metrics;
    metrics["mae"] = Sum(sums_.Absolute()) / numbers;
    // Together, not a mean over pixels: at the edge of an image many hardly vary, and would decide the mean.
    const double spread = Sum(sums_.Spread());
    if (spread > 0) metrics["r2"] = 1 - Sum(squared) / spread;
    return metrics;
  }

  std::vector<ReportFile> Reports() override { return {}; }

 private:
  MetricSet metrics_;
  ErrorSums sums_;
};

class Reconstruction final : public Task {
 public:
  explicit Reconstruction(const TaskOptions& options) : options_(options) {}

  const at::Tensor& TargetsOf(const Batch& batch) const override { return batch.inputs; }
  at::Tensor TrainingLoss(const at::Tensor& outputs, const at::Tensor& targets) const override {
    return NumberLoss(options_, outputs, targets);
  }
  std::unique_ptr<Scores> NewScores(MetricSet metrics) const override {
    return std::make_unique<ReconstructionScores>(metrics);
  }
  at::Tensor Answers(const at::Tensor& outputs) const override { return outputs; }

 private:
  TaskOptions options_;
};

}  // namespace

std::unique_ptr<Task> MakeReconstruction(const TaskSpec& spec) {
  return std::make_unique<Reconstruction>(spec.options);
}

}  // namespace athanor::training
