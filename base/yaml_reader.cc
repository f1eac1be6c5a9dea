#include "base/yaml_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <set>
#include <sstream>

#include "base/edit_distance.h"
#include "base/yaml_scalar.h"

namespace athanor {

// Paths are walked up on demand: stored with every node they would let a file of 1 MiB (one long key over many entries)
// take gigabytes.
struct YamlNode::Rep {
  enum class Kind { kNull, kMap, kList, kScalar };
  Kind kind = Kind::kNull;
  bool plain = false;  // a scalar without quotes, whose type is to be guessed
  std::string text;
  int line = 1;
  const Rep* parent = nullptr;
  std::string key;   // under a map
  size_t index = 0;  // under a list
  std::vector<const Rep*> children;
};

struct YamlDocument::Rep {
  std::string file;
  std::deque<YamlNode::Rep> nodes;  // the first is the root; a deque, so that pointers stay good
};

namespace {

constexpr size_t kMaxQuoted = 60;

// Text as it may stand in a message of one line.
std::string Printable(std::string_view text) {
  size_t end = text.size();
  if (end > kMaxQuoted) {
    end = kMaxQuoted;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not inside a character
  }
  std::string printable;
  for (const char c : text.substr(0, end)) {
    const unsigned char byte = c;
    if (byte < 0x20 || byte == 0x7F) {
      printable += c == '\n' ? "\\n" : fmt::format("\\x{:02x}", byte);
    } else {
      printable += c;
    }
  }
  return end < text.size() ? printable + "..." : printable;
}

// "file:line: key.path: message"
std::string Located(std::string_view file, int line, std::string_view path, std::string_view message) {
  return fmt::format("{}:{}: {}{}{}", file, line, path, path.empty() ? "" : ": ", message);
}

bool ConsumePrefix(std::string_view* text, std::string_view prefix) {
  if (!text->starts_with(prefix)) return false;
  text->remove_prefix(prefix.size());
  return true;
}

// The length of the well-formed UTF-8 character at the start of `text`, 0 if there is none (RFC 3629: no overlong
// forms, no surrogates, nothing above U+10FFFF).
size_t CharacterLength(std::string_view text) {
  const auto byte = [&](size_t i) -> unsigned { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                        : (lead & 0xF0) == 0xE0        ? 3
                        : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                       : 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F)) return 0;
  if ((lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) return 0;
  return length;
}

// yaml-cpp takes byte 4 for the end of the file and passes broken UTF-8 on, so both are looked for before it sees the
// text.
absl::Status CheckBytes(std::string_view text, std::string_view file) {
  int line = 1;
  for (size_t i = 0; i < text.size();) {
    const unsigned char c = text[i];
    const size_t length = CharacterLength(text.substr(i));
    const bool control = (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F;
    if (length == 0 || control) {
      return absl::InvalidArgumentError(
          Located(file, line, "", fmt::format("byte {:#04x} cannot stand here; want UTF-8 text", c)));
    }
    if (c == '\n') ++line;
    i += length;
  }
  return absl::OkStatus();
}

// How the callbacks below end a parse; never leaves this file.
struct Refusal {
  absl::StatusCode code;
  int line;
  std::string message;
};

}  // namespace

// Builds the tree from yaml-cpp's events. They tell what its own tree forgets: quotes, duplicate keys, and where a key
// stands.
class YamlTreeBuilder final : public YAML::EventHandler {
 public:
  using Rep = YamlNode::Rep;
  explicit YamlTreeBuilder(std::deque<Rep>& nodes) : nodes_(nodes) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (!nodes_.empty()) Refuse(mark, "a second document starts here; want one document in a file");
  }
  void OnDocumentEnd() override {}
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { Refuse(mark, "aliases (*name) are not supported"); }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    RefuseAnchor(mark, anchor);
    if (AtKey()) Refuse(mark, "a key is missing");
    Add(mark, Rep::Kind::kNull);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    RefuseAnchor(mark, anchor);
    if (tag != "?" && tag != "!" && !tag.empty())
      Refuse(mark, fmt::format("the tag {} is not supported", Printable(tag)));
    if (AtKey()) {
      StartEntry(mark, text);
      return;
    }
    Rep& node = Add(mark, Rep::Kind::kScalar);
    node.text = text;
    node.plain = tag == "?";
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, Rep::Kind::kList);
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, Rep::Kind::kMap);
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  // A map or list whose end has not come.
  struct Frame {
    Rep* node = nullptr;
    std::optional<std::string> key;  // of the entry whose value comes next
    int key_line = 0;
    std::set<std::string, std::less<>> keys;
  };

  [[noreturn]] static void Refuse(const YAML::Mark& mark, std::string message) {
    throw Refusal{absl::StatusCode::kInvalidArgument, mark.line + 1, std::move(message)};
  }
  static void RefuseAnchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) Refuse(mark, "anchors (&name) are not supported");
  }

  bool AtKey() const { return !open_.empty() && open_.back().node->kind == Rep::Kind::kMap && !open_.back().key; }

  void StartEntry(const YAML::Mark& mark, const std::string& key) {
    Frame& frame = open_.back();
    if (!frame.keys.insert(key).second) Refuse(mark, fmt::format("duplicate key \"{}\"", Printable(key)));
    frame.key = key;
    frame.key_line = mark.line + 1;
  }

  Rep& Add(const YAML::Mark& mark, Rep::Kind kind) {
    Rep& node = nodes_.emplace_back();
    node.kind = kind;
    node.line = mark.line + 1;
    if (open_.empty()) return node;
    Frame& frame = open_.back();
    node.parent = frame.node;
    node.index = frame.node->children.size();
    if (frame.key) {
      node.key = *std::move(frame.key);
      node.line = frame.key_line;
      frame.key.reset();
    }
    frame.node->children.push_back(&node);
    return node;
  }

  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Rep::Kind kind) {
    RefuseAnchor(mark, anchor);
    if (tag != "?" && !tag.empty()) Refuse(mark, fmt::format("the tag {} is not supported", Printable(tag)));
    if (AtKey()) Refuse(mark, "a map or a list cannot be a key; want a word");
    if (open_.size() == YamlDocument::kMaxDepth) {
      throw Refusal{absl::StatusCode::kResourceExhausted, mark.line + 1,
                    fmt::format("nested deeper than {} levels", YamlDocument::kMaxDepth)};
    }
    Rep& node = Add(mark, kind);
    open_.emplace_back().node = &node;
  }

  std::deque<Rep>& nodes_;
  std::vector<Frame> open_;
};

absl::StatusOr<YamlDocument> YamlDocument::Parse(std::string_view text, std::string file) {
  if (text.size() > kMaxBytes) {
    return absl::ResourceExhaustedError(
        Located(file, 1, "", fmt::format("the file has {} bytes; want at most {}", text.size(), kMaxBytes)));
  }
  if (absl::Status status = CheckBytes(text, file); !status.ok()) return status;
  auto rep = std::make_shared<Rep>();
  rep->file = std::move(file);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    YamlTreeBuilder builder(rep->nodes);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Refusal& refusal) {
    return absl::Status(refusal.code, Located(rep->file, refusal.line, "", refusal.message));
  } catch (const YAML::Exception& error) {
    const int line = error.mark.is_null() ? 1 : error.mark.line + 1;
    return absl::InvalidArgumentError(Located(rep->file, line, "", fmt::format("not valid YAML: {}", error.msg)));
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(
        Located(rep->file, 1, "", fmt::format("cannot be read as YAML: {}", error.what())));
  }
  if (rep->nodes.empty()) rep->nodes.emplace_back();
  return YamlDocument(std::move(rep));
}

YamlNode YamlDocument::root() const { return YamlNode(rep_, &rep_->nodes.front()); }

int YamlDocument::LineOf(std::string_view key_path) const {
  const YamlNode::Rep* node = &rep_->nodes.front();
  while (!key_path.empty()) {
    const YamlNode::Rep* next = nullptr;
    std::string_view rest;
    for (const YamlNode::Rep* child : node->children) {
      // A key may hold dots and brackets itself, so it is matched as a whole; the longest one wins.
      std::string_view tail = key_path;
      const bool in_map = node->kind == YamlNode::Rep::Kind::kMap;
      if (!ConsumePrefix(&tail, in_map ? child->key : fmt::format("[{}]", child->index))) continue;
      if (!tail.empty() && tail.front() != '.' && tail.front() != '[') continue;
      if (next != nullptr && rest.size() <= tail.size()) continue;
      next = child;
      rest = tail;
    }
    if (next == nullptr) break;
    ConsumePrefix(&rest, ".");
    node = next;
    key_path = rest;
  }
  return node->line;
}

absl::Status YamlDocument::Error(std::string_view key_path, std::string_view message) const {
  return absl::InvalidArgumentError(Located(rep_->file, LineOf(key_path), key_path, message));
}

std::string YamlNode::path() const {
  std::vector<std::string> parts;
  for (const Rep* node = rep_; node->parent != nullptr; node = node->parent) {
    const bool in_map = node->parent->kind == Rep::Kind::kMap;
    const bool first = node->parent->parent == nullptr;
    parts.push_back(in_map ? fmt::format("{}{}", first ? "" : ".", Printable(node->key))
                           : fmt::format("[{}]", node->index));
  }
  std::reverse(parts.begin(), parts.end());
  return fmt::format("{}", fmt::join(parts, ""));
}

int YamlNode::line() const { return rep_->line; }

absl::Status YamlNode::Error(std::string_view message) const {
  return absl::InvalidArgumentError(Located(document_->file, line(), path(), message));
}

absl::Status YamlNode::Unwanted(std::string_view wanted) const {
  return Error(fmt::format("found {}; want {}", Describe(), wanted));
}

bool YamlNode::IsMap() const { return rep_->kind == Rep::Kind::kMap; }
bool YamlNode::IsList() const { return rep_->kind == Rep::Kind::kList; }
bool YamlNode::IsScalar() const { return rep_->kind == Rep::Kind::kScalar; }

absl::StatusOr<std::vector<std::pair<std::string, YamlNode>>> YamlNode::Map() const {
  if (!IsMap()) return Unwanted("a map");
  std::vector<std::pair<std::string, YamlNode>> entries;
  for (const Rep* child : rep_->children) entries.emplace_back(child->key, YamlNode(document_, child));
  return entries;
}

absl::StatusOr<std::vector<YamlNode>> YamlNode::List() const {
  if (!IsList()) return Unwanted("a list");
  std::vector<YamlNode> items;
  for (const Rep* child : rep_->children) items.push_back(YamlNode(document_, child));
  return items;
}

namespace {

std::string Quoted(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return fmt::format("string \"{}\"", Printable(*text));
  return fmt::format("{} {}", TypeName(value), ToString(value));
}

}  // namespace

std::string YamlNode::Describe() const {
  switch (rep_->kind) {
    case Rep::Kind::kNull:
      return "nothing";
    case Rep::Kind::kMap:
      return "a map";
    case Rep::Kind::kList:
      return "a list";
    case Rep::Kind::kScalar:
      break;
  }
  const absl::StatusOr<Value> value = Scalar();
  return value.ok() ? Quoted(*value) : fmt::format("number {}", Printable(rep_->text));
}

absl::StatusOr<Value> YamlNode::Scalar() const {
  if (!IsScalar()) return Unwanted("a single value");
  if (!rep_->plain) return Value(rep_->text);
  absl::StatusOr<Value> value = ResolveYamlScalar(rep_->text);
  if (!value.ok())
    return Error(fmt::format("number {} is out of range; want {}", Printable(rep_->text),
                             std::string(value.status().message())));
  return value;
}

absl::StatusOr<bool> YamlNode::Bool() const {
  if (!IsScalar()) return Unwanted("true or false");
  absl::StatusOr<Value> value = Scalar();
  if (!value.ok()) return std::move(value).status();
  if (const auto* found = std::get_if<bool>(&*value)) return *found;
  return Unwanted("true or false");
}

absl::StatusOr<int64_t> YamlNode::Int() const {
  if (!IsScalar()) return Unwanted("an int");
  absl::StatusOr<Value> value = Scalar();
  if (!value.ok()) return std::move(value).status();
  if (const auto* found = std::get_if<int64_t>(&*value)) return *found;
  return Unwanted("an int");
}

absl::StatusOr<double> YamlNode::Float() const {
  if (!IsScalar()) return Unwanted("a float");
  absl::StatusOr<Value> value = Scalar();
  if (!value.ok()) return std::move(value).status();
  if (const auto* found = std::get_if<double>(&*value)) return *found;
  if (const auto* found = std::get_if<int64_t>(&*value)) return static_cast<double>(*found);
  return Unwanted("a float");
}

absl::StatusOr<std::string> YamlNode::String() const {
  if (!IsScalar()) return Unwanted("a string");
  absl::StatusOr<Value> value = Scalar();
  if (!value.ok()) return std::move(value).status();
  if (auto* found = std::get_if<std::string>(&*value)) return std::move(*found);
  return Unwanted("a string (put it in quotes)");
}

absl::StatusOr<int64_t> YamlNode::DurationMs() const {
  if (IsScalar()) {
    if (const auto milliseconds = ParseDurationMs(rep_->text)) return *milliseconds;
  }
  return Unwanted("a duration such as 250ms, 10s, 5m, 2h or 7d");
}

absl::StatusOr<YamlMapReader> YamlMapReader::Open(const YamlNode& node) {
  auto entries = node.Map();
  if (!entries.ok()) return std::move(entries).status();
  YamlMapReader reader(node);
  reader.entries_ = *std::move(entries);
  return reader;
}

const YamlNode* YamlMapReader::Find(std::string_view key) {
  asked_.emplace_back(key);
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) { return entry.first == key; });
  return found == entries_.end() ? nullptr : &found->second;
}

absl::StatusOr<YamlNode> YamlMapReader::Require(std::string_view key) {
  if (const YamlNode* node = Find(key)) return *node;
  return node_.Error(fmt::format("the key \"{}\" is missing", key));
}

absl::Status YamlMapReader::Finish() const {
  for (const auto& [key, node] : entries_) {
    if (std::find(asked_.begin(), asked_.end(), key) != asked_.end()) continue;
    if (const std::string_view closest = ClosestName(key, asked_); !closest.empty()) {
      return node.Error(fmt::format("unknown key; did you mean \"{}\"?", closest));
    }
    return node.Error(fmt::format("unknown key; want one of {}", fmt::join(asked_, ", ")));
  }
  return absl::OkStatus();
}

}  // namespace athanor
