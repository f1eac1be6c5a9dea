// What a verb answers, in the four forms of --output, and --quiet.
#pragma once

#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <vector>

namespace athanor::cli {

// Keys keep the order in which they were set. Doubles may be NaN or infinite here.
using Json = nlohmann::ordered_json;

enum class OutputFormat { kTable, kJson, kYaml, kCsv };

struct Answer {
  Json data;                     // an object, or a list of objects
  std::string text;              // for people; ends with a newline unless empty
  std::vector<std::string> ids;  // for --quiet, a line each
};

// Indented JSON and a newline. Non-finite numbers are the strings "NaN", "Infinity" and "-Infinity", as protobuf has
// them.
std::string ToJsonText(const Json& data);
// The same on one line.
std::string ToJsonLine(const Json& data);

// Block YAML 1.2, which study files are read as, too. Non-finite numbers are .nan, .inf and -.inf.
std::string ToYamlText(const Json& data);

// RFC 4180 with a header: one record an object, nested objects flattened to "outer.inner", columns in order of first
// appearance, what an object lacks empty. Lists are JSON in their cell. Non-finite numbers are nan, inf and -inf.
std::string ToCsvText(const Json& data);

// Writes `answer` as the format wants it. Returns false if `out` did not take it all (a full disk, a closed pipe).
bool Print(const Answer& answer, OutputFormat format, bool quiet, std::ostream& out);

}  // namespace athanor::cli
