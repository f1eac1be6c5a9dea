#include "server/store/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace athanor {

absl::Status IoError(const std::string& path, const char* action, int error) {
  const bool full = error == ENOSPC || error == EDQUOT;
  return absl::Status(full ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kUnavailable,
                      absl::StrCat(path, ": cannot ", action, ": ", std::strerror(error)));
}

std::string DirectoryOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

absl::Status SyncDirectory(const std::string& directory) {
  const OpenFile entries(directory, O_RDONLY | O_DIRECTORY);
  if (entries.get() < 0) return IoError(directory, "open", errno);
  return fsync(entries.get()) == 0 ? absl::OkStatus() : IoError(directory, "sync", errno);
}

absl::Status MakeDirectory(const std::string& directory) {
  if (mkdir(directory.c_str(), 0777) == 0) return absl::OkStatus();
  if (errno != EEXIST) return IoError(directory, "create", errno);
  std::error_code ignored;
  if (std::filesystem::is_directory(directory, ignored)) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(directory, " is not a directory"));
}

absl::Status RenameDurably(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) return IoError(from, "rename", errno);
  return SyncDirectory(DirectoryOf(to));
}

absl::StatusOr<std::vector<std::string>> ListDirectory(const std::string& directory) {
  std::error_code error;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  if (error) return IoError(directory, "list", error.value());
  return names;
}

OpenFile::OpenFile(const std::string& path, int flags) : descriptor_(open(path.c_str(), flags | O_CLOEXEC, 0666)) {}

OpenFile::~OpenFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace athanor
