// Checkpoint files on the worker's disk by their hash, so that resuming a trial where it last ran downloads nothing.
//
// A file is in the cache once it stands complete under its name `<sha256>`. The cache holds at most `max_bytes`; the
// least recently used files that nobody holds go first. Holders keep a CachedCheckpoint: as long as it lives, the file
// stays.
//
// Not thread-safe. Blocks for the file system's metadata only: files are linked or renamed, and copied only where links
// are not to be had.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace athanor::session {

struct CachedCheckpoint {
  std::string path;
  std::string sha256;
  int64_t bytes = 0;
};

class CheckpointCache {
 public:
  // Opens or makes the folder, keeps the checkpoints in it from earlier runs (newest counted as most recently used) and
  // removes what a crash left half written. INTERNAL if the folder cannot be used.
  static absl::StatusOr<std::unique_ptr<CheckpointCache>> Open(const std::string& folder, int64_t max_bytes);

  // Null if it is not here.
  std::shared_ptr<const CachedCheckpoint> Find(const std::string& sha256);

  // Where somebody called `name` may write a file that is to be taken in by Commit.
  std::string PartPath(const std::string& name) const;
  // Takes in the file at `part`, a PartPath, whose content the caller has verified. NOT_FOUND if there is none.
  absl::StatusOr<std::shared_ptr<const CachedCheckpoint>> Commit(const std::string& sha256, const std::string& part);
  // Takes in a file of a trainer's, which stays where it is. The hash is the trainer's word for it. NOT_FOUND if there
  // is none.
  absl::StatusOr<std::shared_ptr<const CachedCheckpoint>> Add(const std::string& sha256, const std::string& path);

  int64_t bytes() const { return bytes_; }

 private:
  CheckpointCache(std::string folder, int64_t max_bytes) : folder_(std::move(folder)), max_bytes_(max_bytes) {}
  absl::Status Load();
  std::string PathOf(const std::string& sha256) const { return folder_ + "/" + sha256; }
  absl::StatusOr<std::shared_ptr<const CachedCheckpoint>> Enter(const std::string& sha256);
  void Evict();

  std::string folder_;
  int64_t max_bytes_;
  int64_t bytes_ = 0;
  std::list<std::shared_ptr<const CachedCheckpoint>> files_;  // most recently used first
};

}  // namespace athanor::session
