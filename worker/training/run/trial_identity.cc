#include "worker/training/run/trial_identity.h"

#include <array>
#include <fstream>

#include "base/sha256.h"
#include "worker/training/data/open_file.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

std::string FileHash(const std::string& path) {
  std::ifstream in = OpenDataFile(path);
  Sha256 hash;
  std::array<char, 1 << 16> piece;
  while (in.read(piece.data(), piece.size()) || in.gcount() > 0) {
    hash.Update(piece.data(), static_cast<size_t>(in.gcount()));
  }
  if (!in.eof()) throw DataError(path + ": cannot be read");
  return hash.HexDigest();
}

}  // namespace

std::string FileIdentity(const std::string& path) { return "file " + FileHash(path) + "\n"; }

std::string TrialIdentity(const TrialSpec& spec, const TrainingOptions& options, const Dataset& dataset) {
  std::string identity = "seed " + std::to_string(spec.seed) + "\ndata " + dataset.hash + "\n";
  for (const auto& [name, value] : spec.options) {
    if (name != "data_dir") identity += name + " " + TypeName(value) + " " + ToString(value) + "\n";
  }
  for (const std::string& file : {options.model.model_file, options.distillation.teacher}) {
    if (!file.empty()) identity += FileIdentity(file);
  }
  return identity;
}

}  // namespace athanor::training
