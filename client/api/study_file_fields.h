// How sections of a study file are read: each says which keys it has and what becomes of their values; what it does not
// name is refused. Errors are those of base/yaml_reader.h: the file, the line, the key path, what was found and what is
// wanted.
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

// Reads one value into the spec.
using Field = std::function<absl::Status(const YamlNode&)>;

// A map whose keys are all known beforehand. Unknown keys are refused before anything is read, so that a misspelt key
// is called that, and not a missing one.
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

// A field read by `read` and handed to `set`.
template <typename T, typename Set>
Field Read(absl::StatusOr<T> (YamlNode::*read)() const, Set set) {
  return [read, set](const YamlNode& node) -> absl::Status {
    ATHANOR_ASSIGN_OR_RETURN(T value, (node.*read)());
    set(std::move(value));
    return absl::OkStatus();
  };
}

template <typename Set>
Field Int(Set set) {
  return Read(&YamlNode::Int, set);
}
template <typename Set>
Field Float(Set set) {
  return Read(&YamlNode::Float, set);
}
template <typename Set>
Field Bool(Set set) {
  return Read(&YamlNode::Bool, set);
}
template <typename Set>
Field String(Set set) {
  return Read(&YamlNode::String, set);
}
template <typename Set>
Field Duration(Set set) {
  return Read(&YamlNode::DurationMs, set);
}

// A word that stands for a value of type T.
template <typename T>
using Words = std::initializer_list<std::pair<std::string_view, T>>;

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

template <typename T, typename Set>
Field Word(Words<T> words, Set set) {
  return [words = std::vector(words), set](const YamlNode& node) -> absl::Status {
    ATHANOR_ASSIGN_OR_RETURN(const T value, ReadWord(node, words));
    set(value);
    return absl::OkStatus();
  };
}

// A field that is satisfied by having been read already, because it says what the others are.
inline Field AlreadyRead() {
  return [](const YamlNode&) { return absl::OkStatus(); };
}

// The child `key` of a map, if `node` is one and has it.
inline std::optional<YamlNode> Peek(const YamlNode& node, std::string_view key) {
  absl::StatusOr<YamlMapReader> reader = YamlMapReader::Open(node);
  const YamlNode* child = reader.ok() ? reader->Find(key) : nullptr;
  if (child == nullptr) return std::nullopt;
  return *child;
}

}  // namespace athanor::fields
