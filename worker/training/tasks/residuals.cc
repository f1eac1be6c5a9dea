#include "worker/training/tasks/residuals.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "worker/training/tasks/csv.h"

namespace athanor::training {
namespace {

constexpr double kQuantiles[] = {0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1};

// `sorted` is not empty.
double Quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  if (below + 1 == sorted.size()) return sorted.back();
  const double part = place - static_cast<double>(below);
  // Between equal infinities there is nothing to interpolate.
  if (part == 0 || sorted[below] == sorted[below + 1]) return sorted[below];
  return sorted[below] + part * (sorted[below + 1] - sorted[below]);
}

void AddLine(std::string& text, std::vector<double> errors) {
  double sum = 0;
  for (const double error : errors) sum += error;
  const double mean = sum / static_cast<double>(errors.size());
  double squares = 0;
  for (const double error : errors) squares += (error - mean) * (error - mean);
  AddCell(text, std::to_string(errors.size()));
  AddCell(text, CsvNumber(mean));
  AddCell(text, CsvNumber(std::sqrt(squares / static_cast<double>(errors.size()))));
  const bool unordered = std::ranges::any_of(errors, [](double error) { return std::isnan(error); });
  if (!unordered) std::ranges::sort(errors);
  for (const double share : kQuantiles) {
    AddCell(text, CsvNumber(unordered ? std::numeric_limits<double>::quiet_NaN() : Quantile(errors, share)));
  }
  text += "\n";
}

}  // namespace

ReportFile ResidualsTable(const std::vector<std::string>& names, const at::Tensor& errors,
                          const std::vector<double>& units) {
  std::string text = "target,examples,mean,stddev,min,q01,q05,q25,median,q75,q95,q99,max\n";
  for (size_t target = 0; target < units.size(); ++target) {
    const at::Tensor column =
        errors.select(1, static_cast<int64_t>(target)).to(at::kDouble).mul(units[target]).contiguous();
    const auto* error = column.data_ptr<double>();
    text += CsvText(names[target]);
    AddLine(text, {error, error + column.numel()});
  }
  return {.name = "residuals.csv", .contents = std::move(text)};
}

}  // namespace athanor::training
