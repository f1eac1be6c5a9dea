#include "tests/bench/load/bars.h"

#include <fmt/format.h>

namespace athanor::bench {
namespace {

constexpr double kCollapse = 4;  // times as bad as the bar

}  // namespace

void Bars::AtLeast(std::string_view what, double measured, double bar, std::string_view unit) {
  Print(Figure::kSteady, what, measured, bar, unit, bar / measured);
}

void Bars::AtMost(std::string_view what, double measured, double bar, std::string_view unit, Figure figure) {
  Print(figure, what, measured, bar, unit, measured / bar);
}

void Bars::Print(Figure figure, std::string_view what, double measured, double bar, std::string_view unit,
                 double times_worse) {
  // NaN, of a figure that could not be had, is a collapse.
  const bool collapsed = figure == Figure::kSteady && !(times_worse <= kCollapse);
  collapsed_ = collapsed_ || collapsed;
  fmt::print("  {:<44} {:>10.2f} {:<4} bar {:>9.2f}  {}\n", what, measured, unit, bar,
             collapsed          ? "COLLAPSED"
             : times_worse <= 1 ? "met"
                                : "missed");
}

}  // namespace athanor::bench
