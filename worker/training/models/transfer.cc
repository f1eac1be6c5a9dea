#include "worker/training/models/transfer.h"

#include <ATen/ops/log.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <string_view>

#include "worker/training/checkpoints/checkpoint_file.h"
#include "worker/training/errors.h"
#include "worker/training/models/parameter_layout.h"
#include "worker/training/models/torchscript_file.h"

namespace athanor::training {
namespace {

struct PrefixPair {
  std::string from;
  std::string to;
};

std::vector<PrefixPair> ParsePrefixes(const std::string& text) {
  std::vector<PrefixPair> pairs;
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    const std::string_view pair = rest.substr(0, comma);
    const size_t equals = pair.find('=');
    const bool last = comma == std::string_view::npos;
    if (equals == std::string_view::npos || pair.find('=', equals + 1) != std::string_view::npos ||
        (!last && comma + 1 == rest.size())) {
      throw InfeasibleError("pretrained_prefix " + text + ": want pairs OLD=NEW by commas, as in backbone.=,fc.=head.");
    }
    pairs.push_back({std::string(pair.substr(0, equals)), std::string(pair.substr(equals + 1))});
    rest = last ? std::string_view() : rest.substr(comma + 1);
  }
  return pairs;
}

std::string Renamed(const std::string& name, const std::vector<PrefixPair>& pairs) {
  for (const PrefixPair& pair : pairs) {
    if (name.starts_with(pair.from)) return pair.to + name.substr(pair.from.size());
  }
  return name;
}

bool IsCheckpoint(const std::filesystem::path& path) {
  std::array<char, 8> magic{};
  std::ifstream in(path, std::ios::binary);
  in.read(magic.data(), magic.size());
  return std::string_view(magic.data(), magic.size()) == "ATHANOR\n";
}

std::vector<NamedTensor> TensorsOfFile(const std::filesystem::path& path) {
  if (!IsCheckpoint(path)) return TensorsOfTorchScript(path);
  CheckpointSections sections;
  try {
    sections = ReadCheckpoint(path);  // its errors name the file
  } catch (const CheckpointError& error) {
    throw DataError(error.what());
  }
  try {
    return TensorsOfCheckpoint(sections);
  } catch (const CheckpointError& error) {
    throw DataError(path.string() + ": " + error.what());
  }
}

std::map<std::string, at::Tensor> TensorsByNewName(const TransferOptions& options) {
  const std::vector<PrefixPair> pairs = ParsePrefixes(options.pretrained_prefix);
  std::map<std::string, at::Tensor> tensors;
  for (const NamedTensor& named : TensorsOfFile(options.pretrained)) {
    const std::string name = Renamed(named.name, pairs);
    if (!tensors.emplace(name, named.tensor).second) {
      throw InfeasibleError("pretrained_prefix " + options.pretrained_prefix + " gives two tensors the name " + name);
    }
  }
  return tensors;
}

std::string Listed(const std::vector<std::string>& names) {
  constexpr size_t kMost = 10;
  std::string text;
  for (size_t i = 0; i < std::min(kMost, names.size()); ++i) {
    if (i > 0) text += ", ";
    text += names[i];
  }
  if (names.size() > kMost) text += " and " + std::to_string(names.size() - kMost) + " more";
  return text;
}

std::string SizesOf(const at::Tensor& tensor) {
  std::string text;
  for (const int64_t size : tensor.sizes()) {
    if (!text.empty()) text += " x ";
    text += std::to_string(size);
  }
  return text.empty() ? "a scalar" : text;
}

std::vector<NamedTensor> TensorsOf(Model& model) {
  std::vector<NamedTensor> tensors = model.Parameters();
  for (const NamedTensor& buffer : model.Buffers()) tensors.push_back(buffer);
  return tensors;
}

}  // namespace

std::vector<std::string> TransferWeights(const TransferOptions& options, Model& model) {
  const c10::NoGradGuard no_grad;
  std::map<std::string, at::Tensor> given = TensorsByNewName(options);
  const std::vector<NamedTensor> wanted = TensorsOf(model);
  size_t taken = 0;
  std::vector<std::string> other_shape, missing, unused;
  for (NamedTensor target : wanted) {
    const auto found = given.find(target.name);
    if (found == given.end()) {
      missing.push_back(target.name);
      continue;
    }
    if (found->second.sizes() == target.tensor.sizes()) {
      target.tensor.copy_(found->second);
      ++taken;
    } else {
      other_shape.push_back(target.name + " (" + SizesOf(target.tensor) + ", there " + SizesOf(found->second) + ")");
    }
    given.erase(found);
  }
  for (const auto& [name, tensor] : given) {
    // PyTorch's batch norms count their steps; ours have no use for it.
    if (!name.ends_with("num_batches_tracked")) unused.push_back(name);
  }
  if (taken == 0) {
    throw InfeasibleError("pretrained " + options.pretrained + ": none of the model's " +
                          std::to_string(wanted.size()) + " tensors is there by name and shape; the model has " +
                          Listed(missing) + "; the file has " + Listed(unused));
  }
  std::vector<std::string> lines = {"pretrained " + options.pretrained + ": took " + std::to_string(taken) + " of " +
                                    std::to_string(wanted.size()) + " tensors"};
  if (!other_shape.empty()) lines.push_back("pretrained: of another shape, not taken: " + Listed(other_shape));
  if (!missing.empty()) lines.push_back("pretrained: not in the file: " + Listed(missing));
  if (!unused.empty()) lines.push_back("pretrained: in the file only: " + Listed(unused));
  return lines;
}

void SetPriorBias(Model& model, const std::vector<int64_t>& class_counts) {
  std::vector<double> counts;
  double total = 0;
  for (const int64_t count : class_counts) {
    counts.push_back(static_cast<double>(std::max<int64_t>(1, count)));
    total += counts.back();
  }
  const std::string name = model.HeadPrefix() + "bias";
  for (const NamedTensor& parameter : model.Parameters()) {
    if (parameter.name != name || parameter.tensor.sizes() != at::IntArrayRef{static_cast<int64_t>(counts.size())}) {
      continue;
    }
    const c10::NoGradGuard no_grad;
    at::Tensor(parameter.tensor).copy_(at::log(at::tensor(counts, at::kDouble) / total));
    return;
  }
  throw InfeasibleError("prior_bias: the model has no " + name + " of " + std::to_string(counts.size()) + " numbers");
}

}  // namespace athanor::training
