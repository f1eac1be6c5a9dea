// A configuration as a study keeps a million of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/value.h"
#include "server/core/search_space.h"

namespace athanor {

// An immutable Configuration in one block of memory: 9 bytes a parameter and those of its texts, a fifth of what the
// vector takes. Copies share the block, so they cost nothing. Reading a value is O(1) and allocates for long texts
// only. Converts from a Configuration by itself, back by Unpack(). Thread-safe.
class PackedConfiguration {
 public:
  // Of no parameters.
  PackedConfiguration() = default;
  PackedConfiguration(const Configuration& configuration);  // NOLINT(google-explicit-constructor)

  size_t size() const { return size_; }
  // nullopt where the parameter is inactive. `index` < size().
  std::optional<Value> operator[](size_t index) const;
  Configuration Unpack() const;

  // By type and value, as Configuration: NaN equals nothing.
  friend bool operator==(const PackedConfiguration& a, const PackedConfiguration& b);

 private:
  // One word a parameter, then one Kind a parameter, then the texts. The word holds the value itself, or where its text
  // begins and ends.
  std::shared_ptr<const std::byte[]> block_;
  size_t size_ = 0;
};

}  // namespace athanor
