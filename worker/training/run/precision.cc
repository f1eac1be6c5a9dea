#include "worker/training/run/precision.h"

#include <ATen/autocast_mode.h>
#include <torch/version.h>

#include <utility>

#include "worker/training/errors.h"

namespace athanor::training {
namespace {

constexpr int64_t kGrowthSteps = 2000;

void SetAutocast(const at::Device& device, bool enabled, at::ScalarType type) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
  at::autocast::set_autocast_dtype(device.type(), type);
  at::autocast::set_autocast_enabled(device.type(), enabled);
#else
  if (device.is_cuda()) {
    at::autocast::set_autocast_gpu_dtype(type);
    at::autocast::set_enabled(enabled);
  } else {
    at::autocast::set_autocast_cpu_dtype(type);
    at::autocast::set_cpu_enabled(enabled);
  }
#endif
}

// While it lives, on this thread. Leaving it forgets the weights' 16-bit copies, which the next step changes.
class Autocast {
 public:
  Autocast(const at::Device& device, at::ScalarType type) : device_(device), type_(type) {
    SetAutocast(device_, true, type_);
  }
  ~Autocast() {
    at::autocast::clear_cache();
    SetAutocast(device_, false, type_);
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  at::Device device_;
  at::ScalarType type_;
};

class MixedPrecisionModel final : public Model {
 public:
  MixedPrecisionModel(std::unique_ptr<Model> model, at::ScalarType type, const at::Device& device)
      : model_(std::move(model)), type_(type), device_(device) {}

  at::Tensor Forward(const at::Tensor& inputs) override {
    const Autocast autocast(device_, type_);
    return model_->Forward(inputs).to(at::kFloat);
  }
  void SetMode(Mode mode) override { model_->SetMode(mode); }
  void MoveTo(const at::Device& device) override {
    model_->MoveTo(device);
    device_ = device;
  }
  std::vector<NamedTensor> Parameters() override { return model_->Parameters(); }
  std::vector<NamedTensor> Buffers() override { return model_->Buffers(); }
  std::string HeadPrefix() const override { return model_->HeadPrefix(); }

 private:
  std::unique_ptr<Model> model_;
  at::ScalarType type_;
  at::Device device_;
};

}  // namespace

std::unique_ptr<Model> WithPrecision(std::unique_ptr<Model> model, Precision precision, const at::Device& device) {
  if (precision == Precision::kFloat32) return model;
  if (precision == Precision::kFloat16 && !device.is_cuda()) {
    throw InfeasibleError("precision: fp16 needs a CUDA device, not " + device.str() + "; bf16 works everywhere");
  }
  const at::ScalarType type = precision == Precision::kFloat16 ? at::kHalf : at::kBFloat16;
  return std::make_unique<MixedPrecisionModel>(std::move(model), type, device);
}

void ObserveGradients(bool finite, LossScale& scale) {
  if (!finite) {
    scale = {.scale = scale.scale / 2, .skipped = scale.skipped + 1};
  } else if (++scale.good_steps == kGrowthSteps) {
    scale = {.scale = scale.scale * 2, .skipped = scale.skipped};
  }
}

}  // namespace athanor::training
