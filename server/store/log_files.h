// The logs of all trials: TrialLogs in one directory beside the database, under a common bound.
//
// Layout: DIR/<study id>/<trial number>.log and .old. Nothing else in the directory is touched.
//
// Bounds: each log keeps at least the newest half of `trial_bytes`; all of them together `total_bytes`. When that is
// exceeded, whole logs go: first those of trials that have ended, then the others, in either case the one that was
// longest without an append first. Reading such a log later says how much is gone.
//
// Threads: thread-safe. SetEnded, Follow, Unfollow and bytes do no I/O; everything else blocks on the disk.
//
// Errors: as TrialLog.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "server/core/ids.h"
#include "server/store/trial_key.h"
#include "server/store/trial_log.h"

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
  // `standing` kGone. O(logs), one look at the file system each.
  absl::Status Sweep(const std::function<Standing(const LogKey&)>& standing);

  // As TrialLog::Append; makes the log if there is none, and deletes others if all become too large. NOT_FOUND if the
  // study was deleted.
  absl::StatusOr<int64_t> Append(const LogKey& key, Token token, int64_t offset, std::string_view data);
  // As TrialLog::Read; a trial without a log has nothing to read.
  absl::StatusOr<LogPiece> Read(const LogKey& key, LogCursor& cursor, size_t max_bytes);
  void DeleteStudy(StudyId study);

  // The trial has ended: its log is among the first to go, until the next append.
  void SetEnded(const LogKey& key);

  using FollowId = uint64_t;
  // `grew` runs after every append to the log, on the appending thread; it must only take a note. It does not run any
  // more once Unfollow has returned.
  FollowId Follow(const LogKey& key, std::function<void()> grew);
  void Unfollow(const LogKey& key, FollowId id);

  // Of all files.
  int64_t bytes() const { return bytes_.load(); }

 private:
  struct Entry {
    std::shared_ptr<TrialLog> log;
    Standing standing = Standing::kUnfinished;
    uint64_t used = 0;  // grows with every append, over all logs
  };

  LogFiles(std::string directory, const LogFilesOptions& options)
      : directory_(std::move(directory)), options_(options) {}
  std::string StudyDirectory(StudyId study) const;
  std::string Stem(const LogKey& key) const;
  absl::Status SweepStudy(StudyId study, const std::function<Standing(const LogKey&)>& standing);
  absl::StatusOr<std::shared_ptr<TrialLog>> FindOrMake(const LogKey& key);
  void MarkUsed(const LogKey& key);
  // Deletes logs until all of them fit; `spared` stays.
  void MakeRoom(const LogKey& spared);
  // The log that is to go next; null if only `spared` is left.
  std::shared_ptr<TrialLog> TakeNextToGo(const LogKey& spared);

  // In the order in which logs go.
  using Order = std::tuple<bool, uint64_t, LogKey>;  // unfinished, used, key
  static Order OrderOf(const LogKey& key, const Entry& entry) {
    return {entry.standing == Standing::kUnfinished, entry.used, key};
  }

  const std::string directory_;
  const LogFilesOptions options_;
  std::atomic<int64_t> bytes_ = 0;
  Mutex mutex_;  // never held over I/O
  std::map<LogKey, Entry> logs_ ATHANOR_GUARDED_BY(mutex_);
  std::set<Order> order_ ATHANOR_GUARDED_BY(mutex_);
  uint64_t next_use_ ATHANOR_GUARDED_BY(mutex_) = 1;
  std::set<StudyId> deleted_ ATHANOR_GUARDED_BY(mutex_);  // ids are never reused
  std::map<std::pair<LogKey, FollowId>, std::function<void()>> followers_ ATHANOR_GUARDED_BY(mutex_);
  FollowId next_follow_ ATHANOR_GUARDED_BY(mutex_) = 1;
};

}  // namespace athanor
