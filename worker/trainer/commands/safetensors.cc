#include "worker/trainer/commands/safetensors.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace athanor {
namespace {

constexpr size_t kAlignment = 8;  // of the first element, as the format's own writer has it

}  // namespace

void WriteSafetensors(std::ostream& out, const std::vector<training::NamedTensor>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  nlohmann::json header = {{"__metadata__", metadata}};
  std::vector<at::Tensor> local;
  size_t end = 0;
  for (const training::NamedTensor& tensor : tensors) {
    local.push_back(tensor.tensor.detach().to(at::kCPU).contiguous());
    const at::Tensor& values = local.back();
    if (values.scalar_type() != at::kFloat && values.scalar_type() != at::kLong) {
      throw std::runtime_error("tensor " + tensor.name + " is neither float32 nor int64");
    }
    const size_t start = end;
    end += values.nbytes();
    header[tensor.name] = {{"dtype", values.scalar_type() == at::kFloat ? "F32" : "I64"},
                           {"shape", values.sizes().vec()},
                           {"data_offsets", {start, end}}};
  }
  std::string text = header.dump();
  text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  const uint64_t length = text.size();
  out.write(reinterpret_cast<const char*>(&length), sizeof length);  // little-endian, as checkpoints ask of the machine
  out << text;
  for (const at::Tensor& values : local) {
    out.write(static_cast<const char*>(values.data_ptr()), static_cast<std::streamsize>(values.nbytes()));
  }
}

}  // namespace athanor
