// The files of checkpoints: content-addressed, in one directory beside the database. A file may only be relied on once
// its row is committed; this class knows nothing of rows but the holds that others place on hashes.
//
// Layout: DIR/<sha256> is a complete, synced checkpoint; DIR/<number>.upload is one that is being written. Nothing else
// in the directory is touched.
//
// Durability: Upload::Commit syncs the file, renames it and syncs the directory before it returns.
//
// Removal: every row and every upload under way holds its hash. Collect deletes files whose last hold was released. A
// file that is open for reading stays readable.
//
// Threads: thread-safe. Hold and Release do no I/O; everything else blocks on the disk.
//
// Errors: RESOURCE_EXHAUSTED: disk full. NOT_FOUND: no such file. UNAVAILABLE: any other I/O error, naming the path.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/fault_hook.h"
#include "base/mutex.h"
#include "base/sha256.h"

namespace athanor {

// Of a file system, in bytes: what this process may still write, and its size.
struct DiskSpace {
  int64_t free_bytes = 0;
  int64_t total_bytes = 0;
};

class CheckpointFiles {
 public:
  class Upload;
  class Reader;

  // Creates the directory (not its parents) if it is missing.
  static absl::StatusOr<std::unique_ptr<CheckpointFiles>> Open(const std::string& directory, FaultHook faults = {});

  // A row, or an upload under way, refers to `sha256`. Holds are counted.
  void Hold(const std::string& sha256);
  void Release(const std::string& sha256);

  // Starts a file of `size_bytes` > 0 that must hash to `sha256`; the caller holds the hash until it has registered the
  // row or given up.
  absl::StatusOr<std::unique_ptr<Upload>> Create(const std::string& sha256, int64_t size_bytes);
  absl::StatusOr<std::unique_ptr<Reader>> Read(const std::string& sha256) const;

  // Deletes the files whose last hold was released and that nobody has held since.
  void Collect();
  // At start, after a hold for every row and before the first upload: deletes what nobody holds and what uploads left.
  absl::Status Sweep();

  // Of the file system that the directory is on, as it is now. Blocks.
  absl::StatusOr<DiskSpace> Space() const;
  // Of all complete files.
  int64_t bytes() const { return bytes_.load(); }

 private:
  CheckpointFiles(std::string directory, FaultHook faults)
      : directory_(std::move(directory)), faults_(std::move(faults)) {}
  std::string PathOf(const std::string& sha256) const;
  absl::Status Adopt(const std::string& aside, const std::string& sha256, int64_t size_bytes);
  void Delete(const std::string& sha256);

  const std::string directory_;
  const FaultHook faults_;
  std::atomic<int64_t> bytes_ = 0;
  std::atomic<uint64_t> next_upload_ = 1;
  // Held over deletions too, so that a hold taken afterwards finds the file gone and one taken before keeps it.
  Mutex mutex_;
  std::unordered_map<std::string, int64_t> holds_ ATHANOR_GUARDED_BY(mutex_);
  std::set<std::string> released_ ATHANOR_GUARDED_BY(mutex_);
};

// One file being written. Not thread-safe. Destroying it without Commit removes what was written.
class CheckpointFiles::Upload {
 public:
  ~Upload();
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  // DATA_LOSS if this is more than was announced.
  absl::Status Append(std::string_view data);
  // DATA_LOSS if size or hash are not what was announced. OK: the file is complete, in place and on disk.
  absl::Status Commit();

 private:
  friend class CheckpointFiles;
  Upload(CheckpointFiles& files, std::string sha256, int64_t size_bytes, std::string aside, int descriptor);

  CheckpointFiles& files_;
  const std::string sha256_;
  const int64_t size_bytes_;
  const std::string aside_;
  int descriptor_;
  int64_t written_ = 0;
  Sha256 hash_;
};

// One file being read from its beginning. Not thread-safe.
class CheckpointFiles::Reader {
 public:
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // The next bytes, `max_bytes` of them unless the file ends sooner; empty at the end.
  absl::StatusOr<std::string> Next(size_t max_bytes);

 private:
  friend class CheckpointFiles;
  Reader(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  const std::string path_;
  const int descriptor_;
};

}  // namespace athanor
