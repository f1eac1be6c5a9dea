#include "client/cli/output.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/value.h"

namespace athanor::cli {
namespace {

bool IsNonFinite(const Json& value) { return value.is_number_float() && !std::isfinite(value.get<double>()); }

// JSON has no NaN, so the library writes null, which would lose which it was.
Json WithNamedNonFinite(const Json& value) {
  if (IsNonFinite(value)) {
    const double number = value.get<double>();
    return std::isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity";
  }
  if (!value.is_structured()) return value;
  Json copy = value.is_array() ? Json::array() : Json::object();
  for (auto it = value.begin(); it != value.end(); ++it) {
    if (value.is_array()) {
      copy.push_back(WithNamedNonFinite(*it));
    } else {
      copy[it.key()] = WithNamedNonFinite(*it);
    }
  }
  return copy;
}

// Bytes that are no UTF-8 (a damaged name) become U+FFFD instead of an exception.
std::string Dump(const Json& value, int indent = -1) {
  return WithNamedNonFinite(value).dump(indent, ' ', false, Json::error_handler_t::replace);
}

// Text that every YAML reader takes for a string without quotes.
bool IsPlainWord(const std::string& text) {
  static constexpr std::string_view kReserved[] = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
  std::string lower;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool later = (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
    if (!letter && (!later || lower.empty())) return false;
    lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return !lower.empty() && std::find(std::begin(kReserved), std::end(kReserved), lower) == std::end(kReserved);
}

std::string YamlScalar(const Json& value) {
  if (value.is_number_float()) {
    const double number = value.get<double>();
    if (std::isnan(number)) return ".nan";
    if (std::isinf(number)) return number > 0 ? ".inf" : "-.inf";
    return ToString(Value(number));
  }
  if (value.is_string() && IsPlainWord(value.get_ref<const std::string&>())) return value.get<std::string>();
  return Dump(value);  // JSON's scalars are YAML's
}

void AppendYaml(const Json& value, size_t indent, std::string* out);

// What follows "key:" or "-".
void AppendYamlValue(const Json& value, size_t indent, std::string* out) {
  if (value.is_structured() && !value.empty()) {
    *out += '\n';
    AppendYaml(value, indent, out);
  } else {
    *out += ' ';
    *out += value.is_structured() ? (value.is_array() ? "[]" : "{}") : YamlScalar(value);
    *out += '\n';
  }
}

// A list or an object that is not empty, each entry on lines of its own.
void AppendYaml(const Json& value, size_t indent, std::string* out) {
  for (auto it = value.begin(); it != value.end(); ++it) {
    if (value.is_object()) {
      *out += std::string(indent, ' ') + YamlScalar(Json(it.key())) + ":";
      AppendYamlValue(*it, indent + 2, out);
      continue;
    }
    const size_t start = out->size();
    if (it->is_structured() && !it->empty()) {
      AppendYaml(*it, indent + 2, out);
      (*out)[start + indent] = '-';  // the first line of the item is indented by two more
    } else {
      *out += std::string(indent, ' ') + "-";
      AppendYamlValue(*it, indent, out);
    }
  }
}

std::string CsvCell(const Json& value) {
  std::string text;
  if (value.is_null()) return text;
  if (value.is_string()) {
    text = value.get<std::string>();
  } else if (value.is_number_float()) {
    text = ToString(Value(value.get<double>()));
  } else {
    text = Dump(value);
  }
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

using Record = std::unordered_map<std::string, const Json*>;

// Puts the leaves of `object` into `record` and names not seen before into `columns`.
void Flatten(const Json& object, const std::string& prefix, Record* record, std::vector<std::string>* columns,
             std::unordered_map<std::string, size_t>* seen) {
  for (auto it = object.begin(); it != object.end(); ++it) {
    const std::string name = prefix + it.key();
    if (it->is_object()) {
      Flatten(*it, name + ".", record, columns, seen);
      continue;
    }
    if (seen->emplace(name, columns->size()).second) columns->push_back(name);
    (*record)[name] = &*it;
  }
}

}  // namespace

std::string ToJsonText(const Json& data) { return Dump(data, 2) + "\n"; }

std::string ToJsonLine(const Json& data) { return Dump(data) + "\n"; }

std::string ToYamlText(const Json& data) {
  if (!data.is_structured()) return YamlScalar(data) + "\n";
  if (data.empty()) return data.is_array() ? "[]\n" : "{}\n";
  std::string out;
  AppendYaml(data, 0, &out);
  return out;
}

std::string ToCsvText(const Json& data) {
  const Json list = data.is_array() ? data : Json::array({data});
  std::vector<Record> records;
  std::vector<std::string> columns;
  std::unordered_map<std::string, size_t> seen;
  for (const Json& object : list) Flatten(object, "", &records.emplace_back(), &columns, &seen);
  if (columns.empty()) return "";

  std::string out;
  const auto end_cell = [&](size_t column) { out += column + 1 < columns.size() ? "," : "\r\n"; };
  for (size_t i = 0; i < columns.size(); ++i) {
    out += CsvCell(Json(columns[i]));
    end_cell(i);
  }
  for (const Record& record : records) {
    for (size_t i = 0; i < columns.size(); ++i) {
      if (const auto cell = record.find(columns[i]); cell != record.end()) out += CsvCell(*cell->second);
      end_cell(i);
    }
  }
  return out;
}

bool Print(const Answer& answer, OutputFormat format, bool quiet, std::ostream& out) {
  if (quiet) {
    for (const std::string& id : answer.ids) out << id << '\n';
  } else {
    switch (format) {
      case OutputFormat::kTable:
        out << answer.text;
        break;
      case OutputFormat::kJson:
        out << ToJsonText(answer.data);
        break;
      case OutputFormat::kYaml:
        out << ToYamlText(answer.data);
        break;
      case OutputFormat::kCsv:
        out << ToCsvText(answer.data);
        break;
    }
  }
  out.flush();
  return out.good();
}

}  // namespace athanor::cli
