#include "worker/session/checkpoint_cache.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace athanor::session {
namespace {

namespace fs = std::filesystem;

absl::Status FileError(const char* what, const std::string& path, const std::error_code& error) {
  const std::string message = absl::StrCat("cannot ", what, " ", path, ": ", error.message());
  return error == std::errc::no_such_file_or_directory ? absl::NotFoundError(message) : absl::InternalError(message);
}

}  // namespace

absl::StatusOr<std::unique_ptr<CheckpointCache>> CheckpointCache::Open(const std::string& folder, int64_t max_bytes) {
  std::unique_ptr<CheckpointCache> cache(new CheckpointCache(folder, max_bytes));
  ATHANOR_RETURN_IF_ERROR(cache->Load());
  return cache;
}

absl::Status CheckpointCache::Load() {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) return FileError("make", folder_, error);
  std::vector<std::tuple<fs::file_time_type, std::string>> found;
  for (fs::directory_iterator entry(folder_, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (name.size() == 64) {
      found.emplace_back(entry->last_write_time(error), name);
    } else {
      fs::remove(entry->path(), error);
    }
  }
  if (error) return FileError("read", folder_, error);
  std::ranges::sort(found);
  for (const auto& [time, sha256] : found) ATHANOR_RETURN_IF_ERROR(Enter(sha256).status());
  return absl::OkStatus();
}

std::shared_ptr<const CachedCheckpoint> CheckpointCache::Find(const std::string& sha256) {
  const auto found = std::ranges::find(files_, sha256, [](const auto& file) { return file->sha256; });
  if (found == files_.end()) return nullptr;
  files_.splice(files_.begin(), files_, found);
  return files_.front();
}

std::string CheckpointCache::PartPath(const std::string& name) const {
  return absl::StrCat(folder_, "/", name, ".part");
}

absl::StatusOr<std::shared_ptr<const CachedCheckpoint>> CheckpointCache::Commit(const std::string& sha256,
                                                                                const std::string& part) {
  std::error_code error;
  fs::rename(part, PathOf(sha256), error);
  if (error) return FileError("rename", part, error);
  return Enter(sha256);
}

absl::StatusOr<std::shared_ptr<const CachedCheckpoint>> CheckpointCache::Add(const std::string& sha256,
                                                                             const std::string& path) {
  if (auto known = Find(sha256)) return known;
  std::error_code error;
  fs::create_hard_link(path, PathOf(sha256), error);
  if (!error) return Enter(sha256);
  if (error == std::errc::no_such_file_or_directory) return FileError("open", path, error);
  fs::copy_file(path, PartPath(sha256), fs::copy_options::overwrite_existing, error);
  if (error) return FileError("copy", path, error);
  return Commit(sha256, PartPath(sha256));
}

absl::StatusOr<std::shared_ptr<const CachedCheckpoint>> CheckpointCache::Enter(const std::string& sha256) {
  if (auto known = Find(sha256)) return known;
  std::error_code error;
  const auto size = fs::file_size(PathOf(sha256), error);
  if (error) return FileError("read", PathOf(sha256), error);
  auto file = std::make_shared<const CachedCheckpoint>(
      CachedCheckpoint{.path = PathOf(sha256), .sha256 = sha256, .bytes = static_cast<int64_t>(size)});
  files_.push_front(file);
  bytes_ += file->bytes;
  Evict();
  return file;
}

void CheckpointCache::Evict() {
  for (auto file = files_.end(); bytes_ > max_bytes_ && file != files_.begin();) {
    --file;
    if (file->use_count() > 1) continue;  // somebody holds it
    std::error_code ignored;
    fs::remove((*file)->path, ignored);
    bytes_ -= (*file)->bytes;
    file = files_.erase(file);
  }
}

}  // namespace athanor::session
