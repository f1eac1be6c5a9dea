#include "server/simulate/recorded_folder.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/simulate/space_file.h"

namespace athanor {
namespace {

// Plain text is read as it is.
absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (file == nullptr) return absl::InvalidArgumentError(absl::StrCat(path, ": cannot be opened"));
  std::string text;
  std::array<char, 1 << 16> buffer;
  for (;;) {
    const int read = gzread(file.get(), buffer.data(), buffer.size());
    if (read < 0) return absl::InvalidArgumentError(absl::StrCat(path, ": cannot be read, or is no gzip file"));
    if (read == 0) return text;
    text.append(buffer.data(), static_cast<size_t>(read));
  }
}

template <typename T>
std::optional<T> Parse(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The records of a CSV text, one after the other.
class CsvReader {
 public:
  CsvReader(std::string path, std::string_view text) : path_(std::move(path)), rest_(text) {}

  // False at the end. Fields are views of the text.
  bool Next(std::vector<std::string_view>& fields) {
    if (rest_.empty()) return false;
    ++line_;
    const size_t end = std::min(rest_.find('\n'), rest_.size());
    std::string_view record = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (record.ends_with('\r')) record.remove_suffix(1);
    fields.clear();
    for (size_t comma; (comma = record.find(',')) != std::string_view::npos; record.remove_prefix(comma + 1)) {
      fields.push_back(record.substr(0, comma));
    }
    fields.push_back(record);
    return true;
  }
  absl::Status Error(const std::string& why) const {
    return absl::InvalidArgumentError(absl::StrCat(path_, ":", line_, ": ", why));
  }

 private:
  const std::string path_;
  std::string_view rest_;
  int64_t line_ = 0;
};

std::optional<Value> ParseValue(const Parameter& parameter, std::string_view text) {
  if (parameter.type == ParameterType::kInt) return Parse<int64_t>(text);
  if (parameter.type == ParameterType::kFloat) return Parse<double>(text);
  const auto found =
      std::ranges::find_if(parameter.values, [&](const Value& value) { return ToString(value) == text; });
  return found == parameter.values.end() ? std::nullopt : std::optional<Value>(*found);
}

// By column, which parameter it holds; nullopt for the first.
absl::StatusOr<std::vector<size_t>> ReadHeader(CsvReader& csv, const SearchSpace& space) {
  std::vector<std::string_view> fields;
  if (!csv.Next(fields) || fields.front() != "config" || fields.size() != space.size() + 1) {
    return csv.Error(absl::StrCat("want the columns config and ", space.size(), " parameters"));
  }
  std::vector<size_t> columns;
  for (size_t column = 1; column < fields.size(); ++column) {
    const auto parameter = space.IndexOf(fields[column]);
    if (!parameter.has_value() || std::ranges::count(columns, *parameter) > 0) {
      return csv.Error(
          absl::StrCat("column \"", std::string(fields[column]), "\" is no parameter of space.yaml, or comes twice"));
    }
    columns.push_back(*parameter);
  }
  return columns;
}

absl::StatusOr<std::vector<RecordedRun>> ReadConfigurations(const std::string& path, const SearchSpace& space) {
  ATHANOR_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  CsvReader csv(path, text);
  ATHANOR_ASSIGN_OR_RETURN(const std::vector<size_t> columns, ReadHeader(csv, space));
  std::vector<RecordedRun> runs;
  std::vector<std::string_view> fields;
  while (csv.Next(fields)) {
    if (fields.size() != columns.size() + 1) return csv.Error(absl::StrCat("has ", fields.size(), " fields"));
    if (Parse<size_t>(fields.front()) != runs.size()) return csv.Error(absl::StrCat("want config ", runs.size()));
    Configuration configuration(space.size());
    for (size_t i = 0; i < columns.size(); ++i) {
      const std::string_view field = fields[i + 1];
      if (field.empty()) continue;
      const Parameter& parameter = space.parameters()[columns[i]];
      configuration[columns[i]] = ParseValue(parameter, field);
      if (!configuration[columns[i]].has_value()) {
        return csv.Error(absl::StrCat("\"", std::string(field), "\" is no value of ", parameter.name));
      }
    }
    runs.push_back({std::move(configuration), {}});
  }
  return runs;
}

absl::Status ReadCurves(const std::string& path, std::vector<RecordedRun>& runs) {
  ATHANOR_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  CsvReader csv(path, text);
  std::vector<std::string_view> fields;
  if (!csv.Next(fields) || fields != std::vector<std::string_view>{"config", "step", "value", "seconds"}) {
    return csv.Error("want the columns config,step,value,seconds");
  }
  while (csv.Next(fields)) {
    if (fields.size() != 4) return csv.Error(absl::StrCat("has ", fields.size(), " fields; want 4"));
    const auto config = Parse<size_t>(fields[0]);
    const auto step = Parse<size_t>(fields[1]);
    const auto value = Parse<double>(fields[2]);
    const auto seconds = Parse<double>(fields[3]);
    if (!config || !step || !value || !seconds) return csv.Error("want two ints and two numbers");
    if (*config >= runs.size()) return csv.Error(absl::StrCat("config ", *config, " does not exist"));
    std::vector<RunPoint>& points = runs[*config].points;
    if (*step != points.size() + 1) {
      return csv.Error(absl::StrCat("step ", *step, " of config ", *config, " comes after step ", points.size()));
    }
    points.push_back({static_cast<int64_t>(*step), *value, *seconds});
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<RecordedTask>> ReadRecordedFolder(const std::string& path) {
  const std::string space_path = path + "/space.yaml";
  ATHANOR_ASSIGN_OR_RETURN(const std::string space_text, ReadFile(space_path));
  ATHANOR_ASSIGN_OR_RETURN(StudySpec study, ParseSpaceFile(space_text, space_path));
  ATHANOR_ASSIGN_OR_RETURN(const SearchSpace space, SearchSpace::Create(study.parameters));
  ATHANOR_ASSIGN_OR_RETURN(std::vector<RecordedRun> runs, ReadConfigurations(path + "/configs.csv.gz", space));
  ATHANOR_RETURN_IF_ERROR(ReadCurves(path + "/curves.csv.gz", runs));
  auto task = RecordedTask::Create(std::move(study), std::move(runs));
  if (!task.ok()) return absl::InvalidArgumentError(absl::StrCat(path, ": ", std::string(task.status().message())));
  return task;
}

}  // namespace athanor
