#include "worker/training/models/parameter_layout.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <map>

#include "worker/training/errors.h"

namespace athanor::training {
namespace {

class TwoTensors final : public Model {
 public:
  at::Tensor Forward(const at::Tensor& inputs) override { return inputs; }
  void SetMode(Mode) override {}
  void MoveTo(const at::Device&) override {}
  std::vector<NamedTensor> Parameters() override {
    return {{"weight", flat_.as_strided({2, 3}, {1, 2}, 0)}, {"scale", flat_.as_strided({}, {}, 8)}};
  }
  std::vector<NamedTensor> Buffers() override {
    return {{"mean", at::tensor({1.F, 2.F})},
            {"count of steps", at::tensor({int64_t{7}})},
            {"mask", at::tensor({1, 0, 1}, at::kInt).to(at::kBool)},
            {"places", at::tensor({-5, 6}, at::kInt)}};
  }
  std::string HeadPrefix() const override { return ""; }

 private:
  at::Tensor flat_ = at::arange(9, at::kFloat);
};

constexpr char kLayout[] =
    "parameter 0 2x3 1x2 weight\n"
    "parameter 8 - - scale\n"
    "buffer float32 2 mean\n"
    "buffer int64 1 count of steps\n"
    "buffer bool 3 mask\n"
    "buffer int32 2 places\n";

template <typename Number>
std::string Bytes(const std::vector<Number>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(Number)};
}

CheckpointSections Sections(const std::string& layout = kLayout) {
  return {{"layout", layout},
          {"parameters", Bytes<float>({0, 1, 2, 3, 4, 5, 6, 7, 8})},
          {"buffer/mean", Bytes<float>({1, 2})},
          {"buffer/count of steps", Bytes<int64_t>({7})},
          {"buffer/mask", Bytes<uint8_t>({1, 0, 1})},
          {"buffer/places", Bytes<int32_t>({-5, 6})}};
}

TEST(WriteLayout, SaysWhereEachTensorLies) {
  TwoTensors model;
  EXPECT_EQ(WriteLayout(model), kLayout);
}

TEST(TensorsOfCheckpoint, GivesThemByName) {
  std::map<std::string, at::Tensor> tensors;
  for (const NamedTensor& named : TensorsOfCheckpoint(Sections())) tensors[named.name] = named.tensor;
  ASSERT_EQ(tensors.size(), 6u);
  EXPECT_TRUE(tensors["weight"].equal(at::tensor({0.F, 2.F, 4.F, 1.F, 3.F, 5.F}).view({2, 3})));
  EXPECT_EQ(tensors["weight"].strides(), (std::vector<int64_t>{1, 2})) << "as it lay";
  EXPECT_EQ(tensors["scale"].item<float>(), 8);
  EXPECT_TRUE(tensors["mean"].equal(at::tensor({1.F, 2.F})));
  EXPECT_EQ(tensors["count of steps"].item<int64_t>(), 7);
  EXPECT_TRUE(tensors["mask"].equal(at::tensor({1, 0, 1}, at::kInt).to(at::kBool)));
  EXPECT_TRUE(tensors["places"].equal(at::tensor({-5, 6}, at::kInt)));
}

TEST(TensorsOfCheckpoint, GivesAveragedWeightsWhereThereIsNoBestModel) {
  CheckpointSections sections = Sections();
  sections["average/weight_average"] = Bytes<float>({20, 21, 22, 23, 24, 25, 26, 27, 28});
  EXPECT_EQ(TensorsOfCheckpoint(sections)[1].tensor.item<float>(), 28);
}

TEST(TensorsOfCheckpoint, PrefersTheBestModel) {
  CheckpointSections sections = Sections();
  sections["best_parameters"] = Bytes<float>({10, 11, 12, 13, 14, 15, 16, 17, 18});
  sections["best_buffer/mean"] = Bytes<float>({3, 4});
  sections["best_buffer/count of steps"] = Bytes<int64_t>({5});
  sections["best_buffer/mask"] = Bytes<uint8_t>({0, 0, 0});
  sections["best_buffer/places"] = Bytes<int32_t>({0, 0});
  sections["average/weight_average"] = Bytes<float>({20, 21, 22, 23, 24, 25, 26, 27, 28});
  const std::vector<NamedTensor> tensors = TensorsOfCheckpoint(sections);
  EXPECT_EQ(tensors[1].tensor.item<float>(), 18);
  EXPECT_TRUE(tensors[2].tensor.equal(at::tensor({3.F, 4.F})));
  EXPECT_EQ(tensors[3].tensor.item<int64_t>(), 5);
}

TEST(TensorsOfCheckpoint, RefusesLayoutsThatDoNotFitTheSections) {
  const char* const cases[] = {
      "parameter 0 2x5 5x1 weight\n",  // 10 elements of 9
      "parameter 4 2x3 3x1 weight\n",  // up to element 9
      "parameter 9 - - scale\n",       // begins behind the end
      "parameter 0 0x3 3x1 weight\n",  // empty
      "parameter 0 3x9 0x1 weight\n",  // 27 elements that overlap
      "parameter 0 9223372036854775807x9 9223372036854775807x1 weight\n",
      "parameter 0 4294967296x4294967296x4294967296 0x0x0 weight\n",
      "parameter 99999999999999999999 2 1 weight\n",  // no int64
      "parameter -1 2 1 weight\n",
      "parameter 0 2x 1x1 weight\n",
      "parameter 0 2x3 1 weight\n",  // two sizes, one stride
      "parameter 0 2x3 1x2 \n",      // no name
      "parameter 0 2x3\n",
      "parameter 0 2x3 1x2 weight",  // no end of line
      "buffer float32 3 mean\n",     // its section has two elements
      "buffer float32 4294967296x4294967296 mean\n",
      "buffer float16 2 mean\n",  // eight bytes, want four
      "buffer complex64 1 mean\n",
      "buffer float32 2 other\n",  // no such section
      "weight 0 2 1 mean\n",
      "\n",
  };
  for (const char* layout : cases) EXPECT_THROW(TensorsOfCheckpoint(Sections(layout)), CheckpointError) << layout;
  EXPECT_THROW(TensorsOfCheckpoint({{"parameters", ""}}), CheckpointError) << "no layout";
  EXPECT_THROW(TensorsOfCheckpoint({{"layout", kLayout}}), CheckpointError) << "no parameters";
}

}  // namespace
}  // namespace athanor::training
