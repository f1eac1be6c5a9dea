#include "server/coordinator/trials.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/coordinator/lifecycle.h"

namespace athanor {
namespace {

// The configuration that `parameters` fix, in the order of the space.
absl::StatusOr<Configuration> Fix(const SearchSpace& space, const NamedValues& parameters) {
  Configuration fixed(space.size());
  for (const auto& [name, value] : parameters) {
    const auto index = space.IndexOf(name);
    if (!index.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat("parameters.", name, ": no such parameter in the study"));
    }
    fixed[*index] = value;
    // An int is accepted where a float is wanted.
    const auto* integer = std::get_if<int64_t>(&value);
    if (integer != nullptr && space.parameters()[*index].type == ParameterType::kFloat) {
      fixed[*index] = static_cast<double>(*integer);
    }
  }
  ATHANOR_RETURN_IF_ERROR(space.AllowedValues(fixed).status());
  return fixed;
}

bool Matches(const LiveStudy& study, const Trial& trial, const TrialFilter& filter) {
  if (!filter.states.empty() && std::ranges::find(filter.states, trial.state) == filter.states.end()) return false;
  if (filter.min_best_value.has_value() && !(trial.best.has_value() && trial.best->value >= *filter.min_best_value)) {
    return false;
  }
  if (filter.max_best_value.has_value() && !(trial.best.has_value() && trial.best->value <= *filter.max_best_value)) {
    return false;
  }
  if (!filter.worker.empty()) {
    const LiveAttempt* live = study.live(trial.number);
    if (live == nullptr || live->attempt.worker != filter.worker) return false;
  }
  return std::ranges::all_of(filter.parameters, [&](const auto& wanted) {
    const auto index = study.space().IndexOf(wanted.first);
    return index.has_value() && trial.configuration[*index] == std::optional<Value>(wanted.second);
  });
}

}  // namespace

absl::StatusOr<int64_t> Trials::Enqueue(Transaction& tx, const std::string& name, const NamedValues& parameters,
                                        const RequestKey& request) {
  ATHANOR_ASSIGN_OR_RETURN(const auto before, state_.FindRequest(request));
  if (before.has_value()) return before->position;
  ATHANOR_ASSIGN_OR_RETURN(LiveStudy * study, state_.FindStudy(name));
  if (IsFinished(study->record().state)) {
    return absl::FailedPreconditionError(absl::StrCat("study \"", study->spec().name, "\" is ",
                                                      ToString(study->record().state), "; nothing can be enqueued"));
  }
  if (study->spec().search.method == "grid") {
    return absl::InvalidArgumentError(
        absl::StrCat("study \"", study->spec().name, "\" runs a grid: each of its points exactly once, nothing else"));
  }
  const auto total = study->TrialsTotal();
  if (total.has_value() && static_cast<int64_t>(study->trials().size() + study->enqueued().size()) >= *total) {
    return absl::FailedPreconditionError(
        absl::StrCat("study \"", study->spec().name, "\": budget.trials ", *total, " has no room left"));
  }
  ATHANOR_ASSIGN_OR_RETURN(Configuration fixed, Fix(study->space(), parameters));
  ATHANOR_RETURN_IF_ERROR(tx.writable);
  const int64_t position = study->Enqueue(tx, std::move(fixed));
  state_.RememberRequest(tx, request, study->id(), std::nullopt, position);
  return position;
}

absl::StatusOr<FoundTrial> Trials::Open(const std::string& name, TrialNumber number, const RequestKey& request) {
  ATHANOR_ASSIGN_OR_RETURN(const auto before, state_.FindRequest(request));
  if (before.has_value()) {
    ATHANOR_ASSIGN_OR_RETURN(LiveStudy * same, state_.FindStudy(before->study));
    return FoundTrial{same, before->trial.value_or(number), true};
  }
  ATHANOR_ASSIGN_OR_RETURN(LiveStudy * study, state_.FindStudy(name));
  ATHANOR_RETURN_IF_ERROR(State::CheckTrial(*study, number));
  return FoundTrial{study, number, false};
}

absl::StatusOr<FoundTrial> Trials::Retry(Transaction& tx, const std::string& name, TrialNumber number,
                                         const RequestKey& request) {
  ATHANOR_ASSIGN_OR_RETURN(const FoundTrial found, Open(name, number, request));
  if (found.repeated) return found;
  LiveStudy& study = *found.study;
  const TrialState now = study.trial(number).state;
  if (!MayBeRetried(now)) {
    return absl::FailedPreconditionError(absl::StrCat("trial ", number, " of study \"", study.spec().name, "\" is ",
                                                      ToString(now),
                                                      "; only FAILED and CANCELLED trials can be retried"));
  }
  if (study.record().state == StudyState::kCancelled) {
    return absl::FailedPreconditionError(absl::StrCat("study \"", study.spec().name, "\" is CANCELLED"));
  }
  ATHANOR_RETURN_IF_ERROR(tx.writable);
  ATHANOR_RETURN_IF_ERROR(study.LoadHistory(state_.store));
  study.Retry(tx, number);
  if (IsFinished(study.record().state)) study.SetState(tx, StudyState::kActive, "");
  state_.RememberRequest(tx, request, study.id(), number);
  return found;
}

absl::StatusOr<FoundTrial> Trials::Cancel(Transaction& tx, const std::string& name, TrialNumber number,
                                          const RequestKey& request) {
  ATHANOR_ASSIGN_OR_RETURN(const FoundTrial found, Open(name, number, request));
  if (found.repeated) return found;
  LiveStudy& study = *found.study;
  const TrialState now = study.trial(number).state;
  if (IsFinished(now) && now != TrialState::kCancelled) {
    return absl::FailedPreconditionError(absl::StrCat("trial ", number, " of study \"", study.spec().name, "\" is ",
                                                      ToString(now), " and cannot be cancelled"));
  }
  ATHANOR_RETURN_IF_ERROR(tx.writable);
  state_.RememberRequest(tx, request, study.id(), number);
  if (now == TrialState::kCancelled) return found;
  EndTrial(state_, tx, study, number, TrialState::kCancelled, "cancelled by a user");
  Settle(state_, tx, study);
  return found;
}

TrialPage Trials::List(const LiveStudy& study, const TrialFilter& filter, TrialOrder order, int64_t offset,
                       int64_t limit) {
  const auto total = static_cast<int64_t>(study.trials().size());
  const int64_t ranked = study.ranking().size();
  TrialPage page;
  // Offsets count positions in the order, not matches, so that a page costs no more than what it looks at.
  int64_t unranked = -1;  // order kBest: the last trial without a value that was listed
  const auto at = [&](int64_t position) -> TrialNumber {
    if (order == TrialOrder::kNumber) return position;
    if (order == TrialOrder::kNumberDescending) return total - 1 - position;
    if (position < ranked) return study.ranking().At(position).second;
    do {
      ++unranked;
    } while (study.trial(unranked).best.has_value());
    return unranked;
  };
  if (order == TrialOrder::kBest) {
    for (int64_t position = ranked; position < std::min(offset, total); ++position) at(position);
  }
  for (int64_t position = std::max<int64_t>(offset, 0); position < total; ++position) {
    if (static_cast<int64_t>(page.trials.size()) == limit) {
      page.next_offset = position;
      break;
    }
    const TrialNumber number = at(position);
    if (Matches(study, study.trial(number), filter)) page.trials.push_back(number);
  }
  return page;
}

}  // namespace athanor
