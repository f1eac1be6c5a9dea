#include "server/core/packed_configuration.h"

#include <bit>
#include <cstring>
#include <string>
#include <utility>
#include <variant>

namespace athanor {
namespace {

enum class Kind : uint8_t { kAbsent, kBool, kInt, kFloat, kText };

// Where a text lies in the block.
struct Extent {
  uint32_t begin = 0;
  uint32_t size = 0;
};

struct Packed {
  Kind kind = Kind::kAbsent;
  uint64_t word = 0;
};

// Texts are left to the caller.
Packed Pack(const std::optional<Value>& value) {
  if (!value.has_value()) return {};
  if (const auto* boolean = std::get_if<bool>(&*value)) return {Kind::kBool, *boolean ? 1U : 0U};
  if (const auto* integer = std::get_if<int64_t>(&*value)) return {Kind::kInt, std::bit_cast<uint64_t>(*integer)};
  if (const auto* number = std::get_if<double>(&*value)) return {Kind::kFloat, std::bit_cast<uint64_t>(*number)};
  return {Kind::kText, 0};
}

}  // namespace

PackedConfiguration::PackedConfiguration(const Configuration& configuration) : size_(configuration.size()) {
  if (configuration.empty()) return;
  size_t end = size_ * (sizeof(uint64_t) + sizeof(Kind));
  size_t bytes = end;
  for (const std::optional<Value>& value : configuration) {
    if (const auto* text = value.has_value() ? std::get_if<std::string>(&*value) : nullptr) bytes += text->size();
  }
  const auto block = std::make_shared_for_overwrite<std::byte[]>(bytes);
  std::byte* const kinds = block.get() + size_ * sizeof(uint64_t);
  for (size_t i = 0; i < size_; ++i) {
    Packed packed = Pack(configuration[i]);
    if (packed.kind == Kind::kText) {
      const auto& text = std::get<std::string>(*configuration[i]);
      std::memcpy(block.get() + end, text.data(), text.size());
      packed.word = std::bit_cast<uint64_t>(Extent{static_cast<uint32_t>(end), static_cast<uint32_t>(text.size())});
      end += text.size();
    }
    std::memcpy(block.get() + i * sizeof(uint64_t), &packed.word, sizeof(uint64_t));
    kinds[i] = static_cast<std::byte>(packed.kind);
  }
  block_ = block;
}

std::optional<Value> PackedConfiguration::operator[](size_t index) const {
  uint64_t word;
  std::memcpy(&word, block_.get() + index * sizeof(word), sizeof(word));
  switch (static_cast<Kind>(block_[static_cast<std::ptrdiff_t>(size_ * sizeof(word) + index)])) {
    case Kind::kBool:
      return Value(word != 0);
    case Kind::kInt:
      return Value(std::bit_cast<int64_t>(word));
    case Kind::kFloat:
      return Value(std::bit_cast<double>(word));
    case Kind::kText: {
      const auto extent = std::bit_cast<Extent>(word);
      return Value(std::string(reinterpret_cast<const char*>(block_.get()) + extent.begin, extent.size));
    }
    case Kind::kAbsent:
      break;
  }
  return std::nullopt;
}

Configuration PackedConfiguration::Unpack() const {
  Configuration configuration;
  configuration.reserve(size_);
  for (size_t i = 0; i < size_; ++i) configuration.push_back((*this)[i]);
  return configuration;
}

bool operator==(const PackedConfiguration& a, const PackedConfiguration& b) {
  if (a.size_ != b.size_) return false;
  for (size_t i = 0; i < a.size_; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

}  // namespace athanor
