#include "server/store/checkpoint_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/store/files.h"

namespace athanor {
namespace {

bool IsHash(std::string_view name) {
  return name.size() == 64 && std::ranges::all_of(name, [](char c) {
           return absl::ascii_isdigit(static_cast<unsigned char>(c)) || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

absl::StatusOr<std::unique_ptr<CheckpointFiles>> CheckpointFiles::Open(const std::string& directory, FaultHook faults) {
  ATHANOR_RETURN_IF_ERROR(MakeDirectory(directory));
  if (access(directory.c_str(), R_OK | W_OK | X_OK) != 0) return IoError(directory, "write to directory", errno);
  return std::unique_ptr<CheckpointFiles>(new CheckpointFiles(directory, std::move(faults)));
}

std::string CheckpointFiles::PathOf(const std::string& sha256) const { return absl::StrCat(directory_, "/", sha256); }

void CheckpointFiles::Hold(const std::string& sha256) {
  const MutexLock lock(mutex_);
  ++holds_[sha256];
  released_.erase(sha256);
}

void CheckpointFiles::Release(const std::string& sha256) {
  const MutexLock lock(mutex_);
  const auto held = holds_.find(sha256);
  if (held == holds_.end() || --held->second > 0) return;
  holds_.erase(held);
  released_.insert(sha256);
}

absl::StatusOr<std::unique_ptr<CheckpointFiles::Upload>> CheckpointFiles::Create(const std::string& sha256,
                                                                                 int64_t size_bytes) {
  if (!IsHash(sha256)) return absl::InvalidArgumentError("want a SHA-256 of 64 lower-case hex digits");
  std::string aside = absl::StrCat(directory_, "/", next_upload_.fetch_add(1), kAsideSuffix);
  const int descriptor = open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) return IoError(aside, "create", errno);
  faults_.Pass(FaultPoint::kUploadCreated);
  return std::unique_ptr<Upload>(new Upload(*this, sha256, size_bytes, std::move(aside), descriptor));
}

absl::StatusOr<std::unique_ptr<CheckpointFiles::Reader>> CheckpointFiles::Read(const std::string& sha256) const {
  if (!IsHash(sha256)) return absl::InvalidArgumentError("want a SHA-256 of 64 lower-case hex digits");
  std::string path = PathOf(sha256);
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0 && errno == ENOENT) return absl::NotFoundError(absl::StrCat(path, ": is missing"));
  if (descriptor < 0) return IoError(path, "open", errno);
  return std::unique_ptr<Reader>(new Reader(std::move(path), descriptor));
}

absl::Status CheckpointFiles::Adopt(const std::string& aside, const std::string& sha256, int64_t size_bytes) {
  const std::string path = PathOf(sha256);
  {
    const MutexLock lock(mutex_);
    struct stat before {};
    const bool replaces = stat(path.c_str(), &before) == 0;
    if (rename(aside.c_str(), path.c_str()) != 0) return IoError(aside, "rename", errno);
    bytes_ += size_bytes - (replaces ? before.st_size : 0);
  }
  faults_.Pass(FaultPoint::kUploadRenamed);
  ATHANOR_RETURN_IF_ERROR(SyncDirectory(directory_));
  faults_.Pass(FaultPoint::kDirectorySynced);
  return absl::OkStatus();
}

void CheckpointFiles::Delete(const std::string& sha256) {
  const std::string path = PathOf(sha256);
  struct stat file {};
  faults_.Pass(FaultPoint::kFileDoomed);
  if (stat(path.c_str(), &file) == 0 && unlink(path.c_str()) == 0) bytes_ -= file.st_size;
  faults_.Pass(FaultPoint::kFileDeleted);
}

void CheckpointFiles::Collect() {
  // One a lock, so that a long list does not keep Hold waiting.
  for (;;) {
    const MutexLock lock(mutex_);
    if (released_.empty()) return;
    const auto first = released_.begin();
    Delete(*first);
    released_.erase(first);
  }
}

absl::Status CheckpointFiles::Sweep() {
  ATHANOR_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(directory_));
  int64_t bytes = 0;
  const MutexLock lock(mutex_);
  for (const std::string& name : names) {
    const std::string path = PathOf(name);
    const bool cut = name.ends_with(kAsideSuffix);
    if (cut || (IsHash(name) && !holds_.contains(name))) {
      unlink(path.c_str());
    } else if (struct stat file{}; IsHash(name) && stat(path.c_str(), &file) == 0) {
      bytes += file.st_size;
    }
  }
  released_.clear();
  bytes_ = bytes;
  return absl::OkStatus();
}

absl::StatusOr<DiskSpace> CheckpointFiles::Space() const {
  struct statvfs space {};
  if (statvfs(directory_.c_str(), &space) != 0) return IoError(directory_, "look at its file system", errno);
  const auto block = static_cast<int64_t>(space.f_frsize);
  return DiskSpace{static_cast<int64_t>(space.f_bavail) * block, static_cast<int64_t>(space.f_blocks) * block};
}

CheckpointFiles::Upload::Upload(CheckpointFiles& files, std::string sha256, int64_t size_bytes, std::string aside,
                                int descriptor)
    : files_(files),
      sha256_(std::move(sha256)),
      size_bytes_(size_bytes),
      aside_(std::move(aside)),
      descriptor_(descriptor) {}

CheckpointFiles::Upload::~Upload() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  unlink(aside_.c_str());
}

absl::Status CheckpointFiles::Upload::Append(std::string_view data) {
  if (static_cast<int64_t>(data.size()) > size_bytes_ - written_) {
    return absl::DataLossError(
        absl::StrCat("checkpoint ", sha256_, " is larger than the ", size_bytes_, " bytes announced"));
  }
  hash_.Update(data.data(), data.size());
  while (!data.empty()) {
    const ssize_t wrote = write(descriptor_, data.data(), data.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return IoError(aside_, "write", errno);
    written_ += wrote;
    data.remove_prefix(static_cast<size_t>(wrote));
  }
  files_.faults_.Pass(FaultPoint::kUploadWritten);
  return absl::OkStatus();
}

absl::Status CheckpointFiles::Upload::Commit() {
  if (written_ != size_bytes_) {
    return absl::DataLossError(
        absl::StrCat("checkpoint ", sha256_, ": ", written_, " of ", size_bytes_, " bytes arrived"));
  }
  if (const std::string digest = hash_.HexDigest(); digest != sha256_) {
    return absl::DataLossError(absl::StrCat("checkpoint ", sha256_, " arrived as ", digest));
  }
  if (fsync(descriptor_) != 0) return IoError(aside_, "sync", errno);
  files_.faults_.Pass(FaultPoint::kUploadSynced);
  ATHANOR_RETURN_IF_ERROR(files_.Adopt(aside_, sha256_, size_bytes_));
  close(std::exchange(descriptor_, -1));
  return absl::OkStatus();
}

CheckpointFiles::Reader::~Reader() { close(descriptor_); }

absl::StatusOr<std::string> CheckpointFiles::Reader::Next(size_t max_bytes) {
  std::string data(max_bytes, '\0');
  size_t size = 0;
  while (size < max_bytes) {
    const ssize_t got = read(descriptor_, data.data() + size, max_bytes - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return IoError(path_, "read", errno);
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  data.resize(size);
  return data;
}

}  // namespace athanor
