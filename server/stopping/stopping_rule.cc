#include "server/stopping/stopping_rule.h"

#include "server/stopping/asha.h"
#include "server/stopping/asha_stopping.h"
#include "server/stopping/percentile.h"

namespace athanor {
namespace {

using Created = absl::StatusOr<std::unique_ptr<StoppingRule>>;

struct CreateFrom {
  Created operator()(const NoStopping&) const { return nullptr; }
  Created operator()(const MedianStopping& options) const { return PercentileRule::Create("median", options); }
  Created operator()(const PercentileStopping& options) const { return PercentileRule::Create("percentile", options); }
  Created operator()(const AshaPromotion& options) const { return AshaRule::Create(options); }
  Created operator()(const AshaStopping& options) const { return AshaStoppingRule::Create(options); }
};

}  // namespace

std::vector<EnteredRung> StoppingRule::OnEnd(const StoppingView&, TrialNumber, int64_t, TrialEnd, double) const {
  return {};
}

std::optional<Promotion> StoppingRule::NextPromotion(const StoppingView&) const { return std::nullopt; }

std::optional<Promotion> StoppingRule::NextFinalist(const StoppingView&, int64_t) const { return std::nullopt; }

std::vector<int64_t> StoppingRule::Rungs(int64_t) const { return {}; }

std::vector<int64_t> StoppingRule::HoldSteps(const StoppingView&, TrialNumber, int64_t) const { return {}; }

absl::StatusOr<std::unique_ptr<StoppingRule>> CreateStoppingRule(const StudySpec& spec) {
  return std::visit(CreateFrom{}, spec.early_stopping);
}

}  // namespace athanor
