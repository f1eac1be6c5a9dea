#include "server/coordinator/checkpoints.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/coordinator/eviction.h"
#include "server/coordinator/retention.h"

namespace athanor {
namespace {

// By how much the trial's files grow once the upload is registered: what it replaces goes then.
int64_t Growth(const LiveStudy& study, TrialNumber number, const Checkpoint& upload) {
  const std::vector<Checkpoint>& kept = study.checkpoints(number);
  if (std::ranges::find(kept, upload.sha256, &Checkpoint::sha256) != kept.end()) return 0;
  const size_t needed = Retain(FactsOf(study, number), Retries::kResume).newest;
  int64_t growth = upload.size_bytes;
  for (size_t i = 0; i < kept.size(); ++i) {
    if (i + 1 >= needed) growth -= kept[i].size_bytes;
  }
  return growth;
}

// Nobody goes on from the end of a trial: only as one of the best is it worth what others would give up for it.
bool IsWorthRoom(const LiveStudy& study, TrialNumber number, const Checkpoint& upload) {
  return upload.step < study.UntilStep(study.trial(number)) || IsAmongBest(study, number);
}

UploadRoom TakeRoom(const std::shared_ptr<std::atomic<int64_t>>& uploading, int64_t bytes) {
  uploading->fetch_add(bytes);
  return UploadRoom(nullptr, [uploading, bytes](void*) { uploading->fetch_sub(bytes); });
}

}  // namespace

absl::Status Checkpoints::CheckUpload(const LeaseRef& lease, const Checkpoint& checkpoint) const {
  ATHANOR_RETURN_IF_ERROR(state_.FindLease(lease).status());
  const bool hex = std::ranges::all_of(checkpoint.sha256, [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c)) || (c >= 'a' && c <= 'f');
  });
  if (checkpoint.sha256.size() != 64 || !hex) {
    return absl::InvalidArgumentError("checkpoint.sha256: want 64 lower-case hex digits");
  }
  if (checkpoint.step < 0) {
    return absl::InvalidArgumentError(absl::StrCat("checkpoint.step: ", checkpoint.step, "; want at least 0"));
  }
  if (checkpoint.size_bytes < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("checkpoint.size_bytes: ", checkpoint.size_bytes, "; want at least 1"));
  }
  return absl::OkStatus();
}

absl::StatusOr<UploadRoom> Checkpoints::MakeRoom(Transaction& tx, const LeaseRef& lease, const Checkpoint& checkpoint,
                                                 int64_t disk_free_bytes) {
  ATHANOR_RETURN_IF_ERROR(CheckUpload(lease, checkpoint));
  const LiveStudy& study = *state_.studies.at(lease.study);
  const int64_t growth = std::max<int64_t>(Growth(study, lease.trial, checkpoint), 0);
  const int64_t quota = state_.options.checkpoint_quota_bytes;
  const int64_t used = BytesInUse();
  const int64_t over_quota = quota == 0 ? 0 : used + growth - quota;
  const int64_t over_disk = checkpoint.size_bytes - disk_free_bytes;
  const int64_t over = std::max(over_quota, over_disk);
  if (over > 0) {
    ATHANOR_RETURN_IF_ERROR(tx.writable);
    if (!IsWorthRoom(study, lease.trial, checkpoint) || !Evict(tx, over)) {
      return absl::ResourceExhaustedError(
          absl::StrCat("no room for a checkpoint of ", checkpoint.size_bytes, " bytes of trial ", lease.trial,
                       " of study \"", study.spec().name, "\": checkpoints take ", used, " bytes of a quota of ",
                       quota == 0 ? "any size" : absl::StrCat(quota), ", the disk has ", disk_free_bytes,
                       " bytes to spare, and other trials have too little to give up"));
    }
  }
  return TakeRoom(uploading_, growth);
}

bool Checkpoints::Evict(Transaction& tx, int64_t bytes) {
  std::vector<std::pair<StudyId, Checkpoint>> victims;
  EvictionOrder order(state_);
  while (bytes > 0) {
    const std::optional<EvictionOrder::Victim> victim = order.Next();
    if (!victim.has_value()) return false;
    // The spare first, then the newest.
    const std::vector<Checkpoint>& held = victim->study->checkpoints(victim->trial);
    for (auto checkpoint = held.rbegin(); checkpoint != held.rend() && bytes > 0; ++checkpoint) {
      victims.emplace_back(victim->study->id(), *checkpoint);
      bytes -= checkpoint->size_bytes;
    }
  }
  for (const auto& [id, checkpoint] : victims) {
    LiveStudy& study = *state_.studies.at(id);
    study.RemoveCheckpoint(tx, checkpoint);
    tx.after_commit.push_back([name = study.spec().name, trial = checkpoint.trial, step = checkpoint.step] {
      spdlog::info("study {} trial {}: its checkpoint of step {} gave way to one of another trial", name, trial, step);
    });
  }
  return true;
}

absl::Status Checkpoints::Register(Transaction& tx, const LeaseRef& lease, Checkpoint checkpoint) {
  ATHANOR_RETURN_IF_ERROR(CheckUpload(lease, checkpoint));
  LiveStudy& study = *state_.studies.at(lease.study);
  checkpoint.trial = lease.trial;
  checkpoint.token = lease.token;
  const std::vector<Checkpoint> kept = study.checkpoints(lease.trial);
  const auto same = std::ranges::find_if(
      kept, [&](const Checkpoint& other) { return other.token == checkpoint.token && other.step == checkpoint.step; });
  if (same != kept.end() && same->sha256 == checkpoint.sha256) return absl::OkStatus();
  const size_t needed = Retain(FactsOf(study, lease.trial), Retries::kResume).newest;
  // It comes again, after newer ones have taken its place.
  const bool outdated = kept.size() >= needed && needed > 0 && kept[needed - 1].step > checkpoint.step;
  if (outdated) return absl::OkStatus();
  ATHANOR_RETURN_IF_ERROR(tx.writable);
  if (same != kept.end()) study.RemoveCheckpoint(tx, *same);  // a later one inside the same epoch
  study.AddCheckpoint(tx, checkpoint);
  const std::vector<Checkpoint> now = study.checkpoints(lease.trial);
  for (size_t i = needed; i < now.size(); ++i) study.RemoveCheckpoint(tx, now[i]);
  return absl::OkStatus();
}

absl::Status Checkpoints::CheckDownload(const LeaseRef& lease, const std::string& sha256) const {
  ATHANOR_ASSIGN_OR_RETURN(const LiveStudy* study, state_.FindLease(lease));
  const auto& kept = study->checkpoints(lease.trial);
  if (std::ranges::find(kept, sha256, &Checkpoint::sha256) == kept.end()) {
    return absl::NotFoundError(
        absl::StrCat("trial ", lease.trial, " of study \"", study->spec().name, "\" has no checkpoint ", sha256));
  }
  return absl::OkStatus();
}

absl::StatusOr<Checkpoint> Checkpoints::Find(const std::string& name, TrialNumber number,
                                             CheckpointChoice choice) const {
  ATHANOR_ASSIGN_OR_RETURN(const LiveStudy* study, state_.FindStudy(name));
  ATHANOR_RETURN_IF_ERROR(State::CheckTrial(*study, number));
  const Trial& trial = study->trial(number);
  const std::vector<Checkpoint>& kept = study->checkpoints(number);
  const auto none = [&](const std::string& why) {
    return absl::NotFoundError(absl::StrCat("trial ", number, " of study \"", study->spec().name, "\" ", why));
  };
  if (kept.empty()) {
    const Retention retention = Retain(FactsOf(*study, number), Retries::kResume);
    return none(retention.newest == 0
                    ? absl::StrCat("has no checkpoint any more: ", retention.reason)
                    : std::string("has no checkpoint: none was uploaded (checkpoint.interval sets how often one is), "
                                  "or it gave way to those of other trials"));
  }
  if (choice == CheckpointChoice::kNewest || !trial.best.has_value()) return kept.front();
  const auto best =
      std::find_if(kept.rbegin(), kept.rend(), [&](const Checkpoint& one) { return one.step >= trial.best->step; });
  return best == kept.rend() ? kept.front() : *best;
}

absl::StatusOr<GarbageReport> Checkpoints::CollectGarbage(Transaction& tx, const std::string& name, GarbageMode mode,
                                                          const RequestKey& request) {
  ATHANOR_ASSIGN_OR_RETURN(const auto before, state_.FindRequest(request));
  ATHANOR_ASSIGN_OR_RETURN(LiveStudy * study,
                           before.has_value() ? state_.FindStudy(before->study) : state_.FindStudy(name));
  const bool deletes = mode == GarbageMode::kDelete && !before.has_value();
  if (deletes) ATHANOR_RETURN_IF_ERROR(tx.writable);
  GarbageReport report;
  if (before.has_value()) report.deleted = before->collected;
  for (const auto& [trial, held] : study->checkpoint_index().all()) {
    const Retention retention = Retain(FactsOf(*study, trial), Retries::kFromScratch);
    for (size_t i = 0; i < held.size(); ++i) {
      if (i < retention.newest || before.has_value()) {
        ++report.kept;
        report.kept_bytes += held[i].size_bytes;
      } else {
        report.deleted.push_back({held[i], retention.reason});
      }
    }
  }
  for (const CollectedCheckpoint& one : report.deleted) report.deleted_bytes += one.checkpoint.size_bytes;
  std::ranges::stable_sort(report.deleted, {}, [](const CollectedCheckpoint& one) { return one.checkpoint.trial; });
  if (!deletes) return report;
  for (const CollectedCheckpoint& one : report.deleted) study->RemoveCheckpoint(tx, one.checkpoint);
  state_.RememberRequest(tx, request, study->id(), std::nullopt, 0, report.deleted);
  return report;
}

int64_t Checkpoints::BytesInUse() const {
  int64_t bytes = uploading_->load();
  for (const auto& [id, study] : state_.studies) bytes += study->checkpoint_index().bytes();
  return bytes;
}

std::vector<std::string> Checkpoints::Hashes() const {
  std::vector<std::string> hashes;
  for (const auto& [id, study] : state_.studies) {
    for (const auto& [trial, kept] : study->checkpoint_index().all()) {
      for (const Checkpoint& checkpoint : kept) hashes.push_back(checkpoint.sha256);
    }
  }
  return hashes;
}

}  // namespace athanor
