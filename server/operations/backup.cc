#include "server/operations/backup.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/operations/checkpoint_copies.h"
#include "server/store/files.h"

namespace athanor {
namespace {

// A running coordinator deletes checkpoints now and then, so that a second snapshot usually finds every file that it
// names; what is missing from the fifth was missing before.
constexpr int kSnapshots = 5;

// What a snapshot left in place.
struct Copied {
  std::vector<StoredCheckpoint> rows;
  std::vector<std::string> left_out;
};

absl::StatusOr<Copied> CopyOnce(const BackupOptions& options, const std::string& aside, const std::string& directory) {
  std::error_code ignored;
  std::filesystem::remove(aside, ignored);
  SnapshotOptions source;
  source.path = options.database;
  source.stop = options.stop;
  ATHANOR_ASSIGN_OR_RETURN(const auto snapshot, SqliteSnapshot::Open(source));
  Copied copied;
  ATHANOR_ASSIGN_OR_RETURN(copied.rows, snapshot->Checkpoints());
  // Files first: they are what may go away.
  ATHANOR_ASSIGN_OR_RETURN(copied.left_out, KeepCheckpointFiles(options.checkpoint_dir, directory, copied.rows));
  ATHANOR_RETURN_IF_ERROR(snapshot->CopyTo(aside));
  ATHANOR_RETURN_IF_ERROR(snapshot->StillValid());
  return copied;
}

// What is wrong with the file; empty = nothing. Depending on where the damage is, it cannot even be opened.
absl::StatusOr<std::string> FirstFlaw(const std::string& path) {
  SnapshotOptions options;
  options.path = path;
  std::string first;
  const auto snapshot = SqliteSnapshot::Open(options);
  absl::Status checked = snapshot.status();
  if (checked.ok()) {
    checked = (*snapshot)->CheckFile([&](const std::string& text) {
      if (first.empty()) first = text;
    });
  }
  if (absl::IsDataLoss(checked)) return std::string(checked.message());
  ATHANOR_RETURN_IF_ERROR(checked);
  return first;
}

absl::Status CheckCopy(const std::string& aside, const std::string& database) {
  ATHANOR_ASSIGN_OR_RETURN(const std::string flaw, FirstFlaw(aside));
  if (flaw.empty()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(database, ": a copy of it is not sound: ", flaw));
}

}  // namespace

absl::StatusOr<BackupSummary> Backup(const BackupOptions& options) {
  std::error_code ignored;
  if (options.existing == Existing::kRefuse && std::filesystem::exists(options.target, ignored)) {
    return absl::AlreadyExistsError(absl::StrCat(options.target, ": exists; --force replaces it"));
  }
  const std::string aside = options.target + ".part";
  const std::string directory = options.target + ".checkpoints";
  Copied copied;
  for (int i = 0; i < kSnapshots; ++i) {
    ATHANOR_ASSIGN_OR_RETURN(copied, CopyOnce(options, aside, directory));
    if (copied.left_out.empty()) break;
  }
  if (const absl::Status sound = CheckCopy(aside, options.database); !sound.ok()) {
    std::filesystem::remove(aside, ignored);
    return sound;
  }
  BackupSummary summary;
  summary.database_bytes = static_cast<int64_t>(std::filesystem::file_size(aside, ignored));
  ATHANOR_RETURN_IF_ERROR(RenameDurably(aside, options.target));
  DropOtherFiles(directory, copied.rows);
  summary.checkpoints = static_cast<int64_t>(copied.rows.size() - copied.left_out.size());
  summary.left_out = std::move(copied.left_out);
  return summary;
}

}  // namespace athanor
