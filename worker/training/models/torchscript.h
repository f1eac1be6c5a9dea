// A Model over a TorchScript module. Includes LibTorch's headers of TorchScript: for the files that read and write it.
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <filesystem>
#include <string>
#include <vector>

#include "worker/training/models/model.h"

namespace athanor::training {

// The sizes of a batch of inputs (data/dataset.h).
std::vector<int64_t> InputSizes(const Shape& shape, int64_t batch);

// Reads a module onto the CPU. Throws DataError, naming the file and the cause, if it is missing or no TorchScript
// module.
torch::jit::Module ReadTorchScript(const std::filesystem::path& path);

// The module's graphs run as they are written, without the optimisations that LibTorch makes after it has watched some
// runs: results would then depend on how many there were, and a trial that was interrupted would not be the one that
// was not.
class TorchScriptModel final : public Model {
 public:
  // outputs: what a batch is answered by, numbers an example; names the head, see HeadPrefix.
  TorchScriptModel(torch::jit::Module module, int64_t outputs) : module_(std::move(module)), outputs_(outputs) {}

  at::Tensor Forward(const at::Tensor& inputs) override;
  void SetMode(Mode mode) override;
  void MoveTo(const at::Device& device) override { module_.to(device); }
  // Those that require gradients; a tensor with several names has its first.
  std::vector<NamedTensor> Parameters() override;
  // The others, and buffers.
  std::vector<NamedTensor> Buffers() override;
  // The child that owns the last parameter, if that parameter has `outputs` rows; else empty.
  std::string HeadPrefix() const override;

  const torch::jit::Module& module() const { return module_; }

 private:
  torch::jit::Module module_;
  int64_t outputs_;
};

}  // namespace athanor::training
