#include "worker/training/checkpoints/checkpoint_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>

#include "base/sha256.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

constexpr std::string_view kMagic = "ATHANOR\n";
constexpr uint32_t kVersion = 1;
constexpr size_t kDigestBytes = 32;
constexpr size_t kHeaderBytes = 56;

template <typename Integer>
void Append(std::string& out, Integer value) {
  for (size_t i = 0; i < sizeof(value); ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

template <typename Integer>
Integer Parse(std::string_view bytes) {
  Integer value = 0;
  for (size_t i = 0; i < sizeof(value); ++i) value |= Integer{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return value;
}

std::string DigestBytes(std::string_view payload) {
  const std::string hex = Sha256::Hex(payload);
  std::string digest;
  for (size_t i = 0; i < hex.size(); i += 2) digest += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return digest;
}

std::string Encode(const CheckpointSections& sections) {
  std::string payload;
  for (const auto& [name, data] : sections) {
    Append(payload, static_cast<uint32_t>(name.size()));
    payload += name;
    Append(payload, static_cast<uint64_t>(data.size()));
    payload += data;
  }
  std::string file(kMagic);
  Append(file, kVersion);
  Append(file, static_cast<uint32_t>(sections.size()));
  Append(file, static_cast<uint64_t>(payload.size()));
  file += DigestBytes(payload);
  return file + payload;
}

// Takes sections off the front of the payload. Lengths are checked although the digest was: a file that was written
// wrongly is refused too.
class PayloadReader {
 public:
  PayloadReader(std::string_view payload, const std::filesystem::path& path) : rest_(payload), path_(path) {}

  template <typename Integer>
  Integer TakeInteger() {
    return Parse<Integer>(Take(sizeof(Integer)));
  }
  std::string_view Take(uint64_t bytes) {
    if (bytes > rest_.size()) throw CheckpointError(path_.string() + ": a section ends past the end of the file");
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }
  bool empty() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  const std::filesystem::path& path_;
};

[[noreturn]] void FailSystem(const std::filesystem::path& path, const char* action) {
  throw CheckpointError(path.string() + ": cannot " + action + ": " + std::strerror(errno));
}

// An open file that is removed again unless Keep() was reached.
class PartialFile {
 public:
  explicit PartialFile(std::filesystem::path path)
      : path_(std::move(path)), descriptor_(open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {
    if (descriptor_ < 0) FailSystem(path_, "create");
  }
  ~PartialFile() {
    if (descriptor_ >= 0) close(descriptor_);
    if (!kept_) unlink(path_.c_str());
  }
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  void Write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t wrote = write(descriptor_, bytes.data(), bytes.size());
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) FailSystem(path_, "write");
      bytes.remove_prefix(static_cast<size_t>(wrote));
    }
  }

  void Keep(const std::filesystem::path& final_path) {
    if (fsync(descriptor_) != 0) FailSystem(path_, "sync");
    const int descriptor = descriptor_;
    descriptor_ = -1;
    if (close(descriptor) != 0) FailSystem(path_, "close");
    if (rename(path_.c_str(), final_path.c_str()) != 0) FailSystem(final_path, "rename to");
    kept_ = true;
  }

 private:
  std::filesystem::path path_;
  int descriptor_;
  bool kept_ = false;
};

void SyncFolder(const std::filesystem::path& folder) {
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) FailSystem(folder, "open");
  const int result = fsync(descriptor);
  close(descriptor);
  if (result != 0) FailSystem(folder, "sync");
}

std::string ReadWhole(const std::filesystem::path& path) {
  std::error_code failed;
  // Before it is opened, which would wait for the other end of a pipe.
  if (std::filesystem::exists(path, failed) && !std::filesystem::is_regular_file(path, failed)) {
    throw CheckpointError(path.string() + ": is not a file");
  }
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) throw CheckpointError(path.string() + ": cannot open: " + std::strerror(errno));
  std::string bytes(static_cast<size_t>(in.tellg()), '\0');
  in.seekg(0);
  if (!in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
    throw CheckpointError(path.string() + ": cannot read");
  }
  return bytes;
}

}  // namespace

WrittenCheckpoint WriteCheckpoint(const std::filesystem::path& folder, const std::string& stem,
                                  const CheckpointSections& sections) {
  const std::string bytes = Encode(sections);
  const std::string sha256 = Sha256::Hex(bytes);
  const std::filesystem::path path = folder / (stem + "-" + sha256.substr(0, 16) + ".ckpt");
  PartialFile file(path.string() + ".partial");
  file.Write(bytes);
  file.Keep(path);
  SyncFolder(folder);
  return {.path = path, .sha256 = sha256, .size = static_cast<int64_t>(bytes.size())};
}

CheckpointSections ReadCheckpoint(const std::filesystem::path& path) {
  const std::string bytes = ReadWhole(path);
  const std::string_view file = bytes;
  if (file.size() < kHeaderBytes || !file.starts_with(kMagic))
    throw CheckpointError(path.string() + ": is not a checkpoint");
  const auto version = Parse<uint32_t>(file.substr(8));
  if (version != kVersion) {
    throw CheckpointError(path.string() + ": is of version " + std::to_string(version) + "; want " +
                          std::to_string(kVersion));
  }
  const auto count = Parse<uint32_t>(file.substr(12));
  const auto length = Parse<uint64_t>(file.substr(16));
  const std::string_view payload = file.substr(kHeaderBytes);
  if (length != payload.size()) {
    throw CheckpointError(path.string() + ": holds " + std::to_string(payload.size()) +
                          " bytes of payload; its header says " + std::to_string(length));
  }
  if (DigestBytes(payload) != file.substr(24, kDigestBytes)) {
    throw CheckpointError(path.string() + ": is damaged: the SHA-256 of its payload is not the one in its header");
  }
  PayloadReader reader(payload, path);
  CheckpointSections sections;
  for (uint32_t i = 0; i < count; ++i) {
    const std::string name(reader.Take(reader.TakeInteger<uint32_t>()));
    sections[name] = std::string(reader.Take(reader.TakeInteger<uint64_t>()));
  }
  if (!reader.empty()) throw CheckpointError(path.string() + ": holds more than its sections");
  return sections;
}

}  // namespace athanor::training
