// Files that must be on the disk, or not be there at all.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace athanor {

// Errors name the path and the cause: RESOURCE_EXHAUSTED: the disk is full. UNAVAILABLE: any other. All block.

// Makes the entries of a directory survive a power cut.
absl::Status SyncDirectory(const std::string& directory);
// Creates it (not its parents) unless it is there.
absl::Status MakeDirectory(const std::string& directory);
// Replaces `to`, which is in the same directory; on disk when it returns.
absl::Status RenameDurably(const std::string& from, const std::string& to);
// The directory that a path lies in.
std::string DirectoryOf(const std::string& path);
// UNAVAILABLE or RESOURCE_EXHAUSTED, from errno: "PATH: cannot ACTION: cause".
absl::Status IoError(const std::string& path, const char* action, int error);

}  // namespace athanor
