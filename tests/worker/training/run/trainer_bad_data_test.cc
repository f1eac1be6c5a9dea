// Data and models that are not what they should be: the trial ends with file, place and reason, and the same process
// trains the next one.
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/api/module.h>

#include <filesystem>
#include <string>

#include "tests/worker/training/run/trainer_fixture.h"
#include "worker/training/models/torchscript_export.h"

namespace athanor::training {
namespace {

using testing::HasSubstr;

class TrainerBadDataTest : public TrainerTest {
 protected:
  std::filesystem::path Folder(const std::string& name) const {
    const std::filesystem::path folder = checkpoints_.path() / name;
    std::filesystem::create_directories(folder);
    return folder;
  }
  std::string Idx(const std::string& name, const std::string& file, const std::string& bytes) const {
    const std::filesystem::path folder = Folder(name);
    WriteDataset(folder, 40, 10);
    WriteFile(folder / file, bytes);
    return folder.string();
  }
  std::string Table(const std::string& name, const std::string& text) const {
    const std::filesystem::path folder = Folder(name);
    WriteFile(folder / "train.csv", text);
    return folder.string();
  }
  // A module for images of 12 x 12 that answers with `outputs` numbers.
  std::string Module(int64_t outputs) const {
    const Shape shape = {.height = 12, .width = 12, .outputs = outputs};
    const auto model = MakeModel({.options = {.architecture = Architecture::kLinear}, .shape = shape}, at::kCPU);
    const std::filesystem::path path = checkpoints_.path() / ("module" + std::to_string(outputs) + ".pt");
    WriteFile(path, ExportTorchScript(*model, shape));
    return path.string();
  }
  // One that answers in evaluation only.
  std::string FailingModule() const {
    torch::jit::Module module("Module");
    module.register_attribute("training", c10::BoolType::get(), true);
    module.register_parameter("weight", at::zeros({144, 4}).requires_grad_(), /*is_buffer=*/false);
    module.define(R"(
def forward(self, x):
    assert not self.training, "it cannot be trained"
    return torch.flatten(x, 1) @ self.weight
)");
    const std::string path = (checkpoints_.path() / "failing.pt").string();
    module.save(path);
    return path;
  }
};

TEST_F(TrainerBadDataTest, EndsTheTrialWithFilePlaceAndReason) {
  std::string rows = "width,height,target\n";
  for (int i = 0; i < 40; ++i) rows += std::to_string(i) + ",2,3\n";
  const std::string empty_class = Folder("folder").string();
  WriteFile(Folder("folder/cat") / "one.png", "no picture");
  Folder("folder/dog");
  const std::string broken = Folder("broken").string();
  WriteFile(Folder("broken/cat") / "one.png", "\x89PNG\r\n\x1a\n cut off");
  WriteFile(Folder("broken/dog") / "two.png", "\x89PNG\r\n\x1a\n cut off");
  WriteFile(checkpoints_.path() / "text.pt", "no module");
  const std::string good = data_.path().string();
  const std::string truncated = IdxBytes(8, {40, 12, 12}, std::string(100, 'x'));

  struct Case {
    const char* what;
    NamedValues options;
    std::vector<const char*> expected;
  };
  const auto idx = [](const std::string& folder) {
    return NamedValues{{"dataset", std::string("idx")}, {"data_dir", folder}};
  };
  const auto csv = [](const std::string& folder) {
    return NamedValues{{"dataset", std::string("csv")},
                       {"data_dir", folder},
                       {"task", std::string("regression")},
                       {"model", std::string("mlp")},
                       {"label_smoothing", 0.0}};
  };
  const auto images = [](const std::string& folder) {
    return NamedValues{{"dataset", std::string("image_folder")}, {"data_dir", folder}, {"img_size", int64_t{12}}};
  };
  const auto script = [&](const std::string& file) {
    NamedValues options = idx(good);
    options["model"] = std::string("torchscript");
    options["model_file"] = file;
    return options;
  };
  const Case cases[] = {
      {"truncated",
       idx(Idx("short", "train-images-idx3-ubyte", truncated)),
       {"train-images-idx3-ubyte", "at byte 116"}},
      {"wrong magic", idx(Idx("magic", "train-images-idx3-ubyte", "ABCDEFGH")), {"train-images-idx3-ubyte"}},
      {"label out of range",
       idx(Idx("label", "t10k-labels-idx1-ubyte", IdxBytes(8, {10}, std::string(10, '\x09')))),
       {"t10k-labels-idx1-ubyte", "label 9"}},
      {"text in a column of numbers", csv(Table("text", rows + "wide,2,3\n")), {"train.csv", "42", "width"}},
      {"no such column", csv(Table("column", "a,b\n1,2\n2,3\n3,4\n")), {"target", "it has a, b"}},
      {"a class without images", images(empty_class), {"dog"}},
      {"an image that does not decode", images(broken), {".png"}},
      {"no module", script((checkpoints_.path() / "text.pt").string()), {"text.pt"}},
      {"no such module", script("/no/such.pt"), {"/no/such.pt"}},
      {"a module that fails in training",
       script(FailingModule()),
       {"the TorchScript module fails", "it cannot be trained"}},
      {"other classes", script(Module(7)), {"module7.pt", "7", "4"}},
  };
  Trainer trainer(clock_);
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    TrialSpec spec = Spec(1);
    for (const auto& [name, value] : c.options) spec.options[name] = value;
    Script bad;
    const TrialResult result = trainer.Run(spec, bad, bad);
    EXPECT_TRUE(result.ending == Ending::kFailed || result.ending == Ending::kInfeasible);
    for (const char* expected : c.expected) EXPECT_THAT(result.reason, HasSubstr(expected));
    EXPECT_EQ(result.reason.find('\n'), std::string::npos);
    EXPECT_TRUE(bad.measurements.empty());
  }
  Script fine;
  EXPECT_EQ(trainer.Run(Spec(1), fine, fine).ending, Ending::kDone) << "it lives on";
}

}  // namespace
}  // namespace athanor::training
