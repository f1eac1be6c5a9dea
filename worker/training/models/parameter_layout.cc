#include "worker/training/models/parameter_layout.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <string_view>

#include "worker/training/errors.h"

namespace athanor::training {
namespace {

struct BufferType {
  at::ScalarType type;
  const char* name;
};
constexpr BufferType kBufferTypes[] = {{at::kDouble, "float64"},    {at::kFloat, "float32"}, {at::kHalf, "float16"},
                                       {at::kBFloat16, "bfloat16"}, {at::kLong, "int64"},    {at::kInt, "int32"},
                                       {at::kShort, "int16"},       {at::kChar, "int8"},     {at::kByte, "uint8"},
                                       {at::kBool, "bool"}};

std::string Joined(at::IntArrayRef numbers) {
  if (numbers.empty()) return "-";
  std::string text;
  for (const int64_t number : numbers) {
    if (!text.empty()) text += 'x';
    text += std::to_string(number);
  }
  return text;
}

// Takes the fields of one line off its front.
class LineReader {
 public:
  LineReader(std::string_view line, int64_t number) : rest_(line), number_(number) {}

  [[noreturn]] void Fail(const std::string& reason) const {
    throw CheckpointError("section layout, line " + std::to_string(number_) + ": " + reason);
  }

  std::string_view TakeField() {
    const size_t space = rest_.find(' ');
    if (space == std::string_view::npos) Fail("ends too early");
    const std::string_view field = rest_.substr(0, space);
    rest_.remove_prefix(space + 1);
    return field;
  }

  std::string TakeName() {
    if (rest_.empty()) Fail("has no name");
    return std::string(rest_);
  }

  int64_t TakeNumber() {
    const std::string_view field = TakeField();
    const std::vector<int64_t> numbers = Numbers(field);
    if (numbers.size() != 1) Fail("want one number, not " + std::string(field));
    return numbers.front();
  }

  std::vector<int64_t> TakeNumbers() {
    const std::string_view field = TakeField();
    return field == "-" ? std::vector<int64_t>() : Numbers(field);
  }

 private:
  std::vector<int64_t> Numbers(std::string_view field) const {
    std::vector<int64_t> numbers;
    const char* at = field.data();
    const char* const end = at + field.size();
    for (;;) {
      int64_t number = 0;
      const auto [next, error] = std::from_chars(at, end, number);
      if (error != std::errc() || number < 0 || (next != end && *next != 'x')) {
        Fail("want numbers joined by x, not " + std::string(field));
      }
      numbers.push_back(number);
      if (next == end) return numbers;
      at = next + 1;
    }
  }

  std::string_view rest_;
  int64_t number_;
};

// One past the last element that a tensor of these sizes and strides reaches from `start`; at most `limit`, or -1.
int64_t EndWithin(int64_t limit, int64_t start, const std::vector<int64_t>& sizes,
                  const std::vector<int64_t>& strides) {
  int64_t end = start;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return -1;  // no parameter is empty
    int64_t reach = 0;
    if (__builtin_mul_overflow(sizes[i] - 1, strides[i], &reach) || __builtin_add_overflow(end, reach, &end)) return -1;
  }
  return end < limit ? end + 1 : -1;
}

// The number of elements, or -1 if it is above `limit`.
int64_t CountWithin(int64_t limit, const std::vector<int64_t>& sizes) {
  int64_t count = 1;
  for (const int64_t size : sizes) {
    if (__builtin_mul_overflow(count, size, &count)) return -1;
  }
  return count <= limit ? count : -1;
}

const std::string& SectionOf(const CheckpointSections& sections, const std::string& name) {
  const auto found = sections.find(name);
  if (found == sections.end()) throw CheckpointError("section " + name + " is missing");
  return found->second;
}

NamedTensor ReadParameter(LineReader& line, std::string_view elements) {
  const int64_t start = line.TakeNumber();
  const std::vector<int64_t> sizes = line.TakeNumbers();
  const std::vector<int64_t> strides = line.TakeNumbers();
  const std::string name = line.TakeName();
  const auto total = static_cast<int64_t>(elements.size() / sizeof(float));
  if (strides.size() != sizes.size()) line.Fail("sizes and strides of " + name + " are not as many");
  // A tensor larger than its section would be one whose elements overlap.
  if (EndWithin(total, start, sizes, strides) < 0 || CountWithin(total, sizes) < 0) {
    line.Fail(name + " lies outside the section parameters of " + std::to_string(total) + " elements");
  }
  // from_blob takes no constant memory; the view is only read.
  float* const first = reinterpret_cast<float*>(const_cast<char*>(elements.data())) + start;
  return {name, at::from_blob(first, sizes, strides, at::kFloat).clone()};
}

NamedTensor ReadBuffer(LineReader& line, const CheckpointSections& sections, const std::string& prefix) {
  const std::string_view type = line.TakeField();
  const std::vector<int64_t> sizes = line.TakeNumbers();
  const std::string name = line.TakeName();
  const auto* const known =
      std::ranges::find(kBufferTypes, type, [](const BufferType& one) { return std::string_view(one.name); });
  if (known == std::end(kBufferTypes)) line.Fail(std::string(type) + " is no type of a buffer");
  const at::ScalarType scalar_type = known->type;
  const std::string_view elements = SectionOf(sections, prefix + "buffer/" + name);
  const auto total = static_cast<int64_t>(elements.size() / c10::elementSize(scalar_type));
  if (CountWithin(total, sizes) != total || elements.size() % c10::elementSize(scalar_type) != 0) {
    line.Fail(name + " is not of the size of its section, " + std::to_string(elements.size()) + " bytes");
  }
  const at::Tensor tensor = at::empty(sizes, scalar_type);
  std::memcpy(tensor.data_ptr(), elements.data(), elements.size());
  return {name, tensor};
}

}  // namespace

bool CanBeSaved(const at::Tensor& buffer) {
  return buffer.layout() == at::kStrided &&
         std::ranges::find(kBufferTypes, buffer.scalar_type(), &BufferType::type) != std::end(kBufferTypes);
}

std::string WriteLayout(Model& model) {
  std::string text;
  for (const NamedTensor& parameter : model.Parameters()) {
    text += "parameter " + std::to_string(parameter.tensor.storage_offset()) + " " + Joined(parameter.tensor.sizes()) +
            " " + Joined(parameter.tensor.strides()) + " " + parameter.name + "\n";
  }
  for (const NamedTensor& buffer : model.Buffers()) {
    const char* const type = std::ranges::find(kBufferTypes, buffer.tensor.scalar_type(), &BufferType::type)->name;
    text += std::string("buffer ") + type + " " + Joined(buffer.tensor.sizes()) + " " + buffer.name + "\n";
  }
  return text;
}

std::vector<NamedTensor> TensorsOfCheckpoint(const CheckpointSections& sections) {
  const std::string_view text = SectionOf(sections, "layout");
  const bool has_best = sections.contains("best_parameters");
  const std::string prefix = has_best ? "best_" : "";
  const bool averaged = !has_best && sections.contains("average/weight_average");
  const std::string_view parameters = SectionOf(sections, averaged ? "average/weight_average" : prefix + "parameters");
  std::vector<NamedTensor> tensors;
  std::string_view rest = text;
  for (int64_t number = 1; !rest.empty(); ++number) {
    const size_t end = rest.find('\n');
    LineReader line(rest.substr(0, end), number);
    if (end == std::string_view::npos) line.Fail("does not end");
    rest.remove_prefix(end + 1);
    const std::string_view kind = line.TakeField();
    if (kind == "parameter") {
      tensors.push_back(ReadParameter(line, parameters));
    } else if (kind == "buffer") {
      tensors.push_back(ReadBuffer(line, sections, prefix));
    } else {
      line.Fail("want parameter or buffer, not " + std::string(kind));
    }
  }
  return tensors;
}

}  // namespace athanor::training
