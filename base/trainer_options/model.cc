#include "base/trainer_options/tables.h"

namespace athanor {

using enum OptionType;

// clang-format off
std::vector<TrainerOption> ModelOptionTable() {
  return {
      {.name = "model", .type = kChoice, .default_value = std::string("lenet"),
       .choices = {"lenet", "linear", "mlp", "cnn", "inception", "gmlp", "mobilenet_v3_small", "mobilenet_v3_large",
                   "resnet18", "resnet20", "resnet32", "resnet44", "bilinear", "autoencoder", "conv_autoencoder", "torchscript"},
       .help = "network architecture", .search = "[lenet, cnn, resnet20]", .source = "worker/training/models/architectures.h names the papers"},
      {.name = "hidden_units", .type = kInt, .default_value = int64_t{128}, .min = 1, .max = 16384,
       .help = "mlp, autoencoder: width of every hidden layer; lenet: of the first dense layer; gmlp: of the gated projection, even",
       .search = "int 32..1024 log"},
      {.name = "hidden_layers", .type = kInt, .default_value = int64_t{2}, .min = 0, .max = 64,
       .help = "mlp, autoencoder: number of hidden layers (autoencoder: each way)", .search = "int 1..5"},
      {.name = "channels", .type = kInt, .default_value = int64_t{16}, .min = 1, .max = 4096,
       .help = "lenet, cnn, conv_autoencoder, bilinear: channels of the first convolution, doubled by each block; gmlp: width of a token",
       .search = "int 8..64 log"},
      {.name = "blocks", .type = kInt, .default_value = int64_t{3}, .min = 1, .max = 64,
       .help = "cnn, conv_autoencoder, bilinear: convolution blocks; gmlp: gated blocks", .search = "int 2..6"},
      {.name = "kernel_size", .type = kInt, .default_value = int64_t{5}, .min = 1, .max = 9,
       .help = "lenet, cnn: side of the convolution kernels in pixels, odd", .search = "[3, 5, 7]"},
      {.name = "patch_size", .type = kInt, .default_value = int64_t{4}, .min = 1, .max = 64,
       .help = "gmlp: side of the patches that become tokens, in pixels; divides the image", .search = "[2, 4, 7]",
       .source = "Liu et al. 2021, arXiv:2105.08050"},
      {.name = "width_multiplier", .type = kFloat, .default_value = 1.0, .min = 0.1, .max = 8,
       .help = "mobilenet_v3, resnet, inception: factor of all channel counts", .search = "[0.5, 0.75, 1.0]",
       .source = "Howard et al. 2017, arXiv:1704.04861"},
      {.name = "embedding_units", .type = kInt, .default_value = int64_t{32}, .min = 1, .max = 16384,
       .help = "autoencoder, conv_autoencoder: width of the code", .search = "int 2..128 log"},
      {.name = "category_units", .type = kInt, .default_value = int64_t{8}, .min = 1, .max = 1024,
       .help = "linear, mlp on a table with categories: embedded: width of each category's vector", .search = "int 2..32 log",
       .source = "Guo and Berkhahn 2016, arXiv:1604.06737"},
      {.name = "pooling", .type = kChoice, .default_value = std::string("full"), .choices = {"full", "compact"},
       .help = "bilinear: all products of channels, or their tensor sketch", .search = "[full, compact]",
       .source = "Lin et al. 2015, arXiv:1504.07889; Gao et al. 2016, arXiv:1511.06062"},
      {.name = "sketch_units", .type = kInt, .default_value = int64_t{1024}, .min = 1, .max = 65536,
       .help = "bilinear with pooling: compact: width of the sketch", .search = "int 256..8192 log",
       .source = "Pham and Pagh 2013"},
      {.name = "attention", .type = kChoice, .default_value = std::string("none"), .choices = {"none", "spatial"},
       .help = "inception: a spatial attention module before the head", .search = "[none, spatial]",
       .source = "Woo et al. 2018, arXiv:1807.06521"},
      {.name = "activation", .type = kChoice, .default_value = std::string("relu"),
       .choices = {"relu", "tanh", "gelu", "silu", "leaky_relu", "elu", "hardswish"},
       .help = "non-linearity between layers, in the models that do not prescribe theirs", .search = "[relu, gelu, silu]"},
      {.name = "norm", .type = kChoice, .default_value = std::string("none"), .choices = {"none", "batch", "layer", "group"},
       .help = "normalisation after every hidden layer, in lenet, mlp, cnn and the autoencoders", .search = "[none, batch]",
       .source = "Ioffe and Szegedy 2015; Ba et al. 2016; Wu and He 2018"},
      {.name = "dropout", .type = kFloat, .default_value = 0.0, .min = 0, .max = 1, .exclusive_max = true,
       .help = "probability of zeroing an activation before the dense layers", .search = "float 0..0.5",
       .source = "Srivastava et al. 2014"},
      {.name = "model_file", .type = kString, .default_value = std::string(""),
       .help = "torchscript: the scripted module (.pt), trained as it is; on the worker's disk"},
      {.name = "pretrained", .type = kString, .default_value = std::string(""),
       .help = "checkpoint or TorchScript file to take weights from where name and shape match; the log says which did; on the worker's disk"},
      {.name = "pretrained_prefix", .type = kString, .default_value = std::string(""),
       .help = "renames weights of the pretrained checkpoint by prefix: OLD=NEW, several by commas"},
      {.name = "freeze_epochs", .type = kFloat, .default_value = 0.0, .min = 0, .max = 1e6,
       .help = "epochs in which the head alone is trained, before everything", .search = "[0, 1, 3]"},
      {.name = "backbone_learning_rate_factor", .type = kFloat, .default_value = 1.0, .min = 0, .max = 1,
       .help = "factor of the learning rate of everything but the head, after freeze_epochs; 0 = never trained", .search = "float 0.01..1 log",
       .source = "Howard and Ruder 2018, arXiv:1801.06146"},
  };
}
// clang-format on

}  // namespace athanor
