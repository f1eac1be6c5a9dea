#include "server/coordinator/checkpoints.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace athanor {

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

absl::Status Checkpoints::Register(Transaction& tx, const LeaseRef& lease, Checkpoint checkpoint) {
  ATHANOR_RETURN_IF_ERROR(CheckUpload(lease, checkpoint));
  LiveStudy& study = *state_.studies.at(lease.study);
  checkpoint.trial = lease.trial;
  checkpoint.token = lease.token;
  const std::vector<Checkpoint> kept = study.checkpoints(lease.trial);
  const auto same = std::ranges::find_if(
      kept, [&](const Checkpoint& other) { return other.token == checkpoint.token && other.step == checkpoint.step; });
  if (same != kept.end()) {
    if (same->sha256 == checkpoint.sha256) return absl::OkStatus();
    study.RemoveCheckpoint(tx, *same);  // a later one inside the same epoch
  }
  study.AddCheckpoint(tx, checkpoint);
  const std::vector<Checkpoint> now = study.checkpoints(lease.trial);
  for (size_t i = kKeptWhileUnfinished; i < now.size(); ++i) study.RemoveCheckpoint(tx, now[i]);
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

std::vector<std::string> Checkpoints::Hashes() const {
  std::vector<std::string> hashes;
  for (const auto& [id, study] : state_.studies) {
    for (const auto& [trial, kept] : study->all_checkpoints()) {
      for (const Checkpoint& checkpoint : kept) hashes.push_back(checkpoint.sha256);
    }
  }
  return hashes;
}

}  // namespace athanor
