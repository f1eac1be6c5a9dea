#include "server/store/sqlite/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace athanor::sqlite {

absl::StatusOr<std::unique_ptr<FileLock>> FileLock::Acquire(const std::string& database) {
  const std::string path = database + ".lock";
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) return absl::UnavailableError(absl::StrCat(path, ": cannot create: ", std::strerror(errno)));
  std::unique_ptr<FileLock> lock(new FileLock(descriptor));
  if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK)
    return absl::FailedPreconditionError(
        absl::StrCat(database, ": another coordinator holds it (its lock is ", path, ")"));
  return absl::UnavailableError(absl::StrCat(path, ": cannot lock: ", std::strerror(errno)));
}

FileLock::~FileLock() { close(descriptor_); }

}  // namespace athanor::sqlite
