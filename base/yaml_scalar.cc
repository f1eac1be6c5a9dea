#include "base/yaml_scalar.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <span>

namespace athanor {
namespace {

constexpr std::string_view kDigits = "0123456789";

bool ConsumePrefix(std::string_view* text, std::string_view prefix) {
  if (!text->starts_with(prefix)) return false;
  text->remove_prefix(prefix.size());
  return true;
}

// Takes the longest run of `allowed` from the front of `text`; its length.
size_t ConsumeRun(std::string_view* text, std::string_view allowed) {
  const size_t length = std::min(text->find_first_not_of(allowed), text->size());
  text->remove_prefix(length);
  return length;
}

bool LooksLikeDecimal(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of(kDigits) == std::string_view::npos;
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool LooksLikeFloat(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  size_t digits = ConsumeRun(&text, kDigits);
  if (ConsumePrefix(&text, ".")) digits += ConsumeRun(&text, kDigits);
  if (digits == 0) return false;
  if (ConsumePrefix(&text, "e") || ConsumePrefix(&text, "E")) {
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
    if (ConsumeRun(&text, kDigits) == 0) return false;
  }
  return text.empty();
}

// The value of .inf, -.inf, .nan and their capitalised forms.
std::optional<double> NonFinite(std::string_view text) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (text == ".nan" || text == ".NaN" || text == ".NAN") return std::numeric_limits<double>::quiet_NaN();
  const double sign = ConsumePrefix(&text, "-") ? -1 : 1;
  if (sign > 0) ConsumePrefix(&text, "+");
  if (text == ".inf" || text == ".Inf" || text == ".INF") return sign * kInfinity;
  return std::nullopt;
}

// The number that all of `text` spells, nothing if it is none or does not fit.
template <typename Number, typename... Format>
std::optional<Number> FromChars(std::string_view text, Format... format) {
  ConsumePrefix(&text, "+");  // from_chars takes none
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, format...);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

constexpr const char* kIntRange = "an int from -9223372036854775808 to 9223372036854775807";

struct Unit {
  std::string_view suffix;
  int64_t factor;
};

// A whole number with one of `units` behind it.
std::optional<int64_t> ParseWithUnit(std::string_view text, std::span<const Unit> units) {
  std::string_view suffix = text;
  const size_t digits = ConsumeRun(&suffix, kDigits);
  const auto number = FromChars<int64_t>(text.substr(0, digits), 10);
  if (!number) return std::nullopt;
  for (const Unit& unit : units) {
    if (suffix != unit.suffix) continue;
    if (*number > std::numeric_limits<int64_t>::max() / unit.factor) return std::nullopt;
    return *number * unit.factor;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<Value> ResolveYamlScalar(const std::string& text) {
  if (text == "true" || text == "True" || text == "TRUE") return Value(true);
  if (text == "false" || text == "False" || text == "FALSE") return Value(false);
  const bool hexadecimal = text.starts_with("0x");
  if (hexadecimal || text.starts_with("0o")) {
    const std::string_view digits = std::string_view(text).substr(2);
    const std::string_view allowed = hexadecimal ? "0123456789abcdefABCDEF" : "01234567";
    if (digits.empty() || digits.find_first_not_of(allowed) != std::string_view::npos) return Value(text);
    if (const auto number = FromChars<int64_t>(digits, hexadecimal ? 16 : 8)) return Value(*number);
    return absl::InvalidArgumentError(kIntRange);
  }
  if (LooksLikeDecimal(text)) {
    if (const auto number = FromChars<int64_t>(text, 10)) return Value(*number);
    return absl::InvalidArgumentError(kIntRange);
  }
  if (const auto number = NonFinite(text)) return Value(*number);
  if (LooksLikeFloat(text)) {
    if (const auto number = FromChars<double>(text)) return Value(*number);
    return absl::InvalidArgumentError("a float from 2.2e-308 to 1.8e308 in size, or .inf");
  }
  return Value(text);
}

std::optional<int64_t> ParseDurationMs(std::string_view text) {
  static constexpr Unit kUnits[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  if (text.find_first_not_of('0') == std::string_view::npos && !text.empty()) return 0;
  return ParseWithUnit(text, kUnits);
}

std::optional<int64_t> ParseByteCount(std::string_view text) {
  static constexpr Unit kUnits[] = {{"", 1},
                                    {"KiB", int64_t{1} << 10},
                                    {"MiB", int64_t{1} << 20},
                                    {"GiB", int64_t{1} << 30},
                                    {"TiB", int64_t{1} << 40}};
  return ParseWithUnit(text, kUnits);
}

}  // namespace athanor
