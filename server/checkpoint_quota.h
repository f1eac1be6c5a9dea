// How much room checkpoints may take, as an operator says it: bytes, or a share of the disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace athanor {

struct CheckpointQuota {
  int64_t percent = 80;  // 1 to 100, of the file system that holds the checkpoints; 0: `bytes` counts instead
  int64_t bytes = 0;     // 0 = no limit

  // In bytes, on a file system of this size; 0 = no limit.
  int64_t BytesOn(int64_t disk_bytes) const;
  bool operator==(const CheckpointQuota&) const = default;
};

// "80%", "500MiB" or another number of bytes, "0" for no limit; nothing if it is none of these.
std::optional<CheckpointQuota> ParseCheckpointQuota(std::string_view text);

}  // namespace athanor
