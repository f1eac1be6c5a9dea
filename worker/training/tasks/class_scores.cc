#include "worker/training/tasks/class_scores.h"

#include <utility>

namespace athanor::training {

std::vector<std::string> ClassNames(const Normalization& normalization, int64_t outputs) {
  std::vector<std::string> names = normalization.classes;
  for (auto i = static_cast<int64_t>(names.size()); i < outputs; ++i) names.push_back(std::to_string(i));
  return names;
}

ClassResult MeasureClass(std::string name, const at::Tensor& probabilities, const at::Tensor& positives,
                         const at::Tensor& predicted, size_t curve_points) {
  const at::Tensor scores = probabilities.contiguous();
  const at::Tensor flags = positives.contiguous();
  const auto* score = scores.data_ptr<double>();
  const auto* flag = flags.data_ptr<bool>();
  std::vector<ScoredExample> examples(static_cast<size_t>(scores.numel()));
  for (size_t i = 0; i < examples.size(); ++i) examples[i] = {.score = score[i], .positive = flag[i]};
  const Ranking ranking(std::move(examples));
  return {.name = std::move(name),
          .examples = scores.numel(),
          .support = positives.sum().item<int64_t>(),
          .predicted = predicted.sum().item<int64_t>(),
          .hits = positives.logical_and(predicted).sum().item<int64_t>(),
          .roc_auc = ranking.RocArea(),
          .pr_auc = ranking.AveragePrecision(),
          .roc = ranking.RocCurve(curve_points),
          .precision_recall = ranking.PrecisionRecallCurve(curve_points)};
}

}  // namespace athanor::training
