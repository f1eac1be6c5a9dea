#include "worker/training/models/model.h"

#include "worker/training/errors.h"

namespace athanor::training {
namespace {

std::unique_ptr<Model> MakeOnCpu(const ModelSpec& spec) {
  switch (spec.options.architecture) {
    case Architecture::kLinear:
    case Architecture::kMlp:
      return MakeMlp(spec);
    case Architecture::kLenet:
      return MakeLenet(spec);
    default:
      break;
  }
  throw InfeasibleError("this architecture is not built in");
}

}  // namespace

std::unique_ptr<Model> MakeModel(const ModelSpec& spec, const at::Device& device) {
  std::unique_ptr<Model> model = MakeOnCpu(spec);
  if (!device.is_cpu()) model->MoveTo(device);
  return model;
}

}  // namespace athanor::training
