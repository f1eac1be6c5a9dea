#include "server/operations/check_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/status.h"
#include "server/operations/checkpoint_copies.h"

namespace athanor {
namespace {

class FileCheck {
 public:
  FileCheck(const CheckFileOptions& options, const std::function<void(const Finding&)>& found)
      : options_(options), found_(found) {}

  absl::StatusOr<CheckFileSummary> Run() {
    const absl::Status status = Check();
    // Too damaged to be read on: that is what was to be found out.
    if (absl::IsDataLoss(status)) Found(FindingKind::kFile, std::string(status.message()));
    if (!status.ok() && !absl::IsDataLoss(status)) return status;
    return summary_;
  }

 private:
  absl::Status Check() {
    ATHANOR_ASSIGN_OR_RETURN(const auto snapshot, SqliteSnapshot::Open(options_.snapshot));
    summary_.schema_version = snapshot->schema_version();
    ATHANOR_RETURN_IF_ERROR(snapshot->CheckFile([&](const std::string& text) { Found(FindingKind::kFile, text); }));
    if (summary_.findings == 0) {
      ATHANOR_ASSIGN_OR_RETURN(Store* const store, snapshot->History());
      const auto violated = [&](const Violation& violation) { Found(FindingKind::kHistory, ToString(violation)); };
      ATHANOR_ASSIGN_OR_RETURN(summary_.history, CheckHistory(*store, violated, options_.snapshot.stop));
      if (!options_.checkpoint_dir.empty()) ATHANOR_RETURN_IF_ERROR(CheckFiles(*snapshot));
    }
    return snapshot->StillValid();
  }

  void Found(FindingKind kind, std::string text) {
    ++summary_.findings;
    found_({kind, std::move(text)});
  }

  absl::Status CheckFiles(SqliteSnapshot& snapshot) {
    ATHANOR_ASSIGN_OR_RETURN(const auto rows, snapshot.Checkpoints());
    summary_.checkpoints = static_cast<int64_t>(rows.size());
    // By hash: several rows may share a file.
    std::map<std::string, std::string> faults;
    for (const StoredCheckpoint& row : rows) {
      if (options_.snapshot.stop.stop_requested()) return absl::CancelledError("the check was stopped");
      const Checkpoint& checkpoint = row.checkpoint;
      if (faults.contains(checkpoint.sha256)) continue;
      const absl::Status status = CheckCheckpointFile(options_.checkpoint_dir, checkpoint);
      if (!status.ok()) faults.emplace(checkpoint.sha256, std::string(status.message()));
    }
    if (faults.empty()) return absl::OkStatus();
    // A coordinator that runs may have dropped some of them since the snapshot was taken: row first, then file.
    ATHANOR_ASSIGN_OR_RETURN(const auto later, SqliteSnapshot::Open(options_.snapshot));
    ATHANOR_ASSIGN_OR_RETURN(const auto still, later->Checkpoints());
    for (const StoredCheckpoint& row : still) {
      const auto fault = faults.find(row.checkpoint.sha256);
      if (fault == faults.end()) continue;
      Found(FindingKind::kCheckpoint, fmt::format("study {}, trial {}: checkpoint at step {}: {}", row.study,
                                                  row.checkpoint.trial, row.checkpoint.step, fault->second));
    }
    return absl::OkStatus();
  }

  const CheckFileOptions& options_;
  const std::function<void(const Finding&)>& found_;
  CheckFileSummary summary_;
};

}  // namespace

absl::StatusOr<CheckFileSummary> CheckFile(const CheckFileOptions& options,
                                           const std::function<void(const Finding&)>& found) {
  return FileCheck(options, found).Run();
}

}  // namespace athanor
