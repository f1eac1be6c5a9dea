#include "tests/testing/faulty_vfs.h"

#include <utility>

#include "sqlite3.h"

namespace athanor::testing {

struct FaultyVfs::Registered {
  sqlite3_vfs vfs{};
  sqlite3_vfs* real = nullptr;
  std::function<DiskFault()> fault;
};

namespace {

// Laid out as SQLite wants it: `base` first; the real VFS keeps its own file right behind.
struct File {
  sqlite3_file base;
  const std::function<DiskFault()>* fault;
};

File* Ours(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
sqlite3_file* Real(sqlite3_file* file) { return reinterpret_cast<sqlite3_file*>(Ours(file) + 1); }
DiskFault FaultOf(sqlite3_file* file) { return (*Ours(file)->fault)(); }

int Write(sqlite3_file* file, const void* data, int bytes, sqlite3_int64 offset) {
  switch (FaultOf(file)) {
    case DiskFault::kFull:
      return SQLITE_FULL;
    case DiskFault::kWriteError:
      return SQLITE_IOERR_WRITE;
    case DiskFault::kReadOnly:
      return SQLITE_READONLY;
    default:
      return Real(file)->pMethods->xWrite(Real(file), data, bytes, offset);
  }
}

int Sync(sqlite3_file* file, int flags) {
  if (FaultOf(file) == DiskFault::kSyncError) return SQLITE_IOERR_FSYNC;
  return Real(file)->pMethods->xSync(Real(file), flags);
}

// A method that is passed on as it is.
template <auto kMethod, typename Result, typename... Arguments>
Result Forward(sqlite3_file* file, Arguments... arguments) {
  return (Real(file)->pMethods->*kMethod)(Real(file), arguments...);
}

const sqlite3_io_methods kMethods = {
    3,
    Forward<&sqlite3_io_methods::xClose>,
    Forward<&sqlite3_io_methods::xRead>,
    Write,
    Forward<&sqlite3_io_methods::xTruncate>,
    Sync,
    Forward<&sqlite3_io_methods::xFileSize>,
    Forward<&sqlite3_io_methods::xLock>,
    Forward<&sqlite3_io_methods::xUnlock>,
    Forward<&sqlite3_io_methods::xCheckReservedLock>,
    Forward<&sqlite3_io_methods::xFileControl>,
    Forward<&sqlite3_io_methods::xSectorSize>,
    Forward<&sqlite3_io_methods::xDeviceCharacteristics>,
    Forward<&sqlite3_io_methods::xShmMap>,
    Forward<&sqlite3_io_methods::xShmLock>,
    Forward<&sqlite3_io_methods::xShmBarrier>,
    Forward<&sqlite3_io_methods::xShmUnmap>,
    Forward<&sqlite3_io_methods::xFetch>,
    Forward<&sqlite3_io_methods::xUnfetch>,
};

}  // namespace

FaultyVfs::FaultyVfs(std::function<DiskFault()> fault) : registered_(std::make_unique<Registered>()) {
  registered_->real = sqlite3_vfs_find(nullptr);
  registered_->fault = std::move(fault);
  sqlite3_vfs& vfs = registered_->vfs;
  vfs = *registered_->real;  // whatever names no file works as it is
  vfs.zName = "faulty";
  vfs.szOsFile = static_cast<int>(sizeof(File)) + registered_->real->szOsFile;
  vfs.pNext = nullptr;
  // The real one's functions find their own data by this pointer, so ours cannot be kept in it.
  vfs.pAppData = registered_->real->pAppData;
  vfs.xOpen = [](sqlite3_vfs* self, sqlite3_filename name, sqlite3_file* file, int flags, int* out_flags) -> int {
    const auto* owner = reinterpret_cast<const Registered*>(self);  // `vfs` is its first member
    file->pMethods = nullptr;
    if ((flags & SQLITE_OPEN_MAIN_DB) != 0 && owner->fault() == DiskFault::kReadOnly) {
      flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
    }
    const int result = owner->real->xOpen(owner->real, name, Real(file), flags, out_flags);
    if (Real(file)->pMethods == nullptr) return result;
    Ours(file)->fault = &owner->fault;
    file->pMethods = &kMethods;
    return result;
  };
  sqlite3_vfs_register(&vfs, 1);
}

FaultyVfs::~FaultyVfs() {
  sqlite3_vfs_unregister(&registered_->vfs);
  sqlite3_vfs_register(registered_->real, 1);
}

}  // namespace athanor::testing
