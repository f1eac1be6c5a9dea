#include "worker/training/tasks/sample_inputs.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "worker/training/tasks/csv.h"

namespace athanor::training {
namespace {

constexpr char kGrey = '\x80';
constexpr size_t kMaxHeaderBytes = 64;

at::Tensor OnCpu(const at::Tensor& tensor, int64_t rows) {
  return tensor.narrow(0, 0, rows).to(at::kCPU, at::kFloat).contiguous();
}

// Images in rows and columns of cells, each with a line of grey below and to the right of it.
struct Sheet {
  int64_t images = 0;
  int64_t columns = 0;
  int64_t rows = 0;
  int64_t width = 0;   // pixels
  int64_t height = 0;  // pixels
};

Sheet LayOut(int64_t images, const Shape& shape) {
  const auto columns = static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(images))));
  const int64_t rows = (images + columns - 1) / columns;
  return {.images = images,
          .columns = columns,
          .rows = rows,
          .width = columns * (shape.width + 1),
          .height = rows * (shape.height + 1)};
}

char Pixel(double value, double mean, double stddev) {
  const double pixel = 255 * (value * stddev + mean);
  return static_cast<char>(static_cast<unsigned char>(pixel > 0 ? std::min(pixel, 255.0) + 0.5 : 0));
}

// values: float32 [images, channels, height, width].
std::string Draw(const at::Tensor& values, const Sheet& sheet, int64_t planes, const Shape& shape,
                 const Normalization& normalization) {
  std::string pixels(static_cast<size_t>(sheet.width * sheet.height * planes), kGrey);
  const auto* value = values.data_ptr<float>();
  for (int64_t image = 0; image < sheet.images; ++image) {
    const int64_t top = image / sheet.columns * (shape.height + 1);
    const int64_t left = image % sheet.columns * (shape.width + 1);
    for (int64_t plane = 0; plane < planes; ++plane) {
      const double mean = normalization.mean[static_cast<size_t>(plane)];
      const double stddev = normalization.stddev[static_cast<size_t>(plane)];
      const float* source = value + (image * shape.channels + plane) * shape.height * shape.width;
      for (int64_t y = 0; y < shape.height; ++y) {
        for (int64_t x = 0; x < shape.width; ++x) {
          const int64_t place = ((top + y) * sheet.width + left + x) * planes + plane;
          pixels[static_cast<size_t>(place)] = Pixel(source[y * shape.width + x], mean, stddev);
        }
      }
    }
  }
  return pixels;
}

// Nothing if not even one image fits.
std::vector<ReportFile> ContactSheet(const at::Tensor& inputs, int64_t count, const Shape& shape,
                                     const Normalization& normalization) {
  const int64_t planes = shape.channels == 3 ? 3 : 1;
  const auto too_large = [&](const Sheet& sheet) {
    return static_cast<size_t>(sheet.width * sheet.height * planes) + kMaxHeaderBytes > kMaxReportBytes;
  };
  while (count > 0 && too_large(LayOut(count, shape))) --count;
  if (count == 0) return {};
  const Sheet sheet = LayOut(count, shape);
  const std::string header = std::string(planes == 3 ? "P6" : "P5") + "\n" + std::to_string(sheet.width) + " " +
                             std::to_string(sheet.height) + "\n255\n";
  return {{.name = planes == 3 ? "inputs.ppm" : "inputs.pgm",
           .contents = header + Draw(OnCpu(inputs, count), sheet, planes, shape, normalization)}};
}

std::string PlainName(const std::vector<std::string>& names, int64_t index) {
  const bool known = index >= 0 && index < static_cast<int64_t>(names.size());
  return known ? names[static_cast<size_t>(index)] : std::to_string(index);
}

std::string NameOf(const std::vector<std::string>& names, int64_t index) { return CsvText(PlainName(names, index)); }

// One column of the table, its name and its cells.
struct Column {
  std::string name;
  std::vector<std::string> cells;
};

// Of numbers [rows] that times stddev plus mean are in the file's unit.
Column NumberColumn(std::string name, const at::Tensor& numbers, double mean, double stddev) {
  Column column = {.name = std::move(name), .cells = {}};
  const at::Tensor values = numbers.to(at::kDouble).mul(stddev).add(mean).contiguous();
  const auto* value = values.data_ptr<double>();
  for (int64_t row = 0; row < values.numel(); ++row) column.cells.push_back(CsvNumber(value[row]));
  return column;
}

Column NameColumn(std::string name, const at::Tensor& indices, const std::vector<std::string>& names) {
  Column column = {.name = std::move(name), .cells = {}};
  const at::Tensor values = indices.nan_to_num().to(at::kLong).contiguous();
  const auto* value = values.data_ptr<int64_t>();
  for (int64_t row = 0; row < values.numel(); ++row) column.cells.push_back(NameOf(names, value[row]));
  return column;
}

Column LabelColumn(std::string name, const at::Tensor& targets, const std::vector<std::string>& names) {
  Column column = {.name = std::move(name), .cells = {}};
  const auto* target = targets.data_ptr<float>();
  for (int64_t row = 0; row < targets.size(0); ++row) {
    std::string labels;
    for (int64_t label = 0; label < targets.size(1); ++label) {
      if (target[row * targets.size(1) + label] < 0.5F) continue;
      if (!labels.empty()) labels += '|';
      labels += PlainName(names, label);
    }
    column.cells.push_back(CsvText(labels));
  }
  return column;
}

double At(const std::vector<double>& values, int64_t index, double otherwise) {
  return index < static_cast<int64_t>(values.size()) ? values[static_cast<size_t>(index)] : otherwise;
}

// Of the inputs that follow the numeric columns: "colour=red", "colour=blue", ...
std::vector<std::string> OneHotNames(const Normalization& normalization) {
  std::vector<std::string> names;
  for (size_t i = 0; i < normalization.category_values.size(); ++i) {
    const size_t column = normalization.mean.size() + i;
    for (const std::string& value : normalization.category_values[i]) {
      names.push_back(normalization.columns.at(column) + "=" + value);
    }
  }
  return names;
}

void AddInputs(const at::Tensor& inputs, const Shape& shape, const Normalization& normalization,
               std::vector<Column>& columns) {
  const auto numeric = static_cast<int64_t>(normalization.mean.size());
  const std::vector<std::string> one_hot = OneHotNames(normalization);
  for (int64_t i = 0; i < shape.features; ++i) {
    columns.push_back(NumberColumn(i < numeric ? NameOf(normalization.columns, i) : NameOf(one_hot, i - numeric),
                                   inputs.select(1, i), At(normalization.mean, i, 0), At(normalization.stddev, i, 1)));
  }
  for (int64_t i = 0; i < static_cast<int64_t>(shape.categories.size()); ++i) {
    columns.push_back(NameColumn(NameOf(normalization.columns, numeric + i), inputs.select(1, shape.features + i),
                                 normalization.category_values.at(static_cast<size_t>(i))));
  }
}

void AddTargets(const std::string& name, const at::Tensor& targets, TaskKind task, const Normalization& normalization,
                std::vector<Column>& columns) {
  switch (task) {
    case TaskKind::kClassification:
      columns.push_back(NameColumn(name, targets, normalization.classes));
      return;
    case TaskKind::kMultiLabel:
      columns.push_back(LabelColumn(name, targets, normalization.classes));
      return;
    case TaskKind::kRegression:
      for (int64_t i = 0; i < targets.size(1); ++i) {
        std::string column = name;
        if (targets.size(1) > 1) column.append("_").append(PlainName(normalization.classes, i));
        columns.push_back(NumberColumn(CsvText(column), targets.select(1, i), At(normalization.target_mean, i, 0),
                                       At(normalization.target_stddev, i, 1)));
      }
      return;
    case TaskKind::kReconstruction:
      return;
  }
}

ReportFile Table(const std::vector<Column>& columns, int64_t rows) {
  std::string text = "input";
  for (const Column& column : columns) AddCell(text, column.name);
  text += "\n";
  for (int64_t row = 0; row < rows; ++row) {
    text += std::to_string(row);
    for (const Column& column : columns) AddCell(text, column.cells[static_cast<size_t>(row)]);
    text += "\n";
  }
  return {.name = "inputs.csv", .contents = std::move(text)};
}

}  // namespace

std::vector<ReportFile> SampleInputs(const Batch& batch, int64_t count, TaskKind task, const Shape& shape,
                                     const Normalization& normalization) {
  const int64_t rows = std::min(count, batch.inputs.size(0));
  std::vector<ReportFile> files;
  std::vector<Column> columns;
  if (shape.input == InputKind::kImages) {
    files = ContactSheet(batch.inputs, rows, shape, normalization);
  } else {
    AddInputs(OnCpu(batch.inputs, rows), shape, normalization, columns);
  }
  if (task != TaskKind::kReconstruction) {
    AddTargets("target", OnCpu(batch.targets, rows), task, normalization, columns);
    if (batch.other_targets.defined()) {
      AddTargets("other_target", OnCpu(batch.other_targets, rows), task, normalization, columns);
      columns.push_back({.name = "mix", .cells = std::vector(static_cast<size_t>(rows), CsvNumber(batch.mix))});
    }
  }
  const ReportFile table = Table(columns, rows);
  if (table.contents.size() <= kMaxReportBytes) files.push_back(table);
  return files;
}

}  // namespace athanor::training
