#include "server/rpc/study_calls.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/coordinator/plan.h"
#include "server/coordinator/requirements.h"
#include "server/rpc/convert_study.h"
#include "server/rpc/convert_study_spec.h"
#include "server/rpc/convert_study_update.h"
#include "server/rpc/convert_value.h"
#include "server/rpc/fingerprint.h"
#include "server/rpc/paging.h"
#include "server/search/auto.h"

namespace athanor {
namespace {

v1::GarbageReport ToProto(const GarbageReport& report) {
  v1::GarbageReport proto;
  for (const auto& [checkpoint, reason] : report.deleted) {
    v1::GarbageCheckpoint& item = *proto.add_deleted();
    item.set_trial_number(checkpoint.trial);
    item.set_step(checkpoint.step);
    item.set_size_bytes(checkpoint.size_bytes);
    item.set_sha256(checkpoint.sha256);
    item.set_reason(reason);
  }
  proto.set_deleted_bytes(report.deleted_bytes);
  proto.set_kept(report.kept);
  proto.set_kept_bytes(report.kept_bytes);
  return proto;
}

}  // namespace

v1::Study StudyNow(Coordinator& coordinator, const LiveStudy& study, MonotonicTime now) {
  return ToProto(study, coordinator.studies().WhyWaiting(study, now));
}

void StudyCalls::Create(const v1::CreateStudyRequest& request, Done<v1::Study> done) {
  absl::StatusOr<StudySpec> spec = FromProto(request.spec());
  if (!spec.ok()) return done(spec.status());
  context_.owner.Submit<v1::Study>(
      [this, spec = *std::move(spec),
       key = KeyOf("CreateStudy", request)](Transaction& tx) -> absl::StatusOr<v1::Study> {
        ATHANOR_ASSIGN_OR_RETURN(const LiveStudy* study, context_.coordinator.studies().Create(tx, spec, key));
        return StudyNow(context_.coordinator, *study, tx.now.monotonic);
      },
      std::move(done));
}

void StudyCalls::Plan(const v1::PlanStudyRequest& request, Done<v1::StudyPlan> done) {
  absl::StatusOr<StudySpec> spec = FromProto(request.spec());
  if (!spec.ok()) return done(spec.status());
  if (const absl::Status completed = Complete(*spec); !completed.ok()) return done(completed);
  PickMethod(*spec);
  absl::StatusOr<StudyPlan> plan = PlanStudy(*spec);
  if (!plan.ok()) return done(plan.status());
  absl::StatusOr<v1::StudyPlan> proto = ToProto(*plan, *spec);
  if (!proto.ok()) return done(proto.status());
  context_.owner.Submit<v1::StudyPlan>(
      [this, spec = *std::move(spec), proto = *std::move(proto)](Transaction& tx) -> absl::StatusOr<v1::StudyPlan> {
        const State& state = context_.coordinator.state();
        v1::StudyPlan answer = proto;
        if (state.by_name.contains(spec.name)) {
          answer.add_notes(absl::StrCat("A study named \"", spec.name, "\" exists already."));
        }
        const bool runnable = std::ranges::any_of(state.workers, [&](const auto& entry) {
          return state.IsOnline(entry.second, tx.now.monotonic) && Meets(entry.second.record, spec);
        });
        ATHANOR_ASSIGN_OR_RETURN(const auto prior, context_.coordinator.studies().ReadWarmStart(spec));
        if (!spec.warm_start.empty()) {
          answer.add_notes(absl::StrCat("It starts from ", prior.size(), " trials of earlier studies."));
        }
        if (!runnable) answer.add_notes("No connected worker meets its requirements now.");
        return answer;
      },
      std::move(done));
}

void StudyCalls::Get(const v1::GetStudyRequest& request, Done<v1::Study> done) {
  context_.owner.Submit<v1::Study>(
      [this, name = request.study()](Transaction& tx) -> absl::StatusOr<v1::Study> {
        ATHANOR_ASSIGN_OR_RETURN(const LiveStudy* study, context_.coordinator.state().FindStudy(name));
        return StudyNow(context_.coordinator, *study, tx.now.monotonic);
      },
      std::move(done));
}

void StudyCalls::List(const v1::ListStudiesRequest& request, Done<v1::ListStudiesResponse> done) {
  const absl::StatusOr<int64_t> size = PageSize(request.page_size());
  if (!size.ok()) return done(size.status());
  const std::string fingerprint = ListFingerprint(request);
  StudyId below = std::numeric_limits<StudyId>::max();
  if (!request.page_token().empty()) {
    const absl::StatusOr<int64_t> position = ReadPosition(request.page_token(), fingerprint);
    if (!position.ok()) return done(position.status());
    below = *position;
  }
  std::set<StudyState> states;
  for (const int number : request.states()) {
    const auto state = FromProto(static_cast<v1::StudyState>(number));
    if (!state.has_value()) return done(absl::InvalidArgumentError("states: holds a state that does not exist"));
    states.insert(*state);
  }
  context_.owner.Submit<v1::ListStudiesResponse>(
      [this, limit = *size, fingerprint, below,
       states = std::move(states)](Transaction& tx) -> absl::StatusOr<v1::ListStudiesResponse> {
        v1::ListStudiesResponse response;
        const auto& studies = context_.coordinator.state().studies;
        for (auto entry = std::make_reverse_iterator(studies.lower_bound(below)); entry != studies.rend(); ++entry) {
          if (!states.empty() && !states.contains(entry->second->record().state)) continue;
          if (response.studies_size() == limit) {
            response.set_next_page_token(
                MakePageToken(response.studies(response.studies_size() - 1).id(), fingerprint));
            break;
          }
          *response.add_studies() = StudyNow(context_.coordinator, *entry->second, tx.now.monotonic);
        }
        return response;
      },
      std::move(done));
}

void StudyCalls::ChangeStudy(const v1::ChangeStudyRequest& request, const char* method, Change change,
                             Done<v1::Study> done) {
  context_.owner.Submit<v1::Study>(
      [this, change, name = request.study(),
       key = KeyOf(method, request)](Transaction& tx) -> absl::StatusOr<v1::Study> {
        Studies& studies = context_.coordinator.studies();
        ATHANOR_ASSIGN_OR_RETURN(const LiveStudy* study, (studies.*change)(tx, name, key));
        return StudyNow(context_.coordinator, *study, tx.now.monotonic);
      },
      std::move(done));
}

void StudyCalls::Pause(const v1::ChangeStudyRequest& request, Done<v1::Study> done) {
  ChangeStudy(request, "PauseStudy", &Studies::Pause, std::move(done));
}

void StudyCalls::Resume(const v1::ChangeStudyRequest& request, Done<v1::Study> done) {
  ChangeStudy(request, "ResumeStudy", &Studies::Resume, std::move(done));
}

void StudyCalls::Cancel(const v1::ChangeStudyRequest& request, Done<v1::Study> done) {
  ChangeStudy(request, "CancelStudy", &Studies::Cancel, std::move(done));
}

void StudyCalls::Update(const v1::UpdateStudyRequest& request, Done<v1::Study> done) {
  absl::StatusOr<StudyUpdate> update = FromProto(request);
  if (!update.ok()) return done(update.status());
  context_.owner.Submit<v1::Study>(
      [this, name = request.study(), update = *std::move(update),
       key = KeyOf("UpdateStudy", request)](Transaction& tx) -> absl::StatusOr<v1::Study> {
        ATHANOR_ASSIGN_OR_RETURN(const LiveStudy* study, context_.coordinator.studies().Update(tx, name, update, key));
        return StudyNow(context_.coordinator, *study, tx.now.monotonic);
      },
      std::move(done));
}

void StudyCalls::Delete(const v1::ChangeStudyRequest& request, Done<v1::DeleteStudyResponse> done) {
  context_.owner.Submit<v1::DeleteStudyResponse>(
      [this, name = request.study(),
       key = KeyOf("DeleteStudy", request)](Transaction& tx) -> absl::StatusOr<v1::DeleteStudyResponse> {
        ATHANOR_RETURN_IF_ERROR(context_.coordinator.studies().Delete(tx, name, key));
        return v1::DeleteStudyResponse();
      },
      std::move(done));
}

void StudyCalls::CollectGarbage(const v1::CollectGarbageRequest& request, Done<v1::GarbageReport> done) {
  context_.owner.Submit<v1::GarbageReport>(
      [this, name = request.study(), mode = request.dry_run() ? GarbageMode::kDryRun : GarbageMode::kDelete,
       key = KeyOf("CollectGarbage", request)](Transaction& tx) -> absl::StatusOr<v1::GarbageReport> {
        ATHANOR_ASSIGN_OR_RETURN(const GarbageReport report,
                                 context_.coordinator.checkpoints().CollectGarbage(tx, name, mode, key));
        return ToProto(report);
      },
      std::move(done));
}

}  // namespace athanor
