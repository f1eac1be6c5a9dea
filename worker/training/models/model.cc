#include "worker/training/models/model.h"

#include "worker/training/models/architectures.h"

namespace athanor::training {
namespace {

std::unique_ptr<Model> MakeOnCpu(const ModelSpec& spec) {
  switch (spec.options.architecture) {
    case Architecture::kLinear:
    case Architecture::kMlp:
      return MakeMlp(spec);
    case Architecture::kLenet:
      return MakeLenet(spec);
    case Architecture::kCnn:
      return MakeCnn(spec);
    case Architecture::kInception:
      return MakeInception(spec);
    case Architecture::kGmlp:
      return MakeGmlp(spec);
    case Architecture::kMobilenetV3Small:
    case Architecture::kMobilenetV3Large:
      return MakeMobilenetV3(spec);
    case Architecture::kResnet18:
    case Architecture::kResnet20:
    case Architecture::kResnet32:
    case Architecture::kResnet44:
      return MakeResnet(spec);
    case Architecture::kBilinear:
      return MakeBilinear(spec);
    case Architecture::kAutoencoder:
      return MakeAutoencoder(spec);
    case Architecture::kConvAutoencoder:
      return MakeConvAutoencoder(spec);
    case Architecture::kTorchScript:
      break;
  }
  return MakeTorchScript(spec);
}

}  // namespace

bool NormalizesOverBatch(const ModelOptions& options) {
  switch (options.architecture) {
    case Architecture::kInception:
    case Architecture::kMobilenetV3Small:
    case Architecture::kMobilenetV3Large:
    case Architecture::kResnet18:
    case Architecture::kResnet20:
    case Architecture::kResnet32:
    case Architecture::kResnet44:
    case Architecture::kBilinear:
    case Architecture::kTorchScript:
      return true;
    case Architecture::kLenet:
    case Architecture::kMlp:
    case Architecture::kCnn:
    case Architecture::kAutoencoder:
    case Architecture::kConvAutoencoder:
      return options.norm == Norm::kBatch;
    case Architecture::kLinear:
    case Architecture::kGmlp:
      break;
  }
  return false;
}

std::unique_ptr<Model> MakeModel(const ModelSpec& spec, const at::Device& device) {
  std::unique_ptr<Model> model = MakeOnCpu(spec);
  if (!device.is_cpu()) model->MoveTo(device);
  return model;
}

}  // namespace athanor::training
