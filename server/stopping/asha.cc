#include "server/stopping/asha.h"

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/stopping/rungs.h"

namespace athanor {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kBracket = 0;  // asha has one

}  // namespace

absl::StatusOr<std::unique_ptr<AshaRule>> AshaRule::Create(const AshaPromotion& options) {
  ATHANOR_RETURN_IF_ERROR(CheckRungs(options));
  if (options.finalists < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("early_stopping.finalists: ", options.finalists, " is too small; want int >= 0"));
  }
  return std::unique_ptr<AshaRule>(new AshaRule(options));
}

AshaRule::AshaRule(const AshaPromotion& options) : options_(options), steps_(RungSteps(options)) {}

StoppingDecision AshaRule::OnValue(const StoppingView& view, const TrialValue& value) const {
  StoppingDecision decision;
  const RungRange reached = ReachedRungs(view.ladder, steps_, value);
  if (reached.empty()) return decision;
  for (int64_t k = reached.first; k < reached.end; ++k) decision.entered.push_back({.rung = k, .value = value.value});
  const int64_t at = reached.end - 1;
  const Rung& rung = view.ladder.rung(value.bracket, at);
  decision.recorded = true;
  decision.rung = at;
  decision.n = StandingAt(rung, value.trial, value.value).n;
  if (at > top()) return decision;
  const int64_t promotable = decision.n / options_.reduction_factor;
  if (promotable > 0) decision.bound = ValueAtPlace(rung, value.value, promotable);
  if (!value.finalist) decision.action = Action::kPause;
  return decision;
}

std::vector<EnteredRung> AshaRule::OnEnd(const StoppingView& view, TrialNumber trial, int64_t bracket, TrialEnd end,
                                         double last) const {
  return RungsOnEnd(view.ladder, static_cast<int64_t>(steps_.size()), trial, bracket, end, last);
}

std::optional<Promotion> AshaRule::NextPromotion(const StoppingView& view) const {
  for (int64_t k = top(); k >= 0; --k) {
    const Rung& rung = view.ladder.rung(kBracket, k);
    const int64_t n = rung.entries().size();
    const int64_t promotable = n / options_.reduction_factor;
    if (promotable == 0 || rung.waiting().empty()) continue;
    // Ranks grow along waiting(), so if its best is not among the promotable, none is.
    const auto& [value, trial] = rung.waiting().At(0);
    if (!std::isfinite(value) || rung.entries().Rank(value, trial) >= promotable) continue;
    return Promotion{
        .trial = trial, .from_rung = k, .value = value, .bound = rung.entries().At(promotable - 1).first, .n = n};
  }
  return std::nullopt;
}

std::optional<Promotion> AshaRule::NextFinalist(const StoppingView& view, int64_t completed_at_max_resource) const {
  if (completed_at_max_resource >= options_.finalists) return std::nullopt;
  for (int64_t k = top(); k >= 0; --k) {
    const Rung& rung = view.ladder.rung(kBracket, k);
    if (rung.waiting().empty()) continue;
    const auto& [value, trial] = rung.waiting().At(0);
    if (!std::isfinite(value)) continue;
    return Promotion{.trial = trial, .from_rung = k, .value = value, .bound = kNothing, .n = rung.entries().size()};
  }
  return std::nullopt;
}

std::vector<int64_t> AshaRule::Rungs(int64_t) const { return steps_; }

std::vector<int64_t> AshaRule::HoldSteps(const StoppingView& view, TrialNumber trial, int64_t bracket) const {
  std::vector<int64_t> holds;
  for (int64_t k = FirstOpenRung(view.ladder, trial, bracket); k <= top(); ++k)
    holds.push_back(steps_[static_cast<size_t>(k)]);
  return holds;
}

}  // namespace athanor
