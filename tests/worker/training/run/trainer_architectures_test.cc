// Every architecture through the trainer: interrupted in the middle of an epoch, it goes on bit for bit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/worker/training/run/trainer_fixture.h"
#include "worker/training/models/torchscript_export.h"

namespace athanor::training {
namespace {

constexpr uint32_t kSide = 16;

class TrainerArchitecturesTest : public TrainerTest, public testing::WithParamInterface<const char*> {
 protected:
  TrainerArchitecturesTest() { WriteDataset(data_.path(), 60, 20, kSide); }

  TrialSpec SmallSpec() const {
    TrialSpec spec = Spec(2);
    const std::string model = GetParam();
    spec.options["model"] = model;
    spec.options["batch_size"] = int64_t{15};  // three steps an epoch
    spec.options["width_multiplier"] = 0.25;
    spec.options["blocks"] = int64_t{2};
    spec.options["sketch_units"] = int64_t{32};
    spec.options["epochs"] = int64_t{2};
    if (model == "bilinear") spec.options["pooling"] = std::string("compact");
    if (model == "autoencoder") {
      spec.options["task"] = std::string("reconstruction");
      spec.options["label_smoothing"] = 0.0;
    }
    if (model == "torchscript") spec.options["model_file"] = Module();
    spec.hold_at = {2};
    return spec;
  }

  std::string Module() const {
    const Shape shape = {.height = kSide, .width = kSide, .outputs = 4};
    const auto model = MakeModel(
        {.options = {.architecture = Architecture::kMlp, .hidden_units = 8, .hidden_layers = 1}, .shape = shape},
        at::kCPU);
    const std::filesystem::path path = checkpoints_.path() / "module.pt";
    WriteFile(path, ExportTorchScript(*model, shape));
    return path.string();
  }
};

TEST_P(TrainerArchitecturesTest, ResumesBitForBit) {
  const TrialSpec spec = SmallSpec();
  Script whole;
  const TrialResult undisturbed = Run(spec, whole);
  ASSERT_EQ(undisturbed.ending, Ending::kStopped) << undisturbed.reason;

  Script first;
  first.command_at = 2;
  first.command = Command::kPause;
  ASSERT_EQ(Run(spec, first).ending, Ending::kPaused);
  TrialSpec rest = spec;
  rest.checkpoints = {first.checkpoints.at(0).path};
  Script second;
  ASSERT_EQ(Run(rest, second).ending, Ending::kStopped);
  EXPECT_EQ(second.measurements, whole.measurements);
  EXPECT_EQ(Contents(second.checkpoints.back()), Contents(whole.checkpoints.back()));
}

INSTANTIATE_TEST_SUITE_P(All, TrainerArchitecturesTest,
                         testing::Values("linear", "mlp", "lenet", "cnn", "inception", "gmlp", "mobilenet_v3_small",
                                         "mobilenet_v3_large", "resnet18", "resnet20", "resnet32", "resnet44",
                                         "bilinear", "autoencoder", "conv_autoencoder", "torchscript"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace athanor::training
