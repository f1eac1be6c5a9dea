#include "worker/training/models/torchscript_export.h"

#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/jit/frontend/tracer.h>

#include <sstream>
#include <utility>

#include "worker/training/models/torchscript.h"

namespace athanor::training {
namespace {

using torch::jit::Module;
using torch::jit::Stack;

// A module without methods and parameters.
Module NewModule(const std::string& type_name, const std::shared_ptr<torch::jit::CompilationUnit>& unit) {
  Module module(c10::QualifiedName("__torch__.athanor." + type_name), unit, /*shouldMangle=*/true);
  module.register_attribute("training", c10::BoolType::get(), false);
  return module;
}

// The child that owns the tensor of this name, made if there is none yet; `name` becomes its name there.
Module OwnerOf(Module module, std::string& name) {
  for (size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.')) {
    const std::string child = name.substr(0, dot);
    if (!module.hasattr(child)) module.register_module(child, NewModule("Layer", module._ivalue()->compilation_unit()));
    module = module.attr(child).toModule();
    name.erase(0, dot + 1);
  }
  return module;
}

enum class Role { kParameter, kBuffer };

void Register(const Module& root, const NamedTensor& named, Role role) {
  std::string name = named.name;
  OwnerOf(root, name).register_parameter(name, named.tensor, role == Role::kBuffer);
}

// Adds what the model does to `inputs` as the method `forward`. The tracer knows the module's tensors when it meets
// them, because they are the model's own.
void TraceForward(Model& model, const at::Tensor& inputs, Module& module) {
  const auto forward = [&model](const Stack& arguments) -> Stack { return {model.Forward(arguments[0].toTensor())}; };
  const auto no_names = [](const at::Tensor&) { return std::string(); };
  const auto traced = torch::jit::tracer::trace({inputs}, forward, no_names, /*strict=*/true, /*force_outplace=*/false,
                                                &module, {"inputs"});
  torch::jit::Function* const method = module._ivalue()->compilation_unit()->create_function(
      c10::QualifiedName(*module.type()->name(), "forward"), traced.first->graph);
  module.type()->addMethod(method);
}

// Training moves parameters into one flat tensor, which would be written whole with each of them.
void OwnTensors(const Module& module) {
  for (Module child : module.modules()) {
    for (const auto& named : child.named_attributes(/*recurse=*/false)) {
      if (!named.value.isTensor()) continue;
      const at::Tensor tensor = named.value.toTensor();
      child.setattr(named.name, tensor.detach().clone().set_requires_grad(tensor.requires_grad()));
    }
  }
}

std::string Saved(const Module& module) {
  std::ostringstream out;
  module.save(out);
  return std::move(out).str();
}

}  // namespace

std::string ExportTorchScript(Model& model, const Shape& shape) {
  const c10::NoGradGuard no_grad;
  model.SetMode(Mode::kEvaluation);
  if (const auto* const scripted = dynamic_cast<TorchScriptModel*>(&model)) {
    return Saved(scripted->module());
  }
  Module module = NewModule("Model", std::make_shared<torch::jit::CompilationUnit>());
  for (const NamedTensor& parameter : model.Parameters()) Register(module, parameter, Role::kParameter);
  for (const NamedTensor& buffer : model.Buffers()) Register(module, buffer, Role::kBuffer);
  TraceForward(model, at::zeros(InputSizes(shape, 2)), module);
  OwnTensors(module);
  return Saved(module);
}

}  // namespace athanor::training
