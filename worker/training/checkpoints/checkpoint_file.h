// Checkpoint files: named sections of bytes behind a header that is verified before anything else looks at them.
//
// Format, version 1. All integers are little-endian.
//   offset  bytes  what
//   0       8      magic "ATHANOR\n"
//   8       4      version, 1
//   12      4      number of sections
//   16      8      length of the payload in bytes: the file is exactly 56 + this long
//   24      32     SHA-256 of the payload
//   56      ...    payload: the sections in ascending order of name, each
//                    4  length of its name    ..  name (UTF-8)    8  length of its data    ..  data
// What the sections of a trial hold is said in training_state.h. A reader refuses other versions; a section it does not
// know is no error.
//
// A file is written beside its final name, synced, renamed, and its folder synced, so that a name that exists stands
// for a complete file also after a power cut. It is never changed afterwards.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace athanor::training {

using CheckpointSections = std::map<std::string, std::string>;

struct WrittenCheckpoint {
  std::filesystem::path path;
  std::string sha256;  // lower-case hex, of the whole file
  int64_t size = 0;    // bytes
};

// Writes `folder`/`stem`-<first 16 digits of the file's SHA-256>.ckpt, so that no name ever stands for two contents.
// Blocks until the file is on disk. Throws CheckpointError naming the file and the cause; nothing of it is left then.
WrittenCheckpoint WriteCheckpoint(const std::filesystem::path& folder, const std::string& stem,
                                  const CheckpointSections& sections);

// Throws CheckpointError naming the file and what is wrong: missing, not a checkpoint, another version, truncated,
// longer than its header says, or damaged.
CheckpointSections ReadCheckpoint(const std::filesystem::path& path);

}  // namespace athanor::training
