#include "worker/training/run/trial_identity.h"

#include <array>
#include <fstream>

#include "base/sha256.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

std::string FileHash(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  Sha256 hash;
  std::array<char, 1 << 16> piece;
  while (in.read(piece.data(), piece.size()) || in.gcount() > 0) {
    hash.Update(piece.data(), static_cast<size_t>(in.gcount()));
  }
  if (!in.eof()) throw DataError(path + ": cannot be read");
  return hash.HexDigest();
}

}  // namespace

std::string TrialIdentity(const TrialSpec& spec, const TrainingOptions& options, const Dataset& dataset) {
  std::string identity = "seed " + std::to_string(spec.seed) + "\ndata " + dataset.hash + "\n";
  for (const auto& [name, value] : spec.options) {
    if (name != "data_dir") identity += name + " " + TypeName(value) + " " + ToString(value) + "\n";
  }
  for (const std::string& file : {options.model.model_file, options.distillation.teacher}) {
    if (!file.empty()) identity += "file " + FileHash(file) + "\n";
  }
  return identity;
}

}  // namespace athanor::training
