#include "server/operations/checkpoint_copies.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "base/status.h"
#include "server/store/files.h"

namespace athanor {
namespace {

constexpr size_t kBlockBytes = 1 << 20;

std::string PathOf(const std::string& directory, const Checkpoint& checkpoint) {
  return (std::filesystem::path(directory) / checkpoint.sha256).string();
}

absl::Status Write(int descriptor, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return IoError(path, "write", errno);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

// Reads the file through, hands each block to `take` and compares size and hash at the end.
template <typename Take>
absl::Status ReadThrough(const std::string& path, const Checkpoint& checkpoint, Take take) {
  const OpenFile in(path, O_RDONLY);
  if (in.get() < 0) {
    return errno == ENOENT ? absl::NotFoundError(absl::StrCat(path, ": is missing")) : IoError(path, "open", errno);
  }
  Sha256 hash;
  int64_t bytes = 0;
  std::string block(kBlockBytes, '\0');
  for (;;) {
    const ssize_t count = read(in.get(), block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return IoError(path, "read", errno);
    if (count == 0) break;
    const std::string_view part(block.data(), static_cast<size_t>(count));
    hash.Update(part.data(), part.size());
    bytes += count;
    ATHANOR_RETURN_IF_ERROR(take(part));
  }
  if (bytes != checkpoint.size_bytes) {
    return absl::DataLossError(absl::StrCat(path, ": has ", bytes, " bytes, not ", checkpoint.size_bytes));
  }
  if (hash.HexDigest() != checkpoint.sha256) {
    return absl::DataLossError(absl::StrCat(path, ": its content is not what its name says"));
  }
  return absl::OkStatus();
}

absl::Status Copy(const std::string& source, const std::string& target, const Checkpoint& checkpoint) {
  const std::string aside = target + ".part";
  const auto copy = [&]() -> absl::Status {
    const OpenFile out(aside, O_WRONLY | O_CREAT | O_TRUNC);
    if (out.get() < 0) return IoError(aside, "create", errno);
    ATHANOR_RETURN_IF_ERROR(
        ReadThrough(source, checkpoint, [&](std::string_view part) { return Write(out.get(), part, aside); }));
    if (fsync(out.get()) != 0) return IoError(aside, "sync", errno);
    if (std::rename(aside.c_str(), target.c_str()) != 0) return IoError(aside, "rename", errno);
    return absl::OkStatus();
  };
  const absl::Status status = copy();
  if (!status.ok()) unlink(aside.c_str());
  return status;
}

}  // namespace

absl::Status CheckCheckpointFile(const std::string& directory, const Checkpoint& checkpoint) {
  return ReadThrough(PathOf(directory, checkpoint), checkpoint, [](std::string_view) { return absl::OkStatus(); });
}

absl::Status KeepCheckpointFile(const std::string& from, const std::string& to, const Checkpoint& checkpoint) {
  const std::string source = PathOf(from, checkpoint), target = PathOf(to, checkpoint);
  if (link(source.c_str(), target.c_str()) == 0 || errno == EEXIST) return absl::OkStatus();
  if (errno == ENOENT) return absl::NotFoundError(absl::StrCat(source, ": is missing"));
  return Copy(source, target, checkpoint);  // another file system, or one without links
}

absl::StatusOr<std::vector<std::string>> KeepCheckpointFiles(const std::string& from, const std::string& to,
                                                             const std::vector<StoredCheckpoint>& rows) {
  ATHANOR_RETURN_IF_ERROR(MakeDirectory(to));
  std::vector<std::string> left_out;
  for (const StoredCheckpoint& row : rows) {
    const absl::Status status = KeepCheckpointFile(from, to, row.checkpoint);
    if (absl::IsNotFound(status) || absl::IsDataLoss(status)) {
      left_out.push_back(fmt::format("study {}, trial {}: checkpoint at step {}: {}", row.study, row.checkpoint.trial,
                                     row.checkpoint.step, std::string(status.message())));
      continue;
    }
    ATHANOR_RETURN_IF_ERROR(status);
  }
  ATHANOR_RETURN_IF_ERROR(SyncDirectory(to));
  return left_out;
}

void DropOtherFiles(const std::string& directory, const std::vector<StoredCheckpoint>& rows) {
  std::set<std::string> named;
  for (const StoredCheckpoint& row : rows) named.insert(row.checkpoint.sha256);
  std::error_code ignored;
  std::vector<std::filesystem::path> others;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
    if (!named.contains(entry.path().filename().string())) others.push_back(entry.path());
  }
  for (const std::filesystem::path& other : others) std::filesystem::remove(other, ignored);
}

}  // namespace athanor
