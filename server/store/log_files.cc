#include "server/store/log_files.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/store/files.h"

namespace athanor {
namespace {

namespace fs = std::filesystem;

// The trial whose log the file is a part of.
std::optional<TrialNumber> TrialOf(const std::string& name) {
  const fs::path path(name);
  TrialNumber trial = 0;
  const bool ours = path.extension() == TrialLog::kNewest || path.extension() == TrialLog::kOlder;
  if (!ours || !absl::SimpleAtoi(path.stem().string(), &trial) || trial < 0) return std::nullopt;
  return trial;
}

}  // namespace

absl::StatusOr<std::unique_ptr<LogFiles>> LogFiles::Open(const std::string& directory, const LogFilesOptions& options) {
  ATHANOR_RETURN_IF_ERROR(MakeDirectory(directory));
  return std::unique_ptr<LogFiles>(new LogFiles(directory, options));
}

std::string LogFiles::StudyDirectory(StudyId study) const { return absl::StrCat(directory_, "/", study); }

std::string LogFiles::Stem(const LogKey& key) const { return absl::StrCat(StudyDirectory(key.study), "/", key.trial); }

absl::Status LogFiles::Sweep(const std::function<Standing(const LogKey&)>& standing) {
  ATHANOR_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(directory_));
  std::vector<Found> all;
  for (const std::string& name : names) {
    StudyId study = 0;
    if (!absl::SimpleAtoi(name, &study)) continue;
    ATHANOR_ASSIGN_OR_RETURN(const std::vector<Found> found, SweepStudy(study, standing));
    all.insert(all.end(), found.begin(), found.end());
  }
  std::ranges::sort(all);
  {
    const MutexLock lock(mutex_);
    for (const Found& one : all) Enter(one.key, one.bytes, standing(one.key));
  }
  MakeRoom(std::nullopt);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<LogFiles::Found>> LogFiles::SweepStudy(
    StudyId study, const std::function<Standing(const LogKey&)>& standing) {
  ATHANOR_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(StudyDirectory(study)));
  std::map<TrialNumber, Found> found;
  for (const std::string& name : names) {
    const std::optional<TrialNumber> trial = TrialOf(name);
    if (!trial.has_value()) continue;
    const LogKey key{study, *trial};
    const std::string path = absl::StrCat(StudyDirectory(study), "/", name);
    std::error_code ignored;
    if (standing(key) == Standing::kGone) {
      fs::remove(path, ignored);
      continue;
    }
    Found& log = found.try_emplace(*trial, Found{fs::file_time_type::min(), key, 0}).first->second;
    log.written = std::max(log.written, fs::last_write_time(path, ignored));
    log.bytes += static_cast<int64_t>(fs::file_size(path, ignored));
  }
  std::error_code ignored;
  if (found.empty()) fs::remove(StudyDirectory(study), ignored);  // unless something else is in it
  std::vector<Found> logs;
  for (const auto& [trial, log] : found) logs.push_back(log);
  return logs;
}

std::shared_ptr<TrialLog> LogFiles::Enter(const LogKey& key, int64_t bytes, Standing standing) {
  std::shared_ptr<TrialLog>& log = logs_.Use(key, standing);
  log = std::make_shared<TrialLog>(Stem(key), options_.trial_bytes, bytes, next_instance_++);
  bytes_ += log->bytes();
  return log;
}

absl::StatusOr<std::shared_ptr<TrialLog>> LogFiles::FindOrMake(const LogKey& key, Standing standing) {
  const auto gone = [&] { return absl::NotFoundError(absl::StrCat("study ", key.study, " was deleted")); };
  {
    const MutexLock lock(mutex_);
    if (logs_.IsDeleted(key.study)) return gone();
    if (const auto* log = logs_.Find(key)) return *log;
  }
  ATHANOR_RETURN_IF_ERROR(MakeDirectory(StudyDirectory(key.study)));
  const MutexLock lock(mutex_);
  if (logs_.IsDeleted(key.study)) return gone();
  const auto* log = logs_.Find(key);
  return log != nullptr ? *log : Enter(key, 0, standing);
}

absl::StatusOr<int64_t> LogFiles::Append(const LogKey& key, Token token, int64_t offset, std::string_view data,
                                         Standing standing) {
  absl::StatusOr<int64_t> next = absl::NotFoundError("");
  do {  // again if it was deleted for want of room in between
    ATHANOR_ASSIGN_OR_RETURN(const std::shared_ptr<TrialLog> log, FindOrMake(key, standing));
    next = log->Append(token, offset, data, bytes_);
  } while (absl::IsNotFound(next.status()));
  if (!next.ok()) return next;
  MarkUsed(key, standing);
  MakeRoom(key);
  return next;
}

void LogFiles::MarkUsed(const LogKey& key, Standing standing) {
  const MutexLock lock(mutex_);
  if (logs_.Find(key) != nullptr) logs_.Use(key, standing);
  for (auto follower = followers_.lower_bound({key, 0}); follower != followers_.end() && follower->first.first == key;
       ++follower) {
    follower->second();
  }
}

void LogFiles::MakeRoom(const std::optional<LogKey>& spared) {
  while (bytes_.load() > options_.total_bytes) {
    const std::shared_ptr<TrialLog> log = TakeNextToGo(spared);
    if (log == nullptr) return;
    log->Delete(bytes_);
  }
}

std::shared_ptr<TrialLog> LogFiles::TakeNextToGo(const std::optional<LogKey>& spared) {
  const MutexLock lock(mutex_);
  const auto next = logs_.TakeNext(spared);
  return next.has_value() ? next->second : nullptr;
}

absl::StatusOr<LogPiece> LogFiles::Read(const LogKey& key, LogCursor& cursor, size_t max_bytes) {
  std::shared_ptr<TrialLog> log;
  {
    const MutexLock lock(mutex_);
    if (const auto* found = logs_.Find(key)) log = *found;
  }
  if (log == nullptr) return LogPiece();
  return log->Read(cursor, max_bytes);
}

void LogFiles::DeleteStudy(StudyId study) {
  std::vector<std::shared_ptr<TrialLog>> gone;
  {
    const MutexLock lock(mutex_);
    gone = logs_.TakeStudy(study);
  }
  for (const auto& log : gone) log->Delete(bytes_);
  std::error_code ignored;
  fs::remove(StudyDirectory(study), ignored);
}

void LogFiles::SetEnded(const LogKey& key) {
  const MutexLock lock(mutex_);
  logs_.SetEnded(key);
}

LogFiles::FollowId LogFiles::Follow(const LogKey& key, std::function<void()> grew) {
  const MutexLock lock(mutex_);
  const FollowId id = next_follow_++;
  followers_[{key, id}] = std::move(grew);
  return id;
}

void LogFiles::Unfollow(const LogKey& key, FollowId id) {
  const MutexLock lock(mutex_);
  followers_.erase({key, id});
}

}  // namespace athanor
