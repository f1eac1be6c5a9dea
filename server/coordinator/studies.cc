#include "server/coordinator/studies.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/coordinator/dispatch.h"
#include "server/coordinator/lifecycle.h"
#include "server/search/auto.h"
#include "server/search/warm_start.h"

namespace athanor {
namespace {

// Active time is written this often; a crash loses at most so much of it.
constexpr int64_t kActiveTimeIntervalMs = 5'000;

absl::Status Finished(const LiveStudy& study, const char* wanted) {
  return absl::FailedPreconditionError(
      absl::StrCat("study \"", study.spec().name, "\" is ", ToString(study.record().state), " and cannot be ", wanted));
}

}  // namespace

absl::StatusOr<LiveStudy*> Studies::Create(Transaction& tx, StudySpec spec, const RequestKey& request) {
  ATHANOR_ASSIGN_OR_RETURN(const auto before, state_.FindRequest(request));
  if (before.has_value()) return state_.FindStudy(before->study);
  ATHANOR_RETURN_IF_ERROR(Complete(spec));
  PickMethod(spec);
  return CreateCompleted(tx, std::move(spec), request);
}

absl::StatusOr<LiveStudy*> Studies::CreateCompleted(Transaction& tx, StudySpec spec, const RequestKey& request) {
  ATHANOR_ASSIGN_OR_RETURN(const auto before, state_.FindRequest(request));
  if (before.has_value()) return state_.FindStudy(before->study);
  ATHANOR_RETURN_IF_ERROR(tx.writable);
  if (state_.by_name.contains(spec.name)) {
    return absl::AlreadyExistsError(absl::StrCat("name: study \"", spec.name, "\" exists already"));
  }
  StudyImage image;
  image.study.id = state_.next_study;
  image.study.spec = std::move(spec);
  image.study.created = tx.now.wall;
  image.study.revision = 1;
  const StudyRecord record = image.study;
  ATHANOR_ASSIGN_OR_RETURN(image.prior, ReadWarmStart(record.spec));
  ATHANOR_ASSIGN_OR_RETURN(
      auto study, LiveStudy::Load(std::move(image), state_.store, tx.now.monotonic, {}, state_.options.create_search));

  ++state_.next_study;
  tx.touched_studies.insert(record.id);
  tx.changes.push_back(PutStudy{record});
  for (size_t i = 0; i < study->prior().size(); ++i) {
    tx.changes.push_back(AddPriorTrial{record.id, static_cast<int64_t>(i), study->prior()[i]});
  }
  state_.RememberRequest(tx, request, record.id, std::nullopt);
  state_.by_name[record.spec.name] = record.id;
  return (state_.studies[record.id] = std::move(study)).get();
}

absl::StatusOr<std::vector<PriorTrial>> Studies::ReadWarmStart(const StudySpec& spec) const {
  if (spec.warm_start.empty()) return std::vector<PriorTrial>();
  const auto objective = [](const Objective& of) {
    return absl::StrCat(of.goal == Goal::kMaximize ? "maximize " : "minimize ", of.metric);
  };
  std::vector<EarlierStudy> sources;
  for (size_t i = 0; i < spec.warm_start.size(); ++i) {
    const auto path = [&] { return absl::StrCat("warm_start[", i, "]: "); };
    const auto found = state_.FindStudy(spec.warm_start[i]);
    if (!found.ok()) return absl::Status(found.status().code(), absl::StrCat(path(), found.status().message()));
    const LiveStudy& source = **found;
    const std::string theirs = objective(source.spec().objective()), ours = objective(spec.objective());
    if (theirs != ours) {
      return absl::InvalidArgumentError(
          absl::StrCat(path(), "study \"", spec.warm_start[i], "\" is to ", theirs, "; want one to ", ours));
    }
    sources.push_back({source.spec(), source.space(), source.trials()});
  }
  ATHANOR_ASSIGN_OR_RETURN(const SearchSpace space, SearchSpace::Create(spec.parameters));
  return TakeOver(space, sources);
}

absl::StatusOr<Studies::Call> Studies::Open(const std::string& study, const RequestKey& request) {
  ATHANOR_ASSIGN_OR_RETURN(const auto before, state_.FindRequest(request));
  if (before.has_value()) {
    ATHANOR_ASSIGN_OR_RETURN(LiveStudy * same, state_.FindStudy(before->study));
    return Call{same, true};
  }
  ATHANOR_ASSIGN_OR_RETURN(LiveStudy * found, state_.FindStudy(study));
  return Call{found, false};
}

absl::StatusOr<LiveStudy*> Studies::Pause(Transaction& tx, const std::string& name, const RequestKey& request) {
  ATHANOR_ASSIGN_OR_RETURN(const Call call, Open(name, request));
  if (call.repeated) return call.study;
  if (IsFinished(call.study->record().state)) return Finished(*call.study, "paused");
  ATHANOR_RETURN_IF_ERROR(tx.writable);
  state_.RememberRequest(tx, request, call.study->id(), std::nullopt);
  if (call.study->record().state == StudyState::kPaused) return call.study;
  call.study->SetState(tx, StudyState::kPaused, "paused by a user");
  leases_.Preempt(tx, *call.study);
  return call.study;
}

absl::StatusOr<LiveStudy*> Studies::Resume(Transaction& tx, const std::string& name, const RequestKey& request) {
  ATHANOR_ASSIGN_OR_RETURN(const Call call, Open(name, request));
  if (call.repeated) return call.study;
  if (IsFinished(call.study->record().state)) return Finished(*call.study, "resumed");
  ATHANOR_RETURN_IF_ERROR(tx.writable);
  state_.RememberRequest(tx, request, call.study->id(), std::nullopt);
  if (call.study->record().state == StudyState::kActive) return call.study;
  call.study->SetState(tx, StudyState::kActive, "");
  Leases::StopPreempting(*call.study);
  Settle(state_, tx, *call.study);
  return call.study;
}

absl::StatusOr<LiveStudy*> Studies::Cancel(Transaction& tx, const std::string& name, const RequestKey& request) {
  ATHANOR_ASSIGN_OR_RETURN(const Call call, Open(name, request));
  if (call.repeated) return call.study;
  const StudyState now = call.study->record().state;
  if (IsFinished(now) && now != StudyState::kCancelled) return Finished(*call.study, "cancelled");
  ATHANOR_RETURN_IF_ERROR(tx.writable);
  state_.RememberRequest(tx, request, call.study->id(), std::nullopt);
  if (now != StudyState::kCancelled) EndStudy(state_, tx, *call.study, StudyState::kCancelled, "cancelled by a user");
  return call.study;
}

absl::Status Studies::Delete(Transaction& tx, const std::string& name, const RequestKey& request) {
  ATHANOR_ASSIGN_OR_RETURN(const auto before, state_.FindRequest(request));
  if (before.has_value()) return absl::OkStatus();
  ATHANOR_ASSIGN_OR_RETURN(LiveStudy * study, state_.FindStudy(name));
  if (!IsFinished(study->record().state)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "study \"", study->spec().name, "\" is ", ToString(study->record().state), "; cancel it before deleting it"));
  }
  ATHANOR_RETURN_IF_ERROR(tx.writable);
  const StudyId id = study->id();
  state_.RememberRequest(tx, request, id, std::nullopt);
  tx.touched_studies.insert(id);
  // Row by row, so that whoever keeps the files learns of each.
  for (const auto& [trial, checkpoints] : CheckpointIndex::ByTrial(study->checkpoint_index().all())) {
    for (const Checkpoint& checkpoint : checkpoints) study->RemoveCheckpoint(tx, checkpoint);
  }
  study->Flush(tx);
  tx.changes.push_back(DeleteStudy{id});
  state_.by_name.erase(study->spec().name);
  state_.studies.erase(id);
  return absl::OkStatus();
}

void Studies::Tick(Transaction& tx) {
  for (const auto& [id, study] : state_.studies) {
    if (study->record().state != StudyState::kActive) continue;
    const int64_t active_ms = study->ActiveMs(tx.now.monotonic);
    const auto& limit = study->spec().budget.wall_clock_ms;
    if (limit.has_value() && active_ms >= *limit) {
      EndStudy(state_, tx, *study, StudyState::kCompleted, absl::StrCat("wall_clock used up: ", *limit / 1000, " s"));
    } else if (active_ms - study->record().active_ms >= kActiveTimeIntervalMs) {
      study->CountActiveTime(tx);
    }
  }
}

std::string Studies::WhyWaiting(const LiveStudy& study, MonotonicTime now) const {
  if (study.record().state != StudyState::kActive || study.Count(TrialState::kRunning) > 0) return "";
  int online = 0, meeting = 0;
  for (const auto& [name, worker] : state_.workers) {
    if (!state_.IsOnline(worker, now)) continue;
    ++online;
    if (state_.MayRun(worker, study, now)) ++meeting;
  }
  if (online == 0) return "no worker is connected";
  if (meeting == 0) return absl::StrCat("none of the ", online, " connected workers meets its requirements");
  return "";
}

}  // namespace athanor
