#include "worker/training/tasks/histograms.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string>

#include "worker/training/tasks/csv.h"

namespace athanor::training {
namespace {

// Room for the end of the file.
constexpr size_t kMaxTensorBytes = kMaxReportBytes - 100;

struct Summary {
  int64_t finite = 0;
  double min = 0;
  double max = 0;
  double mean = 0;
  double stddev = 0;
  std::array<int64_t, kHistogramBins> counts = {};
};

Summary Summarize(std::span<const float> values) {
  Summary summary;
  double sum = 0;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    summary.min = summary.finite == 0 ? value : std::min(summary.min, value);
    summary.max = summary.finite == 0 ? value : std::max(summary.max, value);
    sum += value;
    ++summary.finite;
  }
  if (summary.finite == 0) return summary;
  summary.mean = sum / static_cast<double>(summary.finite);
  const double scale = summary.max > summary.min ? kHistogramBins / (summary.max - summary.min) : 0;
  double squares = 0;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    squares += (value - summary.mean) * (value - summary.mean);
    const auto bin = static_cast<int>((value - summary.min) * scale);
    ++summary.counts[static_cast<size_t>(std::min(bin, kHistogramBins - 1))];
  }
  summary.stddev = std::sqrt(squares / static_cast<double>(summary.finite));
  return summary;
}

// Names come from model files too.
std::string JsonText(const std::string& text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (code < 0x20) {
      quoted += std::string("\\u00") + kHex[code >> 4] + kHex[code & 15];
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string Describe(const NamedTensor& named) {
  const at::Tensor tensor = named.tensor.detach().to(at::kCPU, at::kFloat).contiguous();
  const auto count = static_cast<size_t>(tensor.numel());
  const Summary summary = Summarize({tensor.data_ptr<float>(), count});
  std::string text = "{\"name\": ";
  text += JsonText(named.name);
  const auto add = [&text](const char* key, const std::string& value) { text.append(key).append(value); };
  add(", \"count\": ", std::to_string(count));
  add(", \"non_finite\": ", std::to_string(static_cast<int64_t>(count) - summary.finite));
  if (summary.finite == 0) return text + "}";
  add(", \"min\": ", CsvNumber(summary.min));
  add(", \"max\": ", CsvNumber(summary.max));
  add(", \"mean\": ", CsvNumber(summary.mean));
  add(", \"stddev\": ", CsvNumber(summary.stddev));
  text += ", \"counts\": [";
  for (size_t bin = 0; bin < summary.counts.size(); ++bin) {
    add(bin == 0 ? "" : ", ", std::to_string(summary.counts[bin]));
  }
  return text + "]}";
}

}  // namespace

ReportFile WeightHistograms(const std::vector<NamedTensor>& tensors) {
  std::string text = "{\"bins\": ";
  text.append(std::to_string(kHistogramBins)).append(", \"tensors\": [");
  size_t described = 0;
  for (const NamedTensor& named : tensors) {
    const std::string line = Describe(named);
    if (text.size() + line.size() > kMaxTensorBytes) break;
    text.append(described == 0 ? "\n" : ",\n").append(line);
    ++described;
  }
  text += "\n]";
  if (described < tensors.size()) text.append(", \"left_out\": ").append(std::to_string(tensors.size() - described));
  return {.name = "histograms.json", .contents = text + "}\n"};
}

}  // namespace athanor::training
