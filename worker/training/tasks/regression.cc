#include <ATen/ops/tensor.h>

#include <cmath>
#include <utility>

#include "worker/training/tasks/class_scores.h"
#include "worker/training/tasks/error_sums.h"
#include "worker/training/tasks/gathered.h"
#include "worker/training/tasks/losses.h"
#include "worker/training/tasks/residuals.h"
#include "worker/training/tasks/tasks.h"

namespace athanor::training {
namespace {

class RegressionScores final : public Scores {
 public:
  // units: how many of the file's units a standard deviation is, of each target.
  RegressionScores(MetricSet metrics, std::vector<std::string> names, std::vector<double> units)
      : metrics_(metrics), names_(std::move(names)), units_(std::move(units)), sums_(metrics) {}

  void Add(const at::Tensor& outputs, const at::Tensor& targets) override {
    const at::Tensor errors = outputs.sub(targets);
    sums_.Add(errors, targets);
    if (metrics_ == MetricSet::kFull) errors_.Add(errors);
  }

  Metrics Values() override {
    if (sums_.examples() == 0) return {};
    const std::vector<double> squared = sums_.Squared();
    const double numbers = static_cast<double>(sums_.examples()) * static_cast<double>(squared.size());
    double squared_in_units = 0;
    for (size_t i = 0; i < squared.size(); ++i) squared_in_units += units_[i] * units_[i] * squared[i];
    Metrics metrics = {{"loss", Sum(squared) / numbers}, {"rmse", std::sqrt(squared_in_units / numbers)}};
    if (metrics_ == MetricSet::kFull) AddFull(squared, numbers, metrics);
    return metrics;
  }

  std::vector<ReportFile> Reports() override {
    if (sums_.examples() == 0 || metrics_ == MetricSet::kBasic) return {};
    return {ResidualsTable(names_, errors_.All(), units_)};
  }

 private:
  void AddFull(const std::vector<double>& squared, double numbers, Metrics& metrics) const {
    const std::vector<double> absolute = sums_.Absolute();
    const std::vector<double> spread = sums_.Spread();
    double absolute_in_units = 0, r2 = 0;
    int varied = 0;
    for (size_t i = 0; i < squared.size(); ++i) {
      absolute_in_units += units_[i] * absolute[i];
      if (spread[i] == 0) continue;
      r2 += 1 - squared[i] / spread[i];
      ++varied;
    }
    metrics["mae"] = absolute_in_units / numbers;
    if (varied > 0) metrics["r2"] = r2 / varied;
  }

  MetricSet metrics_;
  std::vector<std::string> names_;
  std::vector<double> units_;
  ErrorSums sums_;
  GatheredRows errors_;  // the full set only
};

class Regression final : public Task {
 public:
  Regression(const TaskSpec& spec, const at::Device& device)
      : options_(spec.options),
        names_(ClassNames(spec.normalization, spec.shape.outputs)),
        units_(spec.normalization.target_stddev) {
    std::vector<double> means = spec.normalization.target_mean;
    means.resize(static_cast<size_t>(spec.shape.outputs), 0);
    units_.resize(static_cast<size_t>(spec.shape.outputs), 1);
    mean_ = at::tensor(means, at::kFloat).to(device);
    unit_ = at::tensor(units_, at::kFloat).to(device);
  }

  at::Tensor TrainingLoss(const at::Tensor& outputs, const at::Tensor& targets) const override {
    return NumberLoss(options_, outputs, targets, unit_);
  }
  std::unique_ptr<Scores> NewScores(MetricSet metrics) const override {
    return std::make_unique<RegressionScores>(metrics, names_, units_);
  }
  at::Tensor Answers(const at::Tensor& outputs) const override { return outputs.mul(unit_).add(mean_); }

 private:
  TaskOptions options_;
  std::vector<std::string> names_;
  std::vector<double> units_;
  at::Tensor mean_;  // float32 [numbers], as unit_
  at::Tensor unit_;
};

}  // namespace

std::unique_ptr<Task> MakeRegression(const TaskSpec& spec, const at::Device& device) {
  return std::make_unique<Regression>(spec, device);
}

}  // namespace athanor::training
