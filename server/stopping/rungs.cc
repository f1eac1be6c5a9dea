#include "server/stopping/rungs.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/core/spec_refusal.h"

namespace athanor {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

absl::Status CheckRungs(const HalvingOptions& options) {
  ATHANOR_RETURN_IF_ERROR(CheckInt("early_stopping.min_resource", options.min_resource, 1));
  if (options.max_resource < options.min_resource) {
    return Refuse("early_stopping.max_resource", absl::StrCat(options.max_resource),
                  absl::StrCat("is below min_resource; want int >= ", options.min_resource));
  }
  return CheckInt("early_stopping.reduction_factor", options.reduction_factor, 2);
}

std::vector<int64_t> RungSteps(const HalvingOptions& options) {
  std::vector<int64_t> steps;
  int64_t step = options.min_resource;
  while (step < options.max_resource) {
    steps.push_back(step);
    if (step > (options.max_resource - 1) / options.reduction_factor) break;  // the next one is not below max_resource
    step *= options.reduction_factor;
  }
  steps.push_back(options.max_resource);
  return steps;
}

RungRange ReachedRungs(const Ladder& ladder, const std::vector<int64_t>& steps, const TrialValue& value) {
  RungRange range;
  range.first = range.end = ladder.FirstOpenRung(value.trial);
  while (range.end < static_cast<int64_t>(steps.size()) && steps[static_cast<size_t>(range.end)] <= value.step)
    ++range.end;
  return range;
}

int64_t CountWith(const Rung& rung, TrialNumber trial) {
  return rung.entries().size() + (rung.EntryOf(trial) == nullptr ? 1 : 0);
}

Standing StandingAt(const Rung& rung, TrialNumber trial, double value) {
  return {.n = CountWith(rung, trial), .strictly_better = rung.entries().CountBelow(value)};
}

double ValueAtPlace(const Rung& rung, double value, int64_t place) {
  const OrderStatistics& entries = rung.entries();
  // By the entries at that place, which many calls in a row look at, not by the place of the value, which is anywhere.
  if (place <= entries.size() && entries.At(place - 1).first < value) return entries.At(place - 1).first;
  if (place == 1) return value;
  // Behind the value itself: its own earlier +inf, if there is one, is last, and never reached since place <= n.
  return std::max(value, entries.At(place - 2).first);
}

std::vector<EnteredRung> RungsOnEnd(const Ladder& ladder, const LadderShape& shape, TrialNumber trial, TrialEnd end,
                                    double last) {
  std::vector<EnteredRung> entered;
  const int64_t open = ladder.FirstOpenRung(trial);
  if (end == TrialEnd::kCompleted) {
    for (int64_t rung = open; rung < shape.rungs; ++rung) entered.push_back({.rung = rung, .value = last});
    return entered;
  }
  const int64_t next = std::min(std::max(open, shape.first_rung), shape.rungs - 1);
  for (int64_t rung = open; rung <= next; ++rung) {
    if (!ladder.rung(shape.number, rung).ValueOf(trial)) entered.push_back({.rung = rung, .value = kInfinity});
  }
  return entered;
}

}  // namespace athanor
