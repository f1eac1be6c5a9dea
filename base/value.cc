#include "base/value.h"

#include <charconv>
#include <cmath>

namespace athanor {
namespace {

struct ToText {
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(int64_t value) const { return std::to_string(value); }
  std::string operator()(const std::string& value) const { return value; }
  std::string operator()(double value) const {
    if (std::isnan(value)) return "nan";  // whatever its sign bit: 0.0 / 0.0 sets it on x86
    char buffer[32];
    const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value).ptr;
    std::string text(buffer, end);
    if (std::isfinite(value) && text.find_first_of(".e") == std::string::npos) text += ".0";
    return text;
  }
};

}  // namespace

std::string ToString(const Value& value) { return std::visit(ToText{}, value); }

const char* TypeName(const Value& value) {
  static constexpr const char* kNames[] = {"bool", "int", "float", "string"};
  return kNames[value.index()];
}

}  // namespace athanor
