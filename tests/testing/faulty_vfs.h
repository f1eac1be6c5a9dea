// A disk under SQLite that fails on demand: a VFS that passes everything on to the real one, except that writes and
// syncs ask first whether they may succeed.
#pragma once

#include <functional>
#include <memory>

namespace athanor::testing {

enum class DiskFault {
  kNone,
  kFull,        // writes: SQLITE_FULL
  kWriteError,  // writes: SQLITE_IOERR_WRITE
  kSyncError,   // writes succeed, syncs: SQLITE_IOERR_FSYNC
  kReadOnly,    // writes: SQLITE_READONLY; a database is opened as one that may only be read
};

// SQLite's default VFS from its construction to its end, for databases that are opened meanwhile; they must be closed
// before it goes. Reads and shared memory are left alone.
class FaultyVfs {
 public:
  // `fault` is asked before every write and sync of any file of a database, on the thread that writes, and when one is
  // opened; it is the place to count them, or to end the process.
  explicit FaultyVfs(std::function<DiskFault()> fault);
  ~FaultyVfs();
  FaultyVfs(const FaultyVfs&) = delete;
  FaultyVfs& operator=(const FaultyVfs&) = delete;

 private:
  struct Registered;
  std::unique_ptr<Registered> registered_;
};

}  // namespace athanor::testing
