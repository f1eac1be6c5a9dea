// The built-in architectures, one function and one file each, for MakeModel.
//
// Each makes its network on the CPU, drawn from LibTorch's default generator (layers.h), and throws InfeasibleError,
// naming the option and the sizes, if the inputs are not of its kind (a table for a convolution), too small for it, or
// the layers too wide to be held. Image models take any number of channels and images that are not square.
//
// Options are those of options/model_options.h. The last layer is a dense one, `head`, after [dropout].
#pragma once

#include <memory>

#include "worker/training/models/model.h"

namespace athanor::training {

// Multi-layer perceptron: hidden_layers times (dense, [norm], activation, [dropout]), named `layers.N.dense` and
// `layers.N.norm`. kLinear is the same without hidden layers: softmax regression, or least squares. Images are taken as
// rows of pixels. Tables with categories get a learned vector of category_units for each value, `embedding`, beside the
// numeric columns (Guo and Berkhahn 2016, arXiv:1604.06737).
std::unique_ptr<Model> MakeMlp(const ModelSpec& spec);

// LeNet-5's plan (LeCun et al. 1998) with max pooling and tunable widths: convolution (padded to keep the size), [
// norm], 2 x 2 max pooling, activation; convolution (unpadded, twice the channels), [norm], pooling, activation;
// [dropout]; dense, [norm], activation. Pooling before the activation gives the same for monotone activations and a
// quarter of the work. Children `conv1`, `norm1`, `conv2`, `norm2`, `dense`, `norm3`.
std::unique_ptr<Model> MakeLenet(const ModelSpec& spec);

// `blocks` times (convolution that keeps the size, [norm], 2 x 2 max pooling, activation), `channels` in the first
// block and twice as many in each further one: `blocks.N.conv`, `blocks.N.norm`. The head sees all pixels that are
// left.
std::unique_ptr<Model> MakeCnn(const ModelSpec& spec);

// GoogLeNet's nine inception blocks with batch normalisation (Szegedy et al. 2014, arXiv:1409.4842; Ioffe and Szegedy
// 2015, arXiv:1502.03167), without auxiliary heads and with 3 x 3 kernels in the third branch, as torchvision has it
// and with its names: 6,624,904 parameters at 3 channels, 1000 classes and width 1. Images of less than 64 pixels on
// their shorter side get a first convolution of 3 x 3 and stride 1 and no pooling behind it: the whole then divides the
// image by 8, not by 32. width_multiplier scales all channel counts.
//
// attention: spatial puts the spatial module of CBAM (Woo et al. 2018, arXiv:1807.06521, section 3.2) before the head:
// each pixel is weighted by a sigmoid of a 7 x 7 convolution over the mean and the maximum of its channels.
std::unique_ptr<Model> MakeInception(const ModelSpec& spec);

// gMLP (Liu et al. 2021, arXiv:2105.08050) for images: patches of patch_size become tokens of `channels`; `blocks`
// times (norm, dense to hidden_units, GELU, spatial gating unit, dense to `channels`, plus the input); norm; mean over
// the tokens. The gate's projection over tokens starts at nearly 0 and its bias at 1, so that at first nothing is
// gated. hidden_units must be even, patch_size must divide both sides of the image.
std::unique_ptr<Model> MakeGmlp(const ModelSpec& spec);

// MobileNetV3, small or large (Howard et al. 2019, arXiv:1905.02244), with torchvision's names but `head` for its
// `classifier.3`: 2,542,856 and 5,483,032 parameters at 3 channels, 1000 classes and width 1. Images of less than 64
// pixels on their shorter side keep more of them: the first convolution and the first block that would halve the image
// have stride 1, so that the whole divides it by 8 instead of 32. Running statistics have LibTorch's momentum of 0.1
// and not torchvision's 0.01, which wants more steps than a short trial has. width_multiplier as in the paper: channel
// counts are rounded to multiples of 8.
std::unique_ptr<Model> MakeMobilenetV3(const ModelSpec& spec);

// Residual networks (He et al. 2015, arXiv:1512.03385) with torchvision's names but `head` for its `fc`.
//
// resnet20, 32, 44: the plan for CIFAR, three stages of 16, 32 and 64 channels, with shortcuts that have no parameters
// (option A: every second pixel, new channels zero): 269,722, 464,154 and 658,586 parameters at 3 channels and 10
// classes.
//
// resnet18: four stages of 64 to 512 channels with shortcuts projected by 1 x 1 convolutions (option B): 11,689,512
// parameters at 3 channels and 1000 classes. Images of less than 64 pixels on their shorter side get a first
// convolution of 3 x 3 and stride 1 and no pooling behind it.
//
// width_multiplier scales all channel counts.
std::unique_ptr<Model> MakeResnet(const ModelSpec& spec);

// Bilinear CNN (Lin et al. 2015, arXiv:1504.07889): two streams of convolution blocks over the same image (as cnn, with
// 3 x 3 kernels and batch normalisation), `streams.0` and `streams.1`; the products of their channels, averaged over
// the pixels; signed square root; scaled to length 1. pooling: full takes all pairs of channels; compact their tensor
// sketch of sketch_units numbers (Gao et al. 2016, arXiv:1511.06062, algorithm 2), whose hashes are the same in every
// trial. What the head sees has length 1, so it wants learning rates about ten times larger than others.
std::unique_ptr<Model> MakeBilinear(const ModelSpec& spec);

// Dense autoencoder: encoder of hidden_layers times (dense, [norm], activation) and a dense layer to the code of
// embedding_units; the decoder mirrors it and gives the input's shape. For other tasks than reconstruction there is no
// decoder, and the head stands on the code: so the weights `encoder.` of a trained autoencoder can be taken over by
// `pretrained`.
std::unique_ptr<Model> MakeAutoencoder(const ModelSpec& spec);

// Convolutional autoencoder, in the same way: `blocks` times (3 x 3 convolution of stride 2, [norm], activation) with
// channels doubled, then a dense layer to the code; the decoder's blocks double the image by nearest neighbours before
// each convolution, which leaves no checkerboard (Odena et al. 2016).
std::unique_ptr<Model> MakeConvAutoencoder(const ModelSpec& spec);

// The scripted or traced module in the file `model_file`, trained as it is: its parameters that require gradients, its
// buffers and its switch between training and evaluation. Its `forward` takes a batch of inputs (data/dataset.h) and
// returns what Model::Forward does; this is tried once, in evaluation mode on a batch of zeros.
//
// Throws DataError, naming the file, if it is missing or no TorchScript module; InfeasibleError if it fails on the
// batch, returns another shape or no tensor, has parameters that are not float32, or none, or buffers that a checkpoint
// cannot hold (parameter_layout.h).
std::unique_ptr<Model> MakeTorchScript(const ModelSpec& spec);

}  // namespace athanor::training
