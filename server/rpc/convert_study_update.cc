#include "server/rpc/convert_study_update.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"

namespace athanor {
namespace {

constexpr std::pair<std::string_view, StudyField> kFields[] = {
    {"budget.trials", StudyField::kTrials},           {"budget.parallel", StudyField::kParallel},
    {"budget.wall_clock_ms", StudyField::kWallClock}, {"budget.max_failures", StudyField::kMaxFailures},
    {"budget.target", StudyField::kTarget},           {"priority", StudyField::kPriority},
};
constexpr char kWanted[] =
    "want some of budget.trials, budget.parallel, budget.wall_clock_ms, budget.max_failures, budget.target, priority";

}  // namespace

absl::StatusOr<StudyUpdate> FromProto(const v1::UpdateStudyRequest& request) {
  StudyUpdate update;
  for (const std::string& path : request.update_mask().paths()) {
    const auto field = std::ranges::find(kFields, path, &std::pair<std::string_view, StudyField>::first);
    if (field == std::end(kFields)) {
      return absl::InvalidArgumentError(absl::StrCat("update_mask: \"", path, "\" cannot change; ", kWanted));
    }
    update.fields.insert(field->second);
  }
  if (update.fields.empty()) return absl::InvalidArgumentError(absl::StrCat("update_mask: names nothing; ", kWanted));
  const v1::Budget& budget = request.budget();
  if (budget.has_trials()) update.budget.trials = budget.trials();
  update.budget.parallel = budget.parallel();
  if (budget.has_wall_clock_ms()) update.budget.wall_clock_ms = budget.wall_clock_ms();
  if (budget.has_max_failures()) update.budget.max_failures = budget.max_failures();
  if (budget.has_target()) update.budget.target = budget.target();
  update.priority = request.priority();
  return update;
}

}  // namespace athanor
