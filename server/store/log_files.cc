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
  for (const std::string& name : names) {
    StudyId study = 0;
    if (absl::SimpleAtoi(name, &study)) ATHANOR_RETURN_IF_ERROR(SweepStudy(study, standing));
  }
  return absl::OkStatus();
}

absl::Status LogFiles::SweepStudy(StudyId study, const std::function<Standing(const LogKey&)>& standing) {
  ATHANOR_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(StudyDirectory(study)));
  std::map<TrialNumber, std::pair<fs::file_time_type, int64_t>> found;  // last written, bytes
  for (const std::string& name : names) {
    const std::optional<TrialNumber> trial = TrialOf(name);
    if (!trial.has_value()) continue;
    const std::string path = absl::StrCat(StudyDirectory(study), "/", name);
    std::error_code ignored;
    if (standing({study, *trial}) == Standing::kGone) {
      fs::remove(path, ignored);
      continue;
    }
    auto& [written, bytes] = found.try_emplace(*trial, fs::file_time_type::min(), 0).first->second;
    written = std::max(written, fs::last_write_time(path, ignored));
    bytes += static_cast<int64_t>(fs::file_size(path, ignored));
  }
  std::error_code ignored;
  if (found.empty()) fs::remove(StudyDirectory(study), ignored);  // unless something else is in it
  std::vector<std::pair<fs::file_time_type, TrialNumber>> by_age;
  for (const auto& [trial, file] : found) by_age.emplace_back(file.first, trial);
  std::ranges::sort(by_age);
  const MutexLock lock(mutex_);
  for (const auto& [written, trial] : by_age) {
    const LogKey key{study, trial};
    const uint64_t use = next_use_++;
    auto log = std::make_shared<TrialLog>(Stem(key), options_.trial_bytes, found.at(trial).second, use);
    bytes_ += log->bytes();
    const Entry entry{.log = std::move(log), .standing = standing(key), .used = use};
    order_.insert(OrderOf(key, entry));
    logs_.emplace(key, entry);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<TrialLog>> LogFiles::FindOrMake(const LogKey& key) {
  {
    const MutexLock lock(mutex_);
    if (deleted_.contains(key.study)) return absl::NotFoundError(absl::StrCat("study ", key.study, " was deleted"));
    if (const auto found = logs_.find(key); found != logs_.end()) return found->second.log;
  }
  ATHANOR_RETURN_IF_ERROR(MakeDirectory(StudyDirectory(key.study)));
  const MutexLock lock(mutex_);
  if (deleted_.contains(key.study)) return absl::NotFoundError(absl::StrCat("study ", key.study, " was deleted"));
  const auto [entry, added] = logs_.try_emplace(key);
  if (added) {
    entry->second.used = next_use_++;
    entry->second.log = std::make_shared<TrialLog>(Stem(key), options_.trial_bytes, 0, entry->second.used);
    order_.insert(OrderOf(key, entry->second));
  }
  return entry->second.log;
}

absl::StatusOr<int64_t> LogFiles::Append(const LogKey& key, Token token, int64_t offset, std::string_view data) {
  absl::StatusOr<int64_t> next = absl::NotFoundError("");
  do {  // again if it was deleted for want of room in between
    ATHANOR_ASSIGN_OR_RETURN(const std::shared_ptr<TrialLog> log, FindOrMake(key));
    next = log->Append(token, offset, data, bytes_);
  } while (absl::IsNotFound(next.status()));
  if (!next.ok()) return next;
  MarkUsed(key);
  MakeRoom(key);
  return next;
}

void LogFiles::MarkUsed(const LogKey& key) {
  const MutexLock lock(mutex_);
  if (const auto found = logs_.find(key); found != logs_.end()) {
    Entry& entry = found->second;
    order_.erase(OrderOf(key, entry));
    entry.standing = Standing::kUnfinished;
    entry.used = next_use_++;
    order_.insert(OrderOf(key, entry));
  }
  for (auto follower = followers_.lower_bound({key, 0}); follower != followers_.end() && follower->first.first == key;
       ++follower) {
    follower->second();
  }
}

void LogFiles::MakeRoom(const LogKey& spared) {
  while (bytes_.load() > options_.total_bytes) {
    const std::shared_ptr<TrialLog> log = TakeNextToGo(spared);
    if (log == nullptr) return;
    log->Delete(bytes_);
  }
}

std::shared_ptr<TrialLog> LogFiles::TakeNextToGo(const LogKey& spared) {
  const MutexLock lock(mutex_);
  auto next = order_.begin();
  if (next != order_.end() && std::get<LogKey>(*next) == spared) ++next;
  if (next == order_.end()) return nullptr;
  auto entry = logs_.extract(std::get<LogKey>(*next));
  order_.erase(next);
  return std::move(entry.mapped().log);
}

absl::StatusOr<LogPiece> LogFiles::Read(const LogKey& key, LogCursor& cursor, size_t max_bytes) {
  std::shared_ptr<TrialLog> log;
  {
    const MutexLock lock(mutex_);
    if (const auto found = logs_.find(key); found != logs_.end()) log = found->second.log;
  }
  if (log == nullptr) return LogPiece();
  return log->Read(cursor, max_bytes);
}

void LogFiles::DeleteStudy(StudyId study) {
  std::vector<std::shared_ptr<TrialLog>> gone;
  {
    const MutexLock lock(mutex_);
    deleted_.insert(study);
    auto entry = logs_.lower_bound({study, 0});
    while (entry != logs_.end() && entry->first.study == study) {
      order_.erase(OrderOf(entry->first, entry->second));
      gone.push_back(std::move(entry->second.log));
      entry = logs_.erase(entry);
    }
  }
  for (const auto& log : gone) log->Delete(bytes_);
  std::error_code ignored;
  fs::remove(StudyDirectory(study), ignored);
}

void LogFiles::SetEnded(const LogKey& key) {
  const MutexLock lock(mutex_);
  const auto found = logs_.find(key);
  if (found == logs_.end()) return;
  order_.erase(OrderOf(key, found->second));
  found->second.standing = Standing::kEnded;
  order_.insert(OrderOf(key, found->second));
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
