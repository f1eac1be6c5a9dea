#include "server/coordinator/requirements.h"

#include <algorithm>
#include <string>

#include "base/trainer_options.h"

namespace athanor {
namespace {

// The one that a package of the system installs. Others lie in data_dir or are made from a seed.
constexpr char kInstalledDataset[] = "fashion-mnist";

// The data set that every trial of the study looks for by its name; "" if there is none, or they may differ.
std::string NeededDataset(const StudySpec& spec) {
  for (const Parameter& parameter : spec.parameters) {
    if (parameter.name == "dataset" || parameter.name == "data_dir") return "";
  }
  const auto option = [&](const char* name) {
    const auto given = spec.trainer.find(name);
    return std::get<std::string>(given != spec.trainer.end() ? given->second : FindTrainerOption(name)->default_value);
  };
  return option("data_dir").empty() && option("dataset") == kInstalledDataset ? kInstalledDataset : "";
}

}  // namespace

bool Meets(const WorkerRecord& worker, const StudySpec& spec) {
  const RequirementOptions& needed = spec.requirements;
  if (needed.device != "any") {
    const auto devices = std::ranges::count(worker.devices, needed.device, &DeviceRecord::kind);
    if (devices < needed.devices) return false;
  }
  if (!worker.datasets.empty()) {
    const std::string dataset = NeededDataset(spec);
    if (!dataset.empty() && std::ranges::find(worker.datasets, dataset) == worker.datasets.end()) return false;
  }
  return std::ranges::all_of(needed.labels, [&](const auto& wanted) {
    const auto offered = worker.labels.find(wanted.first);
    return offered != worker.labels.end() && offered->second == wanted.second;
  });
}

}  // namespace athanor
