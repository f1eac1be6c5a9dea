// A strict reader over YAML 1.2 or JSON text: every value is read through a Node that knows its line and its full key path, so that
// an error can say `study.yaml:7: parameters.momentum.max: ...`. Keys nobody asked for are errors.
#pragma once

#include <cstdint>
#include <map>
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
  // `file` is only for messages. INVALID_ARGUMENT with file and line on a syntax error, a duplicate key, an alias, an anchor or more
  // than one document; RESOURCE_EXHAUSTED above 1 MiB or 64 levels.
  static absl::StatusOr<YamlDocument> Parse(std::string_view text, std::string file);

  YamlNode root() const;
  // The line (from 1) of the deepest existing prefix of a key path such as "parameters.lr.min" or "trainer.epochs"; 1 if none.
  int LineOf(std::string_view key_path) const;
  // "file:line: key.path: message", as INVALID_ARGUMENT.
  absl::Status Error(std::string_view key_path, std::string_view message) const;

  struct Rep;

 private:
  std::shared_ptr<const Rep> rep_;
  friend class YamlNode;
};

// A node of a document; cheap to copy, keeps the document alive. Not thread-safe. Errors are INVALID_ARGUMENT of the form of YamlDocument::Error
// and say what was found and what is wanted.
class YamlNode {
 public:
  const std::string& path() const;
  int line() const;
  absl::Status Error(std::string_view message) const;

  bool IsMap() const;
  bool IsList() const;
  bool IsScalar() const;

  // The entries in the order of the file. An error unless it is a map / a list.
  absl::StatusOr<std::vector<std::pair<std::string, YamlNode>>> Map() const;
  absl::StatusOr<std::vector<YamlNode>> List() const;

  // Typed scalars. An int is accepted as a float; nothing else is converted. YAML 1.2 core schema: true/false, decimal and 0x/0o
  // ints, floats with .inf and .nan; everything else, and everything quoted, is a string.
  absl::StatusOr<Value> Scalar() const;
  absl::StatusOr<bool> Bool() const;
  absl::StatusOr<int64_t> Int() const;
  absl::StatusOr<double> Float() const;
  absl::StatusOr<std::string> String() const;
  // "250ms", "10s", "5m", "2h", "7d" or a bare 0; in milliseconds.
  absl::StatusOr<int64_t> DurationMs() const;

 private:
  YamlNode() = default;
  struct Rep;
  std::shared_ptr<const Rep> rep_;
  friend class YamlDocument;
};

// Reads a map key by key and refuses, at the end, every key that nobody asked for (with the closest known key as a hint).
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
  std::map<std::string, bool, std::less<>> asked_;
};

}  // namespace athanor
