#include "worker/training/data/inputs.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <fstream>

#include "worker/training/data/csv_file.h"
#include "worker/training/data/csv_table.h"
#include "worker/training/data/idx_file.h"
#include "worker/training/data/image_list.h"
#include "worker/training/data/open_file.h"
#include "worker/training/data/prepare.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

// What PNG and JPEG files do not begin with: two zero bytes of an IDX file, or gzip's mark.
bool LooksLikeIdx(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return false;
  std::ifstream in = OpenDataFile(path);
  char start[2] = {1, 1};
  in.read(start, sizeof(start));
  return (start[0] == 0 && start[1] == 0) || (start[0] == '\x1f' && start[1] == '\x8b');
}

at::Tensor PixelTensor(const std::vector<uint8_t>& pixels, const Shape& shape) {
  const int64_t count = std::ssize(pixels) / (shape.channels * shape.height * shape.width);
  at::Tensor tensor = at::empty({count, shape.channels, shape.height, shape.width}, at::kByte);
  std::ranges::copy(pixels, tensor.data_ptr<uint8_t>());
  return tensor;
}

at::Tensor ReadIdx(const std::filesystem::path& path, const Shape& shape, std::vector<std::string>& names,
                   const LoadingHeartbeat& heartbeat) {
  IdxReader reader(path, 3);
  const ImageSize size = {.channels = 1, .height = reader.dimensions()[1], .width = reader.dimensions()[2]};
  if (!PlausibleImage(1, size.height, size.width)) {
    reader.Refuse("images of " + std::to_string(size.height) + " x " + std::to_string(size.width) + " pixels");
  }
  const Resizer resizer(size.height, size.width, shape.height, shape.width);
  std::vector<uint8_t> image(static_cast<size_t>(size.bytes()));
  std::vector<uint8_t> resized(static_cast<size_t>(shape.height * shape.width));
  std::vector<uint8_t> pixels;
  for (int64_t i = 0; i < reader.dimensions()[0]; ++i) {
    reader.Read(image.data(), image.size());
    resizer.Apply(image.data(), 1, resized.data());
    for (int64_t channel = 0; channel < shape.channels; ++channel) {
      pixels.insert(pixels.end(), resized.begin(), resized.end());
    }
    names.push_back(std::to_string(i));
    if (i % kHeartbeatImages == 0) heartbeat();
  }
  reader.ExpectEnd();
  return PixelTensor(pixels, shape);
}

at::Tensor ReadImageFiles(const std::filesystem::path& path, const Shape& shape, int threads,
                          std::vector<std::string>& names, const LoadingHeartbeat& heartbeat) {
  std::vector<std::filesystem::path> files = {path};
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    files = ListImages(path);
    if (files.empty()) throw DataError(path.string() + ": no image in the folder");
    for (const std::filesystem::path& file : files) names.push_back(file.lexically_relative(path).string());
  } else {
    names.push_back(path.filename().string());
  }
  std::vector<DecodedImage> images = ReadImages(files, shape.height, shape.width, threads, heartbeat);
  return PixelTensor(StackImages(images, shape.channels), shape);
}

at::Tensor ReadRows(const std::filesystem::path& path, const Shape& shape, const Normalization& normalization,
                    std::vector<std::string>& names, const LoadingHeartbeat& heartbeat) {
  const auto categorical = normalization.columns.end() - std::ssize(normalization.category_values);
  TableColumns columns;
  columns.numeric.assign(normalization.columns.begin(), categorical);
  columns.categorical.assign(categorical, normalization.columns.end());
  columns.values = normalization.category_values;
  const RawPart part = ReadTable(path, columns, 0, heartbeat);
  // Rows have passed once; now their lines, which differ by more than one where a cell has lines of its own.
  for (CsvReader reader(path); reader.Next();) names.push_back(std::to_string(reader.line()));
  return EncodeTable(part, shape, normalization);
}

}  // namespace

Inputs ReadInputs(const std::filesystem::path& path, const Shape& shape, const Normalization& normalization,
                  const at::Device& device, int threads, const LoadingHeartbeat& heartbeat) {
  Inputs inputs;
  Dataset& dataset = inputs.dataset;
  dataset.shape = shape;
  dataset.normalization = normalization;
  if (shape.input == InputKind::kTable) {
    dataset.test.inputs = ReadRows(path, shape, normalization, inputs.names, heartbeat);
  } else if (LooksLikeIdx(path)) {
    dataset.test.inputs = ReadIdx(path, shape, inputs.names, heartbeat);
  } else {
    dataset.test.inputs = ReadImageFiles(path, shape, threads, inputs.names, heartbeat);
  }
  dataset.test.targets = at::zeros({dataset.test.count()}, at::kLong);
  MakePixelScaling(dataset, device);
  return inputs;
}

}  // namespace athanor::training
