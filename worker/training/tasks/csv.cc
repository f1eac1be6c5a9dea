#include "worker/training/tasks/csv.h"

#include <charconv>

namespace athanor::training {

std::string CsvText(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string CsvNumber(double value) {
  if (value != value) return "nan";  // to_chars may write the sign of a NaN
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::general, 6).ptr;
  return {buffer, end};
}

void AddCell(std::string& line, std::string_view cell) {
  line += ',';
  line += cell;
}

}  // namespace athanor::training
