// Checkpoint files: sections, or a CheckpointError. Behind a wrong hash nothing is looked at, so the input is also read
// as what stands behind a right one.
#include <cstring>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "tests/fuzz/memory_file.h"
#include "worker/training/checkpoints/checkpoint_file.h"
#include "worker/training/errors.h"

namespace {

constexpr size_t kHeaderBytes = 56;

void Read(const std::vector<uint8_t>& bytes) {
  const athanor::fuzz::MemoryFile file(bytes.data(), bytes.size());
  try {
    (void)athanor::training::ReadCheckpoint(file.path());
  } catch (const athanor::training::CheckpointError&) {
  }
}

// Magic, version, length and hash of the payload put right; the number of sections stays.
std::vector<uint8_t> WithRightHeader(std::vector<uint8_t> bytes) {
  const std::string payload(bytes.begin() + kHeaderBytes, bytes.end());
  std::memcpy(bytes.data(), "ATHANOR\n\1\0\0\0", 12);
  for (size_t i = 0; i < 8; ++i) bytes[16 + i] = static_cast<uint8_t>(payload.size() >> (8 * i));
  const std::string hex = athanor::Sha256::Hex(payload);
  for (size_t i = 0; i < 32; ++i) bytes[24 + i] = static_cast<uint8_t>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::vector<uint8_t> bytes(data, data + size);
  Read(bytes);
  if (size >= kHeaderBytes) Read(WithRightHeader(bytes));
  return 0;
}
