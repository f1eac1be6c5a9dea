#include "client/cli/bars.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

namespace athanor::cli {
namespace {

std::string Repeat(std::string_view text, size_t count) {
  std::string repeated;
  for (size_t i = 0; i < count; ++i) repeated += text;
  return repeated;
}

}  // namespace

StyledLine ProgressBar(double fraction, size_t width, Style style, Charset charset) {
  const double clamped = fraction > 0 ? std::min(fraction, 1.0) : 0;  // NaN is not > 0
  const size_t halves = static_cast<size_t>(std::floor(clamped * 2 * static_cast<double>(width)));
  const size_t full = halves / 2;
  const bool half = halves % 2 == 1;
  StyledLine bar;
  if (charset == Charset::kAscii) {
    return bar.Append(Repeat("#", full), style).Append(Repeat("-", width - full), Style::kDim);
  }
  bar.Append(Repeat("━", full) + (half ? "╸" : ""), style);
  return bar.Append(Repeat("─", width - full - (half ? 1 : 0)), Style::kDim);
}

std::string Sparkline(const std::vector<double>& values, size_t width, Charset charset) {
  static constexpr std::string_view kBlocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static constexpr std::string_view kAscii[] = {"_", ".", "-", "~", "=", "+", "*", "#"};
  const bool utf8 = charset == Charset::kUtf8;
  std::vector<double> shown = values;
  if (values.size() > width) {
    shown.clear();
    for (size_t i = 0; i < width; ++i)
      shown.push_back(values[width == 1 ? values.size() - 1 : i * (values.size() - 1) / (width - 1)]);
  }
  double least = std::numeric_limits<double>::infinity();
  double greatest = -least;
  for (const double value : shown) {
    if (!std::isfinite(value)) continue;
    least = std::min(least, value);
    greatest = std::max(greatest, value);
  }
  std::string line;
  for (const double value : shown) {
    if (!std::isfinite(value)) {
      line += utf8 ? "×" : "x";
      continue;
    }
    size_t level = 3;
    // Halved first: the difference of two doubles can overflow.
    const double range = greatest / 2 - least / 2;
    if (range > 0) level = static_cast<size_t>(std::lround((value / 2 - least / 2) / range * 7));
    line += utf8 ? kBlocks[level] : kAscii[level];
  }
  return line;
}

}  // namespace athanor::cli
