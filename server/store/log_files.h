// The logs of all trials: TrialLogs in one directory beside the database, under a common bound.
//
// Layout: DIR/<study id>/<trial number>.log and .old. Nothing else in the directory is touched.
//
// Bounds: each log keeps at least the newest half of `trial_bytes`; all of them together `total_bytes`. When that is
// exceeded, whole logs go, in the order of trial_shelf.h. Reading such a log later says how much is gone.
//
// Threads: thread-safe. SetEnded, Follow, Unfollow and bytes do no I/O; everything else blocks on the disk.
//
// Errors: as TrialLog.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "server/core/ids.h"
#include "server/store/trial_key.h"
#include "server/store/trial_log.h"
#include "server/store/trial_shelf.h"

namespace athanor {

using LogKey = TrialKey;

struct LogFilesOptions {
  int64_t trial_bytes = int64_t{1} << 20;  // at least TrialLog::kSmallestLimit
  int64_t total_bytes = int64_t{1} << 30;
};

// The directory of the logs that a coordinator on this database keeps.
inline std::string LogDirectoryOf(const std::string& database) { return database + ".logs"; }

class LogFiles {
 public:
  using Standing = TrialStanding;

  // Creates the directory (not its parents) if it is missing.
  static absl::StatusOr<std::unique_ptr<LogFiles>> Open(const std::string& directory, const LogFilesOptions& options);

  // At start, before the first append: takes in what earlier runs left, and deletes the logs of trials that are
  // `standing` kGone, and others where all are too large. O(logs), one look at the file system each.
  absl::Status Sweep(const std::function<Standing(const LogKey&)>& standing);

  // As TrialLog::Append; makes the log if there is none, and deletes others if all become too large. `standing`: of the
  // trial, kUnfinished or kEnded. NOT_FOUND if the study was deleted.
  absl::StatusOr<int64_t> Append(const LogKey& key, Token token, int64_t offset, std::string_view data,
                                 Standing standing);
  // As TrialLog::Read; a trial without a log has nothing to read.
  absl::StatusOr<LogPiece> Read(const LogKey& key, LogCursor& cursor, size_t max_bytes);
  void DeleteStudy(StudyId study);

  // The trial has ended: its log is among the first to go, until the next append as kUnfinished.
  void SetEnded(const LogKey& key);

  using FollowId = uint64_t;
  // `grew` runs after every append to the log, on the appending thread; it must only take a note. It does not run any
  // more once Unfollow has returned.
  FollowId Follow(const LogKey& key, std::function<void()> grew);
  void Unfollow(const LogKey& key, FollowId id);

  // Of all files.
  int64_t bytes() const { return bytes_.load(); }

 private:
  // A log that an earlier run left.
  struct Found {
    std::filesystem::file_time_type written;
    LogKey key;
    int64_t bytes = 0;
    auto operator<=>(const Found&) const = default;
  };

  LogFiles(std::string directory, const LogFilesOptions& options)
      : directory_(std::move(directory)), options_(options) {}
  std::string StudyDirectory(StudyId study) const;
  std::string Stem(const LogKey& key) const;
  // Deletes the logs of trials that are gone, and returns the others.
  absl::StatusOr<std::vector<Found>> SweepStudy(StudyId study, const std::function<Standing(const LogKey&)>& standing);
  std::shared_ptr<TrialLog> Enter(const LogKey& key, int64_t bytes, Standing standing) ATHANOR_REQUIRES(mutex_);
  absl::StatusOr<std::shared_ptr<TrialLog>> FindOrMake(const LogKey& key, Standing standing);
  void MarkUsed(const LogKey& key, Standing standing);
  // Deletes logs until all of them fit; `spared` stays.
  void MakeRoom(const std::optional<LogKey>& spared);
  // The log that is to go next; null if only `spared` is left.
  std::shared_ptr<TrialLog> TakeNextToGo(const std::optional<LogKey>& spared);

  const std::string directory_;
  const LogFilesOptions options_;
  std::atomic<int64_t> bytes_ = 0;
  Mutex mutex_;  // never held over I/O
  TrialShelf<std::shared_ptr<TrialLog>> logs_ ATHANOR_GUARDED_BY(mutex_);
  uint64_t next_instance_ ATHANOR_GUARDED_BY(mutex_) = 1;  // of TrialLogs
  std::map<std::pair<LogKey, FollowId>, std::function<void()>> followers_ ATHANOR_GUARDED_BY(mutex_);
  FollowId next_follow_ ATHANOR_GUARDED_BY(mutex_) = 1;
};

}  // namespace athanor
