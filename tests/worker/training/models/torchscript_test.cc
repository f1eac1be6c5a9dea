#include <ATen/ops/allclose.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/api/module.h>

#include "tests/worker/training/models/model_cases.h"
#include "tests/worker/training/test_data.h"
#include "worker/training/errors.h"
#include "worker/training/models/torchscript_export.h"
#include "worker/training/models/torchscript_file.h"
#include "worker/training/models/transfer.h"

namespace athanor::training {
namespace {

using testing::HasSubstr;

at::Tensor Evaluated(Model& model, const at::Tensor& inputs) {
  const c10::NoGradGuard no_grad;
  model.SetMode(Mode::kEvaluation);
  return model.Forward(inputs);
}

// A module of a weight [3, 4] and a frozen one, a buffer of calls in training mode, and this forward.
torch::jit::Module ScriptedModule(const std::string& body) {
  torch::jit::Module module("Scripted");
  torch::jit::Module fc("Dense");
  fc.register_parameter("weight", at::randn({3, 4}).set_requires_grad(true), /*is_buffer=*/false);
  fc.register_parameter("frozen", at::randn({3}), /*is_buffer=*/false);
  module.register_module("fc", fc);
  module.register_buffer("calls", at::zeros({1}));
  module.register_attribute("training", c10::BoolType::get(), true);
  module.define("def forward(self, x):\n" + body);
  return module;
}

constexpr char kDenseBody[] =
    "    if self.training:\n"
    "        self.calls.add_(1)\n"
    "    return x.flatten(1).matmul(self.fc.weight.t()) + self.fc.frozen\n";

class TorchScript : public testing::Test {
 protected:
  ModelSpec SpecOf(const std::string& file) const {
    return {.options = {.architecture = Architecture::kTorchScript, .model_file = (folder_.path() / file).string()},
            .shape = Images(1, 2, 2, 3)};
  }
  ModelSpec Saved(const torch::jit::Module& module) const {
    module.save((folder_.path() / "model.pt").string());
    return SpecOf("model.pt");
  }
  static std::string RefusalOf(const ModelSpec& spec) {
    try {
      MakeModel(spec, at::kCPU);
    } catch (const InfeasibleError& error) {
      return error.what();
    }
    return "";
  }

  TemporaryFolder folder_;
};

TEST_F(TorchScript, TrainsAScriptedModuleAsItIs) {
  const auto model = MakeModel(Saved(ScriptedModule(kDenseBody)), at::kCPU);
  ASSERT_EQ(model->Parameters().size(), 1u);
  EXPECT_EQ(model->Parameters()[0].name, "fc.weight");
  ASSERT_EQ(model->Buffers().size(), 2u) << "what requires no gradient is kept, not trained";
  EXPECT_EQ(model->Buffers()[0].name, "fc.frozen");
  EXPECT_EQ(model->Buffers()[1].name, "calls");
  EXPECT_EQ(model->HeadPrefix(), "fc.");
  EXPECT_EQ(model->Buffers()[1].tensor.item<float>(), 0) << "tried in evaluation mode";

  model->SetMode(Mode::kTraining);
  const at::Tensor inputs = at::randn({2, 1, 2, 2});
  const at::Tensor outputs = model->Forward(inputs);
  outputs.sum().backward();
  EXPECT_TRUE(at::allclose(model->Parameters()[0].tensor.grad(), inputs.flatten(1).sum(0).expand({3, 4})));
  EXPECT_EQ(model->Buffers()[1].tensor.item<float>(), 1);
  EXPECT_TRUE(Evaluated(*model, inputs).equal(outputs.detach()));
  EXPECT_EQ(model->Buffers()[1].tensor.item<float>(), 1);
}

TEST_F(TorchScript, NamesATensorOnceThatTwoChildrenShare) {
  torch::jit::Module module = ScriptedModule(kDenseBody);
  module.register_parameter("tied", module.attr("fc").toModule().attr("weight").toTensor(), /*is_buffer=*/false);
  EXPECT_EQ(MakeModel(Saved(module), at::kCPU)->Parameters().size(), 1u);
}

TEST_F(TorchScript, SaysWhatOfAFileDoesNotFit) {
  EXPECT_THAT(RefusalOf(Saved(ScriptedModule("    return x.flatten(1)\n"))),
              HasSubstr("for inputs of [2 x 1 x 2 x 2] want outputs of [2 x 3], not [2 x 4]"));
  EXPECT_THAT(RefusalOf(Saved(ScriptedModule("    return x.flatten(1).matmul(self.fc.weight)\n"))),
              HasSubstr("want outputs of [2 x 3]; the module fails"));
  EXPECT_THAT(RefusalOf(Saved(ScriptedModule("    return 1\n"))), HasSubstr("returns Int, no tensor"));
  EXPECT_THAT(RefusalOf(Saved(ScriptedModule("    return x.flatten(1)[:, :3].double()\n"))),
              HasSubstr("in float32, not Double"));
  torch::jit::Module doubles = ScriptedModule(kDenseBody);
  doubles.register_parameter("scale", at::ones({1}, at::kDouble).set_requires_grad(true), /*is_buffer=*/false);
  EXPECT_THAT(RefusalOf(Saved(doubles)), HasSubstr("parameter scale is Double; want dense float32"));
  torch::jit::Module waves = ScriptedModule(kDenseBody);
  waves.register_buffer("waves", at::ones({1}, at::kComplexFloat));
  EXPECT_THAT(RefusalOf(Saved(waves)), HasSubstr("buffer waves is ComplexFloat, which a checkpoint cannot hold"));
  torch::jit::Module constant("Constant");
  constant.define("def forward(self, x):\n    return x.flatten(1)[:, :3]\n");
  EXPECT_THAT(RefusalOf(Saved(constant)), HasSubstr("has no parameters to train"));
}

TEST_F(TorchScript, RefusesFilesThatAreNoModules) {
  EXPECT_THROW(MakeModel(SpecOf("missing.pt"), at::kCPU), DataError);
  WriteFile(folder_.path() / "text.pt", "no module");
  EXPECT_THROW(MakeModel(SpecOf("text.pt"), at::kCPU), DataError);
  WriteFile(folder_.path() / "empty.pt", "");
  EXPECT_THROW(TensorsOfTorchScript(folder_.path() / "empty.pt"), DataError);
  Saved(ScriptedModule(kDenseBody));
  const std::string whole = ReadFile(folder_.path() / "model.pt");
  for (const size_t bytes : {whole.size() / 4, whole.size() / 2, whole.size() - 30}) {
    WriteFile(folder_.path() / "cut.pt", whole.substr(0, bytes));
    EXPECT_THROW(MakeModel(SpecOf("cut.pt"), at::kCPU), DataError) << bytes;
  }
}

TEST_F(TorchScript, IsExportedAsItWasRead) {
  const auto model = MakeModel(Saved(ScriptedModule(kDenseBody)), at::kCPU);
  WriteFile(folder_.path() / "again.pt", ExportTorchScript(*model, Images(1, 2, 2, 3)));
  const auto again = MakeModel(SpecOf("again.pt"), at::kCPU);
  const at::Tensor inputs = at::randn({5, 1, 2, 2});
  EXPECT_TRUE(Evaluated(*model, inputs).equal(Evaluated(*again, inputs)));
  again->SetMode(Mode::kTraining);
  again->Forward(inputs);
  EXPECT_EQ(again->Buffers()[1].tensor.item<float>(), 1) << "still knows training from evaluation";
}

class ExportedModel : public testing::TestWithParam<ModelCase> {};
INSTANTIATE_TEST_SUITE_P(Architectures, ExportedModel, testing::ValuesIn(ModelCases()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(ExportedModel, GivesTheSameNumbersForBatchesOfAnySize) {
  const TemporaryFolder folder;
  const std::string file = (folder.path() / "model.pt").string();
  const ModelSpec spec = GetParam().Spec(Images(3, 16, 24, 5));
  at::manual_seed(1);
  const auto model = MakeModel(spec, at::kCPU);
  model->SetMode(Mode::kTraining);
  model->Forward(RandomInputs(spec.shape, 4));  // statistics that are not the first ones
  WriteFile(file, ExportTorchScript(*model, spec.shape));

  ModelSpec read_spec = spec;
  read_spec.options = {.architecture = Architecture::kTorchScript, .model_file = file};
  const auto read = MakeModel(read_spec, at::kCPU);
  for (const int64_t batch : {1, 2, 5}) {
    const at::Tensor inputs = RandomInputs(spec.shape, batch);
    EXPECT_TRUE(Evaluated(*model, inputs).equal(Evaluated(*read, inputs))) << batch;
  }
  EXPECT_EQ(ParameterCount(*read), ParameterCount(*model));

  // And its weights fit a model of the same plan.
  at::manual_seed(2);
  const auto other = MakeModel(spec, at::kCPU);
  const size_t tensors = other->Parameters().size() + other->Buffers().size();
  EXPECT_THAT(TransferWeights({.pretrained = file}, *other),
              testing::ElementsAre(HasSubstr("took " + std::to_string(tensors) + " of " + std::to_string(tensors))));
  const at::Tensor inputs = RandomInputs(spec.shape, 3);
  EXPECT_TRUE(at::allclose(Evaluated(*model, inputs), Evaluated(*other, inputs), 1e-5, 1e-6));
}

}  // namespace
}  // namespace athanor::training
