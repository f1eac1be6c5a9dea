// How sections of a study file are read: each says which keys it has and what becomes of their values; what it does not
// name is refused.
//
//   Section(node)
//       .Required("name", String([=](std::string name) { spec->set_name(std::move(name)); }))
//       .Optional("limit", Int([=](int64_t limit) { spec->set_limit(limit); }))
//       .Read();
//
// Nothing is read before Read(), and then in the order of the declarations; what a field sets must live until then.
// Errors are INVALID_ARGUMENT as in base/yaml_reader.h: the file, the line, the key path, what was found and what is
// wanted. After one the fields before it are set. Only types and words are checked here: ranges and combinations are
// the coordinator's business. No I/O, no state: any thread.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/edit_distance.h"
#include "base/status.h"
#include "base/yaml_reader.h"

namespace athanor::fields {

// Reads the value of one key and sets what it stands for; returns what is wrong with the value.
using Field = std::function<absl::Status(const YamlNode&)>;

// A map whose keys are all known beforehand. Unknown keys are refused before anything is read, so that a misspelt key
// is called that, and not a missing one. Keys are string literals.
class Section {
 public:
  explicit Section(YamlNode node) : node_(std::move(node)) {}

  Section& Required(std::string_view key, Field field) { return Add(key, Presence::kRequired, std::move(field)); }
  Section& Optional(std::string_view key, Field field) { return Add(key, Presence::kOptional, std::move(field)); }

  // Reads the fields in the order in which they were declared.
  absl::Status Read() const {
    ATHANOR_ASSIGN_OR_RETURN(YamlMapReader reader, YamlMapReader::Open(node_));
    for (const Entry& entry : entries_) reader.Find(entry.key);
    ATHANOR_RETURN_IF_ERROR(reader.Finish());
    for (const Entry& entry : entries_) {
      if (entry.presence == Presence::kOptional && reader.Find(entry.key) == nullptr) continue;
      ATHANOR_ASSIGN_OR_RETURN(const YamlNode value, reader.Require(entry.key));
      ATHANOR_RETURN_IF_ERROR(entry.field(value));
    }
    return absl::OkStatus();
  }

 private:
  enum class Presence { kRequired, kOptional };
  struct Entry {
    std::string_view key;
    Presence presence;
    Field field;
  };
  Section& Add(std::string_view key, Presence presence, Field field) {
    entries_.push_back({key, presence, std::move(field)});
    return *this;
  }

  YamlNode node_;
  std::vector<Entry> entries_;
};

// Makes fields of one scalar type: Int(set) is a field whose value YamlNode::Int reads and `set` takes.
template <auto kRead>
struct ScalarField {
  template <typename Set>
  Field operator()(Set set) const {
    return [set](const YamlNode& node) -> absl::Status {
      ATHANOR_ASSIGN_OR_RETURN(auto value, (node.*kRead)());
      set(std::move(value));
      return absl::OkStatus();
    };
  }
};
inline constexpr ScalarField<&YamlNode::Int> Int;
inline constexpr ScalarField<&YamlNode::Float> Float;
inline constexpr ScalarField<&YamlNode::Bool> Bool;
inline constexpr ScalarField<&YamlNode::String> String;
inline constexpr ScalarField<&YamlNode::DurationMs> Duration;  // in milliseconds

// The words that a value of type T may be written as, as an error lists them.
template <typename T>
using Words = std::initializer_list<std::pair<std::string_view, T>>;

// The value whose word stands at `node`, case and all. An error lists the words and, for a near miss, names the
// closest.
template <typename T>
absl::StatusOr<T> ReadWord(const YamlNode& node, const std::vector<std::pair<std::string_view, T>>& words) {
  const absl::StatusOr<std::string> text = node.String();
  std::vector<std::string_view> names;
  for (const auto& [name, value] : words) {
    if (text.ok() && *text == name) return value;
    names.push_back(name);
  }
  std::string message = fmt::format("found {}; want one of {}", node.Describe(), fmt::join(names, ", "));
  if (const std::string_view closest = text.ok() ? ClosestName(*text, names) : ""; !closest.empty()) {
    message += fmt::format("; did you mean {}?", closest);
  }
  return node.Error(message);
}

// A field whose value is one of `words`.
template <typename T, typename Set>
Field Word(Words<T> words, Set set) {
  return [words = std::vector(words), set](const YamlNode& node) -> absl::Status {
    ATHANOR_ASSIGN_OR_RETURN(const T value, ReadWord(node, words));
    set(value);
    return absl::OkStatus();
  };
}

// A field that is satisfied by having been read already (with Peek), because it says which others there are.
inline Field AlreadyRead() {
  return [](const YamlNode&) { return absl::OkStatus(); };
}

// The child `key` of a map, if `node` is one and has it. Looks only: the section must still declare the key.
inline std::optional<YamlNode> Peek(const YamlNode& node, std::string_view key) {
  absl::StatusOr<YamlMapReader> reader = YamlMapReader::Open(node);
  const YamlNode* child = reader.ok() ? reader->Find(key) : nullptr;
  if (child == nullptr) return std::nullopt;
  return *child;
}

}  // namespace athanor::fields
