#include "base/trainer_options/tables.h"

namespace athanor {

using enum OptionType;

// clang-format off
std::vector<TrainerOption> DataOptionTable() {
  return {
      {.name = "dataset", .type = kChoice, .default_value = std::string("fashion-mnist"),
       .choices = {"fashion-mnist", "idx", "cifar10", "cifar100", "image_folder", "csv", "synthetic_images", "synthetic_faces",
                   "synthetic_table"},
       .help = "fashion-mnist (Debian's package, found by itself); files in data_dir; or examples made from split_seed"},
      {.name = "data_dir", .type = kString, .default_value = std::string(""),
       .help = "idx: folder of train-images-idx3-ubyte and its three companions, plain or .gz; cifar: of the binary version; image_folder: of "
               "train/, [validation/], [test/] with a folder a class, or of the classes; csv: of train.csv, [validation.csv], [test.csv]"},
      {.name = "target", .type = kString, .default_value = std::string("target"),
       .help = "csv: the column to predict, several by commas"},
      {.name = "categories", .type = kChoice, .default_value = std::string("one_hot"), .choices = {"one_hot", "embedded"},
       .help = "csv: how columns of text enter the model", .search = "[one_hot, embedded]"},
      {.name = "max_train_examples", .type = kInt, .default_value = int64_t{0}, .min = 0, .max = 1e9,
       .help = "use only the first so many examples of the training part, before the split; 0 = all"},
      {.name = "max_test_examples", .type = kInt, .default_value = int64_t{0}, .min = 0, .max = 1e9,
       .help = "use only the first so many examples of the test part; 0 = all"},
      {.name = "validation_fraction", .type = kFloat, .default_value = 0.1, .min = 0, .max = 1, .exclusive_min = true,
       .exclusive_max = true, .help = "share of the training part held out for validation, where no validation part is given"},
      {.name = "test_fraction", .type = kFloat, .default_value = 0.1, .min = 0, .max = 1, .exclusive_min = true, .exclusive_max = true,
       .help = "share of all examples held out for the test, where no test part is given"},
      {.name = "split", .type = kChoice, .default_value = std::string("random"), .choices = {"random", "stratified"},
       .help = "how examples are held out: any, or the same share of every class"},
      {.name = "split_seed", .type = kInt, .default_value = int64_t{0}, .min = 0, .max = 1e15,
       .help = "seed of the split and of synthetic examples, the same for every trial of a study"},
      {.name = "img_size", .type = kInt, .default_value = int64_t{0}, .min = 0, .max = 4096,
       .help = "side that images are resized to, in pixels (bilinear); 0 = as they are", .search = "[28, 32, 64]"},
      {.name = "rebalance", .type = kChoice, .default_value = std::string("none"), .choices = {"none", "oversample", "class_weights"},
       .help = "classification: rare classes are drawn more often, or weigh more in the loss", .search = "[none, class_weights]"},
      {.name = "prior_bias", .type = kBool, .default_value = false,
       .help = "the output layer's bias starts at the classes' log frequencies", .search = "[false, true]",
       .source = "Lin et al. 2017, arXiv:1708.02002, section 4.1"},
      {.name = "crop_padding", .type = kInt, .default_value = int64_t{0}, .min = 0, .max = 512,
       .help = "images are padded by so many pixels and cropped at random; 0 = not", .search = "[0, 2, 4]",
       .source = "Krizhevsky et al. 2012"},
      {.name = "flip_horizontal", .type = kBool, .default_value = false, .help = "mirrors every other image left to right", .search = "[false, true]"},
      {.name = "flip_vertical", .type = kBool, .default_value = false, .help = "mirrors every other image top to bottom"},
      {.name = "rotation", .type = kFloat, .default_value = 0.0, .min = 0, .max = 180,
       .help = "images are rotated by at most so many degrees either way", .search = "float 0..30"},
      {.name = "scaling", .type = kFloat, .default_value = 0.0, .min = 0, .max = 1, .exclusive_max = true,
       .help = "images are scaled by a factor in [1 - scaling, 1 + scaling]", .search = "float 0..0.3"},
      {.name = "translation", .type = kFloat, .default_value = 0.0, .min = 0, .max = 1, .exclusive_max = true,
       .help = "images are moved by at most this share of their side", .search = "float 0..0.2"},
      {.name = "brightness", .type = kFloat, .default_value = 0.0, .min = 0, .max = 10,
       .help = "pixels are multiplied by a factor in [max(0, 1 - b), 1 + b], one an image", .search = "float 0..0.4"},
      {.name = "contrast", .type = kFloat, .default_value = 0.0, .min = 0, .max = 10,
       .help = "distance from the image's mean is multiplied by a factor in [max(0, 1 - c), 1 + c]", .search = "float 0..0.4"},
      {.name = "cutout", .type = kInt, .default_value = int64_t{0}, .min = 0, .max = 4096,
       .help = "side of a square at a random place that is set to the mean, in pixels; 0 = none", .search = "int 0..16",
       .source = "DeVries and Taylor 2017, arXiv:1708.04552"},
      {.name = "mixup", .type = kFloat, .default_value = 0.0, .min = 0, .max = 10,
       .help = "alpha of the Beta distribution by which pairs of examples and their losses are mixed; 0 = not", .search = "float 0..0.4",
       .source = "Zhang et al. 2018, arXiv:1710.09412"},
  };
}
// clang-format on

}  // namespace athanor
