// SHA-256 through OpenSSL: names and checks checkpoints.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace athanor {

// Incremental. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void Update(const void* data, size_t bytes);
  // 64 lower-case hex digits of all that was given. Call once, last.
  std::string HexDigest();

  static std::string Hex(std::string_view data);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace athanor
