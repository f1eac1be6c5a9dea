#include "server/stopping/stopping_rule.h"

#include <utility>

#include "base/status.h"
#include "server/stopping/asha.h"
#include "server/stopping/asha_stopping.h"
#include "server/stopping/hyperband.h"
#include "server/stopping/patience.h"
#include "server/stopping/percentile.h"
#include "server/stopping/threshold.h"

namespace athanor {
namespace {

using Created = absl::StatusOr<std::unique_ptr<StoppingRule>>;

struct CreateFrom {
  const StudySpec& spec;

  Created operator()(const NoStopping&) const { return nullptr; }
  Created operator()(const MedianStopping& options) const { return PercentileRule::Create("median", options); }
  Created operator()(const PercentileStopping& options) const { return PercentileRule::Create("percentile", options); }
  Created operator()(const AshaPromotion& options) const { return AshaRule::Create(options, spec.search.seed); }
  Created operator()(const AshaStopping& options) const { return AshaStoppingRule::Create(options); }
  Created operator()(const Hyperband& options) const { return HyperbandRule::Create(options); }
  Created operator()(const ThresholdStopping& options) const {
    return ThresholdRule::Create(options, spec.objective().goal);
  }
  Created operator()(const PatienceStopping& options) const {
    ATHANOR_ASSIGN_OR_RETURN(std::unique_ptr<StoppingRule> inner, std::visit(*this, options.inner));
    return PatienceRule::Create(options, std::move(inner));
  }
};

}  // namespace

int64_t StoppingRule::BracketOf(const StoppingView&, TrialNumber) const { return 0; }

int64_t StoppingRule::LadderOf(int64_t) const { return 0; }

int64_t StoppingRule::FirstRung(int64_t) const { return 0; }

std::vector<EnteredRung> StoppingRule::OnEnd(const StoppingView&, TrialNumber, int64_t, TrialEnd, double) const {
  return {};
}

std::optional<Promotion> StoppingRule::NextPromotion(const StoppingView&) const { return std::nullopt; }

std::optional<Promotion> StoppingRule::NextFinalist(const StoppingView&, int64_t) const { return std::nullopt; }

std::vector<int64_t> StoppingRule::Rungs() const { return {}; }

std::vector<int64_t> StoppingRule::HoldSteps(const StoppingView&, TrialNumber, int64_t) const { return {}; }

absl::StatusOr<std::unique_ptr<StoppingRule>> CreateStoppingRule(const StudySpec& spec) {
  return std::visit(CreateFrom{spec}, spec.early_stopping);
}

}  // namespace athanor
