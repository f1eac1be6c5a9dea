// Files that must be on the disk, or not be there at all.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace athanor {

// Ends the names of files that are still being written. What a crash leaves of them goes at the next start.
inline constexpr char kAsideSuffix[] = ".upload";

// Errors name the path and the cause: RESOURCE_EXHAUSTED: the disk is full. UNAVAILABLE: any other. All block.

// Makes the entries of a directory survive a power cut.
absl::Status SyncDirectory(const std::string& directory);
// Creates it (not its parents) unless it is there. UNAVAILABLE if what is there is no directory.
absl::Status MakeDirectory(const std::string& directory);
// Replaces `to`, which is in the same directory; on disk when it returns.
absl::Status RenameDurably(const std::string& from, const std::string& to);
// The directory that a path lies in.
std::string DirectoryOf(const std::string& path);
// The names of its entries, in no order.
absl::StatusOr<std::vector<std::string>> ListDirectory(const std::string& directory);
// UNAVAILABLE or RESOURCE_EXHAUSTED, from errno: "PATH: cannot ACTION: cause".
absl::Status IoError(const std::string& path, const char* action, int error);

// A file that is open as long as this lives; `get()` is negative if it could not be opened, and errno says why.
class OpenFile {
 public:
  // open(2), closed on exec.
  OpenFile(const std::string& path, int flags);
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  int get() const { return descriptor_; }

 private:
  const int descriptor_;
};

}  // namespace athanor
