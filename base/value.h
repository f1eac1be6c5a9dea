// One value of a hyperparameter or a trainer option, with its type kept: 1, 1.0 and "1" differ.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>

namespace athanor {

using Value = std::variant<bool, int64_t, double, std::string>;

// "true", "32", "0.1" (shortest text that reads back to the same double, always with '.', 'e', "inf" or "nan"), "sgd".
std::string ToString(const Value& value);

// "bool", "int", "float" or "string".
const char* TypeName(const Value& value);

// Trainer options by name, or the parameters of a configuration by name.
using NamedValues = std::map<std::string, Value>;

}  // namespace athanor
