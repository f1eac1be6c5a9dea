#include "worker/training/models/torchscript.h"

#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <fstream>
#include <set>

#include "worker/training/errors.h"
#include "worker/training/models/architectures.h"
#include "worker/training/models/parameter_layout.h"
#include "worker/training/models/torchscript_file.h"

namespace athanor::training {
namespace {

// LibTorch's messages go on with the frames of its stack.
std::string FirstLines(const std::exception& error) {
  const auto* const torch_error = dynamic_cast<const c10::Error*>(&error);
  const std::string text = torch_error == nullptr ? error.what() : torch_error->what_without_backtrace();
  std::string line = text.substr(0, 600);
  for (char& c : line) {
    if (c == '\n') c = ' ';
  }
  return line;
}

std::string Text(at::IntArrayRef sizes) {
  std::string text;
  for (const int64_t size : sizes) {
    if (!text.empty()) text += " x ";
    text += std::to_string(size);
  }
  return "[" + text + "]";
}

// Every tensor of the module once, parameters before buffers.
std::vector<NamedTensor> AllTensors(const torch::jit::Module& module) {
  std::vector<NamedTensor> tensors;
  std::set<const c10::TensorImpl*> seen;
  const auto add = [&](const std::string& name, const at::Tensor& tensor) {
    if (tensor.defined() && seen.insert(tensor.unsafeGetTensorImpl()).second) tensors.push_back({name, tensor});
  };
  for (const auto& named : module.named_parameters()) add(named.name, named.value);
  for (const auto& named : module.named_buffers()) add(named.name, named.value);
  return tensors;
}

void CheckParameters(TorchScriptModel& model, const std::string& path) {
  const std::vector<NamedTensor> parameters = model.Parameters();
  if (parameters.empty()) throw InfeasibleError("model_file " + path + ": has no parameters to train");
  for (const NamedTensor& parameter : parameters) {
    if (parameter.tensor.scalar_type() == at::kFloat && parameter.tensor.layout() == at::kStrided) continue;
    throw InfeasibleError("model_file " + path + ": parameter " + parameter.name + " is " +
                          c10::toString(parameter.tensor.scalar_type()) + "; want dense float32");
  }
  for (const NamedTensor& buffer : model.Buffers()) {
    if (CanBeSaved(buffer.tensor)) continue;
    throw InfeasibleError("model_file " + path + ": buffer " + buffer.name + " is " +
                          c10::toString(buffer.tensor.scalar_type()) + ", which a checkpoint cannot hold");
  }
}

void CheckOutput(TorchScriptModel& model, const ModelSpec& spec) {
  constexpr int64_t kBatch = 2;  // one would hide a batch that is taken for something else
  const std::vector<int64_t> inputs = InputSizes(spec.shape, kBatch);
  const std::vector<int64_t> wanted =
      spec.task == TaskKind::kReconstruction ? inputs : std::vector<int64_t>{kBatch, spec.shape.outputs};
  const std::string what =
      "model_file " + spec.options.model_file + ": for inputs of " + Text(inputs) + " want outputs of " + Text(wanted);
  at::Tensor outputs;
  try {
    const c10::NoGradGuard no_grad;
    model.SetMode(Mode::kEvaluation);
    outputs = model.Forward(at::zeros(inputs));
  } catch (const InfeasibleError&) {
    throw;
  } catch (const std::exception& error) {
    throw InfeasibleError(what + "; the module fails: " + FirstLines(error));
  }
  if (outputs.sizes() != wanted) throw InfeasibleError(what + ", not " + Text(outputs.sizes()));
  if (outputs.scalar_type() != at::kFloat) {
    throw InfeasibleError(what + " in float32, not " + c10::toString(outputs.scalar_type()));
  }
}

}  // namespace

std::vector<int64_t> InputSizes(const Shape& shape, int64_t batch) {
  if (shape.input == InputKind::kImages) return {batch, shape.channels, shape.height, shape.width};
  return {batch, shape.features + static_cast<int64_t>(shape.categories.size())};
}

torch::jit::Module ReadTorchScript(const std::filesystem::path& path) {
  if (!std::ifstream(path)) throw DataError(path.string() + ": cannot be opened");
  try {
    return torch::jit::load(path.string(), at::kCPU);
  } catch (const std::exception& error) {
    throw DataError(path.string() +
                    ": is no TorchScript module (torch.jit.script(module).save(path) makes one): " + FirstLines(error));
  }
}

std::vector<NamedTensor> TensorsOfTorchScript(const std::filesystem::path& path) {
  return AllTensors(ReadTorchScript(path));
}

at::Tensor TorchScriptModel::Forward(const at::Tensor& inputs) {
  const torch::jit::GraphOptimizerEnabledGuard as_written(false);
  const c10::IValue output = module_.forward({inputs});
  if (!output.isTensor()) throw InfeasibleError("the TorchScript module returns " + output.tagKind() + ", no tensor");
  return output.toTensor();
}

void TorchScriptModel::SetMode(Mode mode) {
  // Not Module::train, which fails where a child lacks the attribute.
  for (torch::jit::Module child : module_.modules()) {
    if (child.hasattr("training")) child.setattr("training", mode == Mode::kTraining);
  }
}

std::vector<NamedTensor> TorchScriptModel::Parameters() {
  std::vector<NamedTensor> tensors = AllTensors(module_);
  std::erase_if(tensors, [](const NamedTensor& named) { return !named.tensor.requires_grad(); });
  return tensors;
}

std::vector<NamedTensor> TorchScriptModel::Buffers() {
  std::vector<NamedTensor> tensors = AllTensors(module_);
  std::erase_if(tensors, [](const NamedTensor& named) { return named.tensor.requires_grad(); });
  return tensors;
}

std::string TorchScriptModel::HeadPrefix() const {
  NamedTensor last;
  for (const NamedTensor& named : AllTensors(module_)) {
    if (named.tensor.requires_grad()) last = named;
  }
  const size_t dot = last.name.rfind('.');
  const bool of_outputs = last.tensor.defined() && last.tensor.dim() > 0 && last.tensor.size(0) == outputs_;
  return of_outputs && dot != std::string::npos ? last.name.substr(0, dot + 1) : "";
}

std::unique_ptr<Model> MakeTorchScript(const ModelSpec& spec) {
  auto model = std::make_unique<TorchScriptModel>(ReadTorchScript(spec.options.model_file), spec.shape.outputs);
  CheckParameters(*model, spec.options.model_file);
  CheckOutput(*model, spec);
  return model;
}

}  // namespace athanor::training
