// The folder of one lease, in which its trainer leaves checkpoints and artifacts, and what the worker deletes there
// while the trial goes on: it may go on for weeks, and the folder itself goes with the lease only.
//
// A trainer says by itself where a file is. The worker touches none that is not in the lease's folder: a path is a
// trainer's word, and other trials' files, or a user's, may be where a mistaken one leads.
//
// Threads: any. Both do I/O, of metadata only.
#pragma once

#include <string>

namespace athanor::session {

// Whether `path` leads to something in `folder`, as both are written: "." and ".." are resolved, links are not looked
// at. A relative path starts at the working directory. The folder is not in itself.
bool LiesIn(const std::string& folder, const std::string& path);

// Deletes the file at `path` if it lies in the folder. Never fails: what cannot be deleted goes with the folder.
void RemoveIfIn(const std::string& folder, const std::string& path);

}  // namespace athanor::session
