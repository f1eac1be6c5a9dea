#include "worker/session/worker_name.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace athanor::session {
namespace {

bool IsName(const std::string& name) {
  const auto allowed = [](unsigned char c) { return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-'; };
  return !name.empty() && name.size() <= 200 && name.front() != '.' && std::ranges::all_of(name, allowed);
}

absl::Status MakeFolder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("cannot make the state folder ", folder, ": ", error.message()));
}

// The locked descriptor, or nothing if somebody else holds the lock.
absl::StatusOr<std::optional<int>> TryLock(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) return absl::InternalError(absl::StrCat("cannot open ", path, ": ", std::strerror(errno)));
  if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) return descriptor;
  const int error = errno;
  close(descriptor);
  if (error == EWOULDBLOCK) return std::nullopt;
  return absl::InternalError(absl::StrCat("cannot lock ", path, ": ", std::strerror(error)));
}

}  // namespace

absl::StatusOr<WorkerName> WorkerName::Claim(const std::string& state_folder, const std::string& host,
                                             const std::string& wanted) {
  ATHANOR_RETURN_IF_ERROR(MakeFolder(state_folder));
  for (int number = 0;; ++number) {
    std::string name = wanted.empty() ? absl::StrCat(host, "-", number) : wanted;
    if (!IsName(name)) {
      return absl::InvalidArgumentError(
          absl::StrCat("worker name \"", name, "\": want letters, digits, '.', '_' and '-', not starting with '.'"));
    }
    ATHANOR_ASSIGN_OR_RETURN(const std::optional<int> lock, TryLock(absl::StrCat(state_folder, "/", name, ".lock")));
    if (lock.has_value()) {
      WorkerName claimed(name, absl::StrCat(state_folder, "/", name), *lock);
      ATHANOR_RETURN_IF_ERROR(MakeFolder(claimed.folder()));
      return claimed;
    }
    if (!wanted.empty()) {
      return absl::FailedPreconditionError(
          absl::StrCat("another worker called ", name, " runs with the state folder ", state_folder));
    }
  }
}

WorkerName::WorkerName(WorkerName&& other) noexcept
    : name_(std::move(other.name_)), folder_(std::move(other.folder_)), lock_(std::exchange(other.lock_, -1)) {}

WorkerName::~WorkerName() {
  if (lock_ >= 0) close(lock_);
}

}  // namespace athanor::session
