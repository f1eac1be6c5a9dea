#include "worker/training/data/csv_table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "worker/training/data/csv_file.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

constexpr int64_t kHeartbeatRows = 16;  // which may be of a million cells
// A target with more different values is hardly a class.
constexpr size_t kMaxClasses = 10000;

constexpr size_t kShownCharacters = 40;  // of a cell, in an error
constexpr double kLargest = std::numeric_limits<float>::max();

using Codes = std::map<std::string, int64_t, std::less<>>;

// A number that is finite as a float too, with nothing but blanks around it.
std::optional<double> Number(std::string_view text) {
  const size_t start = text.find_first_not_of(" \t");
  if (start == std::string_view::npos) return std::nullopt;
  text = text.substr(start, text.find_last_not_of(" \t") + 1 - start);
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !(std::abs(number) <= kLargest)) return std::nullopt;
  return number;
}

bool Missing(const std::string& cell) { return cell.find_first_not_of(" \t") == std::string::npos; }

// For an error.
std::string Quoted(const std::string& cell) {
  return std::string(1, '\'').append(cell, 0, kShownCharacters).append(1, '\'');
}

double NumberAt(const CsvReader& reader, size_t column) {
  const std::string& cell = reader.cells()[column];
  if (const std::optional<double> number = Number(cell)) return *number;
  reader.Refuse(column, Missing(cell) ? std::string("a missing cell in a column of numbers")
                                      : Quoted(cell) + " in a column of numbers");
}

std::vector<std::string> SplitNames(const std::string& text) {
  std::vector<std::string> names;
  for (size_t start = 0; start <= text.size();) {
    const size_t comma = std::min(text.find(',', start), text.size());
    size_t first = start, last = comma;
    while (first < last && text[first] == ' ') ++first;
    while (last > first && text[last - 1] == ' ') --last;
    if (last > first) names.push_back(text.substr(first, last - first));
    start = comma + 1;
  }
  return names;
}

std::string Listed(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) {
    if (list.size() > 200) return list + ", ...";
    list += (list.empty() ? "" : ", ") + name;
  }
  return list;
}

std::optional<size_t> IndexOf(const std::vector<std::string>& names, const std::string& name) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<size_t>(found - names.begin());
}

// What the first pass learns of one column.
struct ColumnFacts {
  enum class Kind { kUnknown, kNumeric, kText };
  Kind kind = Kind::kUnknown;
  bool target = false;
  std::set<std::string, std::less<>> texts;  // kText and classes
  int64_t missing_line = 0;                  // of the first missing cell while the kind is unknown; 0 = none
  int64_t first_line = 0;                    // of the first cell that is not missing
  std::string first;                         // that cell
  int64_t cells = 0;                         // that are not missing
  int64_t numbers = 0;                       // among them, where the first is none

  void Look(const CsvReader& reader, size_t column) {
    const std::string& cell = reader.cells()[column];
    if (Missing(cell)) {
      if (kind == Kind::kUnknown && missing_line == 0) missing_line = reader.line();
      return;
    }
    if (kind == Kind::kUnknown) kind = Number(cell) ? Kind::kNumeric : Kind::kText;
    if (cells++ == 0) {
      first_line = reader.line();
      first = cell;
    }
    if (kind == Kind::kNumeric && !Number(cell)) NumberAt(reader, column);
    if (kind != Kind::kText) return;
    if (!target && Number(cell)) ++numbers;
    if (!texts.contains(cell)) texts.insert(cell);
  }

  // Whether its first cell alone made it a column of texts: one 'NA' may not turn numbers into classes.
  bool NumbersBehindAText() const { return kind == Kind::kText && 2 * numbers > cells; }
};

std::vector<std::string> Ascending(const std::set<std::string, std::less<>>& texts) {
  std::vector<std::string> classes(texts.begin(), texts.end());
  if (std::ranges::all_of(classes, [](const std::string& text) { return Number(text).has_value(); })) {
    std::ranges::stable_sort(classes, {}, [](const std::string& text) { return *Number(text); });
  }
  return classes;
}

// Marks the target columns; their names are in `columns`.
void FindTargets(const CsvReader& reader, const std::string& target, TableColumns& columns,
                 std::vector<ColumnFacts>& facts) {
  // A name with a comma in it is found as a whole.
  columns.targets = IndexOf(reader.columns(), target) ? std::vector<std::string>{target} : SplitNames(target);
  if (columns.targets.empty()) throw InfeasibleError("target names no column");
  for (size_t i = 0; i < columns.targets.size(); ++i) {
    if (*IndexOf(columns.targets, columns.targets[i]) < i) {
      throw InfeasibleError("target " + target + " names column " + columns.targets[i] + " twice");
    }
  }
  if (columns.task == TaskKind::kClassification && columns.targets.size() > 1) {
    throw InfeasibleError("target " + target + ": task: classification takes one column");
  }
  for (const std::string& name : columns.targets) {
    const std::optional<size_t> index = IndexOf(reader.columns(), name);
    if (index) {
      facts[*index].target = true;
    } else if (columns.task != TaskKind::kReconstruction) {
      throw InfeasibleError("target " + name + " is no column of the training file; it has " +
                            Listed(reader.columns()));
    }
  }
  if (columns.task == TaskKind::kReconstruction) columns.targets.clear();
}

Codes CodesOf(const std::vector<std::string>& values) {
  Codes codes;
  for (size_t i = 0; i < values.size(); ++i) codes.emplace(values[i], static_cast<int64_t>(i));
  return codes;
}

// Where in a file the columns are.
class RowReader {
 public:
  RowReader(const CsvReader& reader, const std::filesystem::path& path, const TableColumns& columns)
      : reader_(reader), columns_(columns), classes_(CodesOf(columns.classes)) {
    const Codes positions = CodesOf(reader.columns());
    const auto locate = [&](const std::string& name) {
      const auto position = positions.find(name);
      if (position == positions.end()) {
        throw DataError(path.string() + ": line 1: no column " + name + "; it has " + Listed(reader.columns()));
      }
      return static_cast<size_t>(position->second);
    };
    for (const std::string& name : columns.numeric) numeric_.push_back(locate(name));
    for (const std::string& name : columns.categorical) categorical_.push_back(locate(name));
    for (const std::string& name : columns.targets) targets_.push_back(locate(name));
    for (const std::vector<std::string>& values : columns.values) codes_.push_back(CodesOf(values));
  }

  void Append(RawPart& part) const {
    for (const size_t column : numeric_) part.numbers.push_back(NumberAt(reader_, column));
    for (size_t i = 0; i < categorical_.size(); ++i) {
      const auto code = codes_[i].find(reader_.cells()[categorical_[i]]);
      part.categories.push_back(code == codes_[i].end() ? 0 : code->second);
    }
    for (const size_t column : targets_) AppendTarget(column, part);
    ++part.count;
  }

 private:
  void AppendTarget(size_t column, RawPart& part) const {
    const std::string& cell = reader_.cells()[column];
    if (columns_.task == TaskKind::kClassification) {
      if (Missing(cell)) reader_.Refuse(column, "the class is missing");
      const auto code = classes_.find(cell);
      if (code == classes_.end()) reader_.Refuse(column, "class " + Quoted(cell) + " is not in the training file");
      part.classes.push_back(code->second);
      return;
    }
    const double number = NumberAt(reader_, column);
    if (columns_.task == TaskKind::kMultiLabel && number != 0 && number != 1) {
      reader_.Refuse(column, Quoted(cell) + " is no label; want 0 or 1");
    }
    part.targets.push_back(number);
  }

  const CsvReader& reader_;
  const TableColumns& columns_;
  Codes classes_;
  std::vector<size_t> numeric_;
  std::vector<size_t> categorical_;
  std::vector<size_t> targets_;
  std::vector<Codes> codes_;
};

}  // namespace

TableColumns LearnColumns(const std::filesystem::path& path, const std::string& target, TaskKind task,
                          const LoadingHeartbeat& heartbeat) {
  CsvReader reader(path);
  TableColumns columns;
  columns.task = task;
  std::vector<ColumnFacts> facts(reader.columns().size());
  FindTargets(reader, target, columns, facts);
  for (ColumnFacts& fact : facts) {
    // Classes are texts even if they look like numbers; targets that are numbers are checked when they are read.
    if (fact.target) fact.kind = ColumnFacts::Kind::kText;
  }
  int64_t rows = 0;
  for (; reader.Next(); ++rows) {
    for (size_t i = 0; i < facts.size(); ++i) {
      if (facts[i].target && task != TaskKind::kClassification) continue;
      facts[i].Look(reader, i);
      if (facts[i].target && facts[i].texts.size() > kMaxClasses) {
        reader.Refuse(i, "more than " + std::to_string(kMaxClasses) + " classes; is this task: regression?");
      }
    }
    if (rows % kHeartbeatRows == 0) heartbeat();
  }
  if (rows == 0) throw DataError(path.string() + ": line 1: no rows behind the column names");
  for (size_t i = 0; i < facts.size(); ++i) {
    const std::string& name = reader.columns()[i];
    if (facts[i].target) {
      if (task == TaskKind::kClassification) columns.classes = Ascending(facts[i].texts);
    } else if (facts[i].kind == ColumnFacts::Kind::kNumeric) {
      if (facts[i].missing_line > 0) {
        throw DataError(path.string() + ": line " + std::to_string(facts[i].missing_line) + ": column " + name +
                        ": a missing cell in a column of numbers");
      }
      columns.numeric.push_back(name);
    } else if (facts[i].NumbersBehindAText()) {
      throw DataError(path.string() + ": line " + std::to_string(facts[i].first_line) + ": column " + name + ": " +
                      Quoted(facts[i].first) + " in a column of numbers");
    } else {
      columns.categorical.push_back(name);
      columns.values.emplace_back(1);
      columns.values.back().insert(columns.values.back().end(), facts[i].texts.begin(), facts[i].texts.end());
    }
  }
  if (columns.numeric.empty() && columns.categorical.empty()) {
    throw DataError(path.string() + ": line 1: no column but the target");
  }
  return columns;
}

RawPart ReadTable(const std::filesystem::path& path, const TableColumns& columns, int64_t max_rows,
                  const LoadingHeartbeat& heartbeat) {
  CsvReader reader(path);
  const RowReader rows(reader, path, columns);
  RawPart part;
  while ((max_rows == 0 || part.count < max_rows) && reader.Next()) {
    rows.Append(part);
    if (part.count % kHeartbeatRows == 0) heartbeat();
  }
  if (part.count == 0) throw DataError(path.string() + ": line 1: no rows behind the column names");
  return part;
}

}  // namespace athanor::training
