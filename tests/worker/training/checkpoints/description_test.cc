#include "worker/training/checkpoints/description.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/training/errors.h"

namespace athanor::training {
namespace {

using testing::HasSubstr;

ModelDescription Table() {
  ModelDescription description;
  description.options = {{"dropout", 0.1},
                         {"hidden_units", int64_t{64}},
                         {"nesterov", true},
                         {"data_dir", std::string("C:\\data\nnew line, and spaces ")}};
  description.shape = {.input = InputKind::kTable, .features = 2, .categories = {3, 2}, .outputs = 1};
  description.normalization = {.mean = {0.1, -1e-300},
                               .stddev = {1, 1.0 / 3},
                               .target_mean = {7},
                               .target_stddev = {2.5},
                               .classes = {"a b", ""},
                               .columns = {"age", "height", "town", "sex"},
                               .category_values = {{"York", "Bad Ems", ""}, {"f", "m"}}};
  return description;
}

TEST(Description, SaysWhatItSays) {
  EXPECT_EQ(WriteDescription(Table()),
            "option string data_dir C:\\\\data\\nnew line, and spaces \n"
            "option float dropout 0.1\n"
            "option int hidden_units 64\n"
            "option bool nesterov true\n"
            "input table 2 3 2\n"
            "outputs 1\n"
            "mean 0.1 -1e-300\n"
            "stddev 1.0 0.3333333333333333\n"
            "target_mean 7.0\n"
            "target_stddev 2.5\n"
            "class a b\n"
            "class \n"
            "column age\n"
            "column height\n"
            "column town\n"
            "column sex\n"
            "category 0 York\n"
            "category 0 Bad Ems\n"
            "category 0 \n"
            "category 1 f\n"
            "category 1 m\n");
}

TEST(Description, ReadsBackWhatWasWritten) {
  ModelDescription images;
  images.shape = {.channels = 3, .height = 32, .width = 24, .outputs = 10};
  images.normalization.mean = {0.5, 0.25, 0.125};
  images.normalization.stddev = {1, 1, 1};
  ModelDescription one_hot = Table();
  one_hot.shape.features = 7;  // two numbers and, of the categories, three and two
  one_hot.shape.categories = {};
  for (const ModelDescription& description : {Table(), images, one_hot}) {
    const std::string text = WriteDescription(description);
    const ModelDescription read = ReadDescription(text);
    EXPECT_EQ(read.options, description.options);
    EXPECT_EQ(read.shape, description.shape);
    EXPECT_EQ(read.normalization.category_values, description.normalization.category_values);
    EXPECT_EQ(WriteDescription(read), text);
  }
}

TEST(Description, NamesTheLineThatIsNone) {
  for (const char* line :
       {"colour red", "outputs", "outputs ten", "outputs 10x", "input cube 3", "input images 1 2", "option int x",
        "option int x 1.5", "option date x 1", "category 0 x", "class a\\", "", "class a\\t", "mean 1  2"}) {
    try {
      ReadDescription(std::string(line) + "\n");
      ADD_FAILURE() << "read: " << line;
    } catch (const CheckpointError& error) {
      EXPECT_THAT(error.what(), HasSubstr("cannot read the line \"" + std::string(line))) << line;
    }
  }
  EXPECT_THROW(ReadDescription("outputs 1"), CheckpointError) << "cut off";
}

TEST(Description, RefusesWhatIsNotComplete) {
  ModelDescription images;
  images.shape = {.channels = 1, .height = 2, .width = 2, .outputs = 10};
  images.normalization.mean = {0.5};
  images.normalization.stddev = {1};
  const auto error = [](const ModelDescription& description) {
    try {
      ReadDescription(WriteDescription(description));
    } catch (const CheckpointError& refused) {
      return std::string(refused.what());
    }
    return std::string("read");
  };
  EXPECT_EQ(error(images), "read");
  ModelDescription broken = images;
  broken.normalization.mean.clear();
  EXPECT_THAT(error(broken), HasSubstr("want as many mean as stddev"));
  broken.normalization.stddev.clear();
  EXPECT_THAT(error(broken), HasSubstr("want a mean a channel"));
  broken = images;
  broken.shape.outputs = 0;
  EXPECT_THAT(error(broken), HasSubstr("want outputs above 0"));
  broken = images;
  broken.shape.width = -3;
  EXPECT_THAT(error(broken), HasSubstr("want images of pixels"));
  broken = Table();
  broken.normalization.columns.resize(1);
  broken.normalization.category_values.clear();
  EXPECT_THAT(error(broken), HasSubstr("want a column a mean"));
  broken = Table();
  broken.normalization.target_stddev.clear();
  EXPECT_THAT(error(broken), HasSubstr("want as many target_mean as target_stddev"));
}

}  // namespace
}  // namespace athanor::training
