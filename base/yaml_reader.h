// A strict reader over YAML 1.2 or JSON text: every value is read through a Node that knows its line and its full key
// path, so that an error can say `study.yaml:7: parameters.momentum.max: ...`. Keys nobody asked for are errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/value.h"

namespace athanor {

class YamlNode;

// One parsed document.
class YamlDocument {
 public:
  static constexpr size_t kMaxBytes = 1 << 20;
  static constexpr size_t kMaxDepth = 64;

  // `file` is only for messages. INVALID_ARGUMENT with file and line on a syntax error, a duplicate key, an alias, an
  // anchor, an explicit tag, a key that is not a scalar, or more than one document; RESOURCE_EXHAUSTED above kMaxBytes
  // or kMaxDepth levels. No input makes it throw or recurse deeper than that.
  static absl::StatusOr<YamlDocument> Parse(std::string_view text, std::string file);

  YamlNode root() const;
  // The line (from 1) of the deepest existing prefix of a key path such as "parameters.lr.values[2]" or
  // "trainer.epochs"; 1 if none. The line of an entry of a map is that of its key.
  int LineOf(std::string_view key_path) const;
  // "file:line: key.path: message", as INVALID_ARGUMENT.
  absl::Status Error(std::string_view key_path, std::string_view message) const;

  struct Rep;

 private:
  explicit YamlDocument(std::shared_ptr<const Rep> rep) : rep_(std::move(rep)) {}
  std::shared_ptr<const Rep> rep_;
};

// A node of a document; cheap to copy, keeps the document alive. Immutable, so it may be read from any thread. Errors
// are INVALID_ARGUMENT of the form of YamlDocument::Error and say what was found and what is wanted.
class YamlNode {
 public:
  // "parameters.lr.values[2]"; empty for the root.
  std::string path() const;
  int line() const;
  absl::Status Error(std::string_view message) const;

  bool IsMap() const;
  bool IsList() const;
  // Not a map, not a list and not empty (`key:` with nothing after it, `~` or null).
  bool IsScalar() const;
  // What an error says was found: `a map`, `nothing`, `string "abc"`, `int 3`. Long text is cut.
  std::string Describe() const;

  // The entries in the order of the file. An error unless it is a map / a list.
  absl::StatusOr<std::vector<std::pair<std::string, YamlNode>>> Map() const;
  absl::StatusOr<std::vector<YamlNode>> List() const;

  // Typed scalars. An int is accepted as a float; nothing else is converted. YAML 1.2 core schema: true/false, decimal
  // and 0x/0o ints, floats with .inf and .nan; everything else, and everything quoted, is a string. A number that its
  // type cannot hold is an error, never rounded to the nearest bound or to infinity.
  absl::StatusOr<Value> Scalar() const;
  absl::StatusOr<bool> Bool() const;
  absl::StatusOr<int64_t> Int() const;
  absl::StatusOr<double> Float() const;
  absl::StatusOr<std::string> String() const;
  // "250ms", "10s", "5m", "2h", "7d" or a bare 0; a whole number of one unit. In milliseconds.
  absl::StatusOr<int64_t> DurationMs() const;

 private:
  struct Rep;
  YamlNode(std::shared_ptr<const YamlDocument::Rep> document, const Rep* rep)
      : document_(std::move(document)), rep_(rep) {}
  absl::Status Unwanted(std::string_view wanted) const;

  std::shared_ptr<const YamlDocument::Rep> document_;
  const Rep* rep_;  // owned by the document
  friend class YamlDocument;
  friend class YamlTreeBuilder;
};

// Reads a map key by key and refuses, at the end, every key that nobody asked for (with the closest known key as a
// hint).
class YamlMapReader {
 public:
  static absl::StatusOr<YamlMapReader> Open(const YamlNode& node);
  // Null if absent. The node lives as long as the reader.
  const YamlNode* Find(std::string_view key);
  // An error naming the missing key if absent.
  absl::StatusOr<YamlNode> Require(std::string_view key);
  // An error on the first key, in order of the file, that was never asked for.
  absl::Status Finish() const;

 private:
  explicit YamlMapReader(YamlNode node) : node_(std::move(node)) {}
  YamlNode node_;
  std::vector<std::pair<std::string, YamlNode>> entries_;
  std::vector<std::string> asked_;  // in the order of asking
};

}  // namespace athanor
