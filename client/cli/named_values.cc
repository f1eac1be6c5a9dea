#include "client/cli/named_values.h"

#include <fmt/format.h>

#include <set>

#include "base/status.h"
#include "base/yaml_reader.h"
#include "client/api/study_file.h"

namespace athanor::cli {

absl::StatusOr<std::vector<v1::NamedValue>> ParseNamedValues(const std::vector<std::string>& words) {
  std::vector<v1::NamedValue> values;
  std::set<std::string> names;
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return absl::InvalidArgumentError(fmt::format("\"{}\" is not of the form NAME=VALUE", word));
    }
    v1::NamedValue& value = values.emplace_back();
    value.set_name(word.substr(0, equals));
    if (!names.insert(value.name()).second) {
      return absl::InvalidArgumentError(fmt::format("\"{}\" is given twice", value.name()));
    }
    const std::string text = word.substr(equals + 1);
    absl::StatusOr<Value> scalar = absl::InvalidArgumentError("");
    if (const auto document = YamlDocument::Parse(text, ""); document.ok()) scalar = document->root().Scalar();
    if (!scalar.ok()) {
      return absl::InvalidArgumentError(
          fmt::format("\"{}\": want one value after the =, such as 3, 0.1, true or a word", word));
    }
    ToWire(*scalar, value.mutable_value());
  }
  return values;
}

}  // namespace athanor::cli
