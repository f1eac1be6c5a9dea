#include "worker/training/checkpoints/description.h"

#include <charconv>
#include <string_view>
#include <vector>

#include "worker/training/errors.h"

namespace athanor::training {
namespace {

std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\') {
      escaped += "\\\\";
    } else if (c == '\n') {
      escaped += "\\n";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

void WriteNumbers(const char* key, const std::vector<double>& numbers, std::string& text) {
  if (numbers.empty()) return;
  text += key;
  for (const double number : numbers) text.append(1, ' ').append(ToString(Value(number)));
  text += "\n";
}

// The words of one line, first to last.
class LineReader {
 public:
  explicit LineReader(std::string_view line) : line_(line), rest_(line) {}

  bool AtEnd() const { return rest_.empty(); }

  std::string_view Word() {
    const size_t end = std::min(rest_.find(' '), rest_.size());
    if (end == 0) Refuse();
    const std::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return word;
  }

  template <typename Number>
  Number Read() {
    const std::string_view word = Word();
    Number number{};
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || end != word.data() + word.size()) Refuse();
    return number;
  }

  std::vector<double> Doubles() {
    std::vector<double> numbers;
    while (!AtEnd()) numbers.push_back(Read<double>());
    return numbers;
  }

  // The rest of the line.
  std::string Text() {
    std::string text;
    for (size_t i = 0; i < rest_.size(); ++i) {
      if (rest_[i] != '\\') {
        text += rest_[i];
        continue;
      }
      if (++i == rest_.size() || (rest_[i] != 'n' && rest_[i] != '\\')) Refuse();
      text += rest_[i] == 'n' ? '\n' : '\\';
    }
    rest_ = {};
    return text;
  }

  [[noreturn]] void Refuse() const {
    throw CheckpointError("section description: cannot read the line \"" + std::string(line_.substr(0, 200)) + "\"");
  }

 private:
  std::string_view line_;
  std::string_view rest_;
};

void ReadOption(LineReader& line, NamedValues& options) {
  const std::string_view type = line.Word();
  const std::string name(line.Word());
  if (type == "string") {
    options[name] = line.Text();
  } else if (type == "int") {
    options[name] = line.Read<int64_t>();
  } else if (type == "float") {
    options[name] = line.Read<double>();
  } else if (type == "bool") {
    options[name] = line.Word() == "true";
  } else {
    line.Refuse();
  }
}

void ReadInput(LineReader& line, Shape& shape) {
  const std::string_view kind = line.Word();
  if (kind == "images") {
    shape.input = InputKind::kImages;
    shape.channels = line.Read<int64_t>();
    shape.height = line.Read<int64_t>();
    shape.width = line.Read<int64_t>();
  } else if (kind == "table") {
    shape.input = InputKind::kTable;
    shape.features = line.Read<int64_t>();
    while (!line.AtEnd()) shape.categories.push_back(line.Read<int64_t>());
  } else {
    line.Refuse();
  }
}

void ReadLine(std::string_view text, ModelDescription& description) {
  LineReader line(text);
  const std::string_view key = line.Word();
  Normalization& normalization = description.normalization;
  if (key == "option") {
    ReadOption(line, description.options);
  } else if (key == "input") {
    ReadInput(line, description.shape);
  } else if (key == "outputs") {
    description.shape.outputs = line.Read<int64_t>();
  } else if (key == "mean") {
    normalization.mean = line.Doubles();
  } else if (key == "stddev") {
    normalization.stddev = line.Doubles();
  } else if (key == "target_mean") {
    normalization.target_mean = line.Doubles();
  } else if (key == "target_stddev") {
    normalization.target_stddev = line.Doubles();
  } else if (key == "class") {
    normalization.classes.push_back(line.Text());
  } else if (key == "column") {
    normalization.columns.push_back(line.Text());
  } else if (key == "category") {
    // Not by shape.categories, which one-hot columns are not in. Each column has a value, and they come in order.
    const auto column = line.Read<size_t>();
    std::vector<std::vector<std::string>>& values = normalization.category_values;
    if (column > values.size() || column >= normalization.columns.size()) line.Refuse();
    if (column == values.size()) values.emplace_back();
    values[column].push_back(line.Text());
  } else {
    line.Refuse();
  }
}

// What the lines do not say one by one. Weights that do not fit what is left are found when they are read.
void CheckComplete(const ModelDescription& description) {
  const auto& [options, shape, normalization] = description;
  const auto refuse = [](const char* what) { throw CheckpointError(std::string("section description: ") + what); };
  const bool images = shape.input == InputKind::kImages;
  if (shape.outputs < 1) refuse("want outputs above 0");
  if (images && (shape.channels < 1 || shape.height < 1 || shape.width < 1)) refuse("want images of pixels");
  if (!images && shape.features < 0) refuse("want 0 features or more");
  if (normalization.mean.size() != normalization.stddev.size()) refuse("want as many mean as stddev");
  if (images && std::ssize(normalization.mean) != shape.channels) refuse("want a mean a channel");
  if (normalization.columns.size() < normalization.mean.size() && !images) refuse("want a column a mean");
  if (normalization.target_mean.size() != normalization.target_stddev.size()) {
    refuse("want as many target_mean as target_stddev");
  }
}

}  // namespace

std::string WriteDescription(const ModelDescription& description) {
  const auto& [options, shape, normalization] = description;
  std::string text;
  for (const auto& [name, value] : options) {
    text += std::string("option ") + TypeName(value) + " " + name + " " + Escaped(ToString(value)) + "\n";
  }
  if (shape.input == InputKind::kImages) {
    text += "input images " + std::to_string(shape.channels) + " " + std::to_string(shape.height) + " " +
            std::to_string(shape.width) + "\n";
  } else {
    text += "input table " + std::to_string(shape.features);
    for (const int64_t size : shape.categories) text.append(1, ' ').append(std::to_string(size));
    text += "\n";
  }
  text += "outputs " + std::to_string(shape.outputs) + "\n";
  WriteNumbers("mean", normalization.mean, text);
  WriteNumbers("stddev", normalization.stddev, text);
  WriteNumbers("target_mean", normalization.target_mean, text);
  WriteNumbers("target_stddev", normalization.target_stddev, text);
  for (const std::string& name : normalization.classes) text += "class " + Escaped(name) + "\n";
  for (const std::string& name : normalization.columns) text += "column " + Escaped(name) + "\n";
  for (size_t column = 0; column < normalization.category_values.size(); ++column) {
    for (const std::string& value : normalization.category_values[column]) {
      text += "category " + std::to_string(column) + " " + Escaped(value) + "\n";
    }
  }
  return text;
}

ModelDescription ReadDescription(const std::string& text) {
  ModelDescription description;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) throw CheckpointError("section description: its last line is cut off");
    ReadLine(rest.substr(0, end), description);
    rest.remove_prefix(end + 1);
  }
  CheckComplete(description);
  return description;
}

}  // namespace athanor::training
