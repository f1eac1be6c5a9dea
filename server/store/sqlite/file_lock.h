// Sole ownership of a database among processes.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace athanor::sqlite {

// Holds an exclusive flock(2) on DATABASE.lock, from Acquire until it is destroyed or the process ends,
// however it ends. SQLite's own locks keep single transactions apart, not two coordinators that each believe their
// memory is the truth.
//
// A file of its own, because closing any descriptor of the database would drop the locks that SQLite holds on it. The
// lock file stays when the lock goes: removing it would let two processes lock two different files of the same name.
// Works on file systems with flock (all local ones; NFS since Linux 2.6.12).
class FileLock {
 public:
  // FAILED_PRECONDITION if another holds it; UNAVAILABLE if the file cannot be created or locked (names it and the
  // cause).
  static absl::StatusOr<std::unique_ptr<FileLock>> Acquire(const std::string& database);

  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
};

}  // namespace athanor::sqlite
