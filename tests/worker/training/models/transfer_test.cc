#include "worker/training/models/transfer.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/worker/training/models/model_cases.h"
#include "tests/worker/training/test_data.h"
#include "worker/training/checkpoints/checkpoint_file.h"
#include "worker/training/errors.h"
#include "worker/training/models/parameter_layout.h"

namespace athanor::training {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

ModelSpec CnnSpec(int64_t classes, int64_t blocks = 2) {
  return {.options = {.architecture = Architecture::kCnn,
                      .channels = 2,
                      .blocks = blocks,
                      .kernel_size = 3,
                      .norm = Norm::kBatch},
          .shape = Images(1, 8, 8, classes)};
}

std::unique_ptr<Model> MakeSeeded(const ModelSpec& spec, uint64_t seed) {
  at::manual_seed(seed);
  return MakeModel(spec, at::kCPU);
}

std::map<std::string, at::Tensor> TensorsOf(Model& model) {
  std::map<std::string, at::Tensor> tensors;
  for (const auto& list : {model.Parameters(), model.Buffers()}) {
    for (const NamedTensor& named : list) tensors[named.name] = named.tensor.detach().clone();
  }
  return tensors;
}

template <typename Bytes>
std::string BytesOf(const Bytes& tensor) {
  const at::Tensor rows = tensor.contiguous();
  return {static_cast<const char*>(rows.data_ptr()), static_cast<size_t>(rows.nbytes())};
}

// A checkpoint of the model's tensors, its parameters one after another as training leaves them.
std::filesystem::path WriteCheckpointOf(Model& model, const std::filesystem::path& folder) {
  const c10::NoGradGuard no_grad;
  int64_t size = 0;
  for (const NamedTensor& parameter : model.Parameters()) size += parameter.tensor.numel();
  at::Tensor flat = at::zeros({size});
  int64_t start = 0;
  for (NamedTensor parameter : model.Parameters()) {
    const at::Tensor view = flat.as_strided(parameter.tensor.sizes(), parameter.tensor.strides(), start);
    view.copy_(parameter.tensor);
    parameter.tensor.set_data(view);
    start += parameter.tensor.numel();
  }
  CheckpointSections sections = {{"layout", WriteLayout(model)}, {"parameters", BytesOf(flat)}};
  for (const NamedTensor& buffer : model.Buffers()) sections["buffer/" + buffer.name] = BytesOf(buffer.tensor);
  return WriteCheckpoint(folder, "pretrained", sections).path;
}

class Transfer : public testing::Test {
 protected:
  Transfer() : source_(MakeSeeded(CnnSpec(4), 1)) {
    source_->SetMode(Mode::kTraining);
    source_->Forward(RandomInputs(Images(1, 8, 8, 4), 4));  // statistics of its own
    file_ = WriteCheckpointOf(*source_, folder_.path()).string();
  }

  TemporaryFolder folder_;
  std::unique_ptr<Model> source_;
  std::string file_;
};

TEST_F(Transfer, TakesEverythingIntoAModelOfTheSamePlan) {
  const auto model = MakeSeeded(CnnSpec(4), 2);
  // Two blocks of weight, factor, offset, mean and variance; the head's two.
  EXPECT_THAT(TransferWeights({.pretrained = file_}, *model),
              ElementsAre("pretrained " + file_ + ": took 12 of 12 tensors"));
  const std::map<std::string, at::Tensor> expected = TensorsOf(*source_);
  for (const auto& [name, tensor] : TensorsOf(*model)) EXPECT_TRUE(tensor.equal(expected.at(name))) << name;
}

TEST_F(Transfer, LeavesTheHeadOfOtherClassesAsItStarted) {
  const auto model = MakeSeeded(CnnSpec(7), 2);
  const std::map<std::string, at::Tensor> before = TensorsOf(*model);
  const std::map<std::string, at::Tensor> expected = TensorsOf(*source_);
  EXPECT_THAT(TransferWeights({.pretrained = file_}, *model),
              ElementsAre(EndsWith("took 10 of 12 tensors"),
                          "pretrained: of another shape, not taken: head.weight (7 x 16, there 4 x 16), "
                          "head.bias (7, there 4)"));
  for (const auto& [name, tensor] : TensorsOf(*model)) {
    EXPECT_TRUE(tensor.equal(name.starts_with("head.") ? before.at(name) : expected.at(name))) << name;
  }
}

TEST_F(Transfer, SaysWhatIsMissingOnEitherSide) {
  const auto deeper = MakeSeeded(CnnSpec(4, 3), 2);
  EXPECT_THAT(
      TransferWeights({.pretrained = file_}, *deeper),
      ElementsAre(EndsWith("took 11 of 17 tensors"),
                  "pretrained: of another shape, not taken: head.weight (4 x 8, there 4 x 16)",
                  "pretrained: not in the file: blocks.2.conv.weight, blocks.2.norm.weight, blocks.2.norm.bias, "
                  "blocks.2.norm.running_mean, blocks.2.norm.running_var"));
  const auto shallower = MakeSeeded(CnnSpec(4, 1), 2);
  EXPECT_THAT(TransferWeights({.pretrained = file_}, *shallower),
              ElementsAre(EndsWith("took 6 of 7 tensors"),
                          "pretrained: of another shape, not taken: head.weight (4 x 32, there 4 x 16)",
                          HasSubstr("in the file only: blocks.1.conv.weight, ")));
}

TEST_F(Transfer, RenamesByTheFirstPrefixThatFits) {
  const auto model = MakeSeeded(CnnSpec(4), 2);
  const std::map<std::string, at::Tensor> expected = TensorsOf(*source_);
  // A pair that changes nothing, to show that the first one hides it for blocks.0.
  EXPECT_THAT(TransferWeights({.pretrained = file_, .pretrained_prefix = "blocks.0.=old.,blocks.=blocks."}, *model),
              ElementsAre(EndsWith("took 7 of 12 tensors"), HasSubstr("not in the file: blocks.0.conv.weight, "),
                          HasSubstr("in the file only: old.conv.weight, ")));
  EXPECT_TRUE(TensorsOf(*model)["blocks.1.conv.weight"].equal(expected.at("blocks.1.conv.weight")));
}

TEST_F(Transfer, ListsAtMostTenNames) {
  const auto model = MakeSeeded(CnnSpec(4), 2);
  EXPECT_THAT(TransferWeights({.pretrained = file_, .pretrained_prefix = "blocks.=stem.,head.bias=head.bias"}, *model),
              ElementsAre(EndsWith("took 2 of 12 tensors"), HasSubstr("not in the file: blocks.0.conv.weight"),
                          HasSubstr("in the file only: stem.0.conv.weight")));
  const auto deep = MakeSeeded(CnnSpec(4, 3), 2);
  EXPECT_THAT(TransferWeights({.pretrained = file_, .pretrained_prefix = "blocks.=stem."}, *deep),
              testing::Contains(EndsWith(" and 5 more")));
}

TEST_F(Transfer, RefusesWhatCannotBeMeant) {
  const auto model = MakeSeeded(CnnSpec(4), 2);
  const std::map<std::string, at::Tensor> before = TensorsOf(*model);
  EXPECT_THROW(TransferWeights({.pretrained = file_, .pretrained_prefix = "=x."}, *model), InfeasibleError)
      << "nothing matches";
  EXPECT_THROW(TransferWeights({.pretrained = file_, .pretrained_prefix = "blocks.0.=b.,blocks.1.=b."}, *model),
               InfeasibleError)
      << "two tensors of one name";
  for (const char* prefix : {"blocks", "a=b=c", "a=b,", ",a=b", "a=b,,c=d"}) {
    EXPECT_THROW(TransferWeights({.pretrained = file_, .pretrained_prefix = prefix}, *model), InfeasibleError)
        << prefix;
  }
  for (const auto& [name, tensor] : TensorsOf(*model)) EXPECT_TRUE(tensor.equal(before.at(name))) << name;
}

TEST_F(Transfer, RefusesFilesOfNoUse) {
  const auto model = MakeSeeded(CnnSpec(4), 2);
  const auto refused = [&](const std::filesystem::path& path) {
    try {
      TransferWeights({.pretrained = path.string()}, *model);
    } catch (const DataError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(refused(folder_.path() / "missing.ckpt"), HasSubstr("missing.ckpt: cannot be opened"));
  WriteFile(folder_.path() / "damaged.ckpt", ReadFile(file_).substr(0, 200));
  EXPECT_THAT(refused(folder_.path() / "damaged.ckpt"), HasSubstr("damaged.ckpt: "));
  WriteFile(folder_.path() / "text", "neither");
  EXPECT_THAT(refused(folder_.path() / "text"), HasSubstr("text: is no TorchScript module"));
  const std::filesystem::path bare = WriteCheckpoint(folder_.path(), "bare", {{"parameters", ""}}).path;
  EXPECT_THAT(refused(bare), HasSubstr(bare.string() + ": section layout is missing"));
}

TEST(Autoencoder, HandsItsEncoderToAClassifier) {
  const TemporaryFolder folder;
  for (const Architecture architecture : {Architecture::kAutoencoder, Architecture::kConvAutoencoder}) {
    ModelSpec spec = {.options = {.architecture = architecture, .channels = 2, .blocks = 2},
                      .task = TaskKind::kReconstruction,
                      .shape = Images(1, 8, 8, 4)};
    const auto autoencoder = MakeSeeded(spec, 1);
    const std::string file = WriteCheckpointOf(*autoencoder, folder.path()).string();
    spec.task = TaskKind::kClassification;
    const auto classifier = MakeSeeded(spec, 2);
    const std::vector<std::string> lines = TransferWeights({.pretrained = file}, *classifier);
    EXPECT_THAT(lines, testing::Contains("pretrained: not in the file: head.weight, head.bias"));
    const std::map<std::string, at::Tensor> expected = TensorsOf(*autoencoder);
    for (const auto& [name, tensor] : TensorsOf(*classifier)) {
      if (name.starts_with("head.")) continue;
      EXPECT_TRUE(tensor.equal(expected.at(name))) << name;
    }
  }
}

TEST(SetPriorBias, MakesClassesAsProbableAsTheyAreFrequent) {
  const auto model = MakeSeeded({.options = {.architecture = Architecture::kLinear}, .shape = Images(1, 2, 2, 4)}, 1);
  SetPriorBias(*model, {50, 30, 19, 0});
  const c10::NoGradGuard no_grad;
  // Black images show the bias alone; the class without examples counts as one.
  const at::Tensor probabilities = at::softmax(model->Forward(at::zeros({1, 1, 2, 2})), 1).flatten();
  EXPECT_TRUE(at::allclose(probabilities, at::tensor({0.5, 0.3, 0.19, 0.01}).to(at::kFloat)));
  EXPECT_THROW(SetPriorBias(*model, {1, 1}), InfeasibleError) << "other classes";
}

}  // namespace
}  // namespace athanor::training
