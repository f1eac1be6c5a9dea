#include "worker/trainer/commands/trained_model.h"

#include <c10/util/Exception.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "worker/training/run/runtime.h"

namespace athanor {
namespace {

using json = nlohmann::json;

constexpr char kDataDir[] = "data_dir";

json ReadTrial(const std::string& path) {
  std::ifstream in(path);
  const json trial = json::parse(in, nullptr, /*allow_exceptions=*/false);
  if (!trial.is_object()) throw std::runtime_error(path + ": not a trial's JSON object");
  return trial;
}

NamedValues OptionsOf(const json& trial, const std::string& path) {
  NamedValues options;
  const json given = trial.value("options", json::object());
  for (const auto& [name, value] : given.items()) {
    if (value.is_boolean()) {
      options[name] = value.get<bool>();
    } else if (value.is_number_integer()) {
      options[name] = value.get<int64_t>();
    } else if (value.is_number_float()) {
      options[name] = value.get<double>();
    } else if (value.is_string()) {
      options[name] = value.get<std::string>();
    } else {
      throw std::runtime_error(path + ": option " + name + " is no bool, number or string");
    }
  }
  return options;
}

// The data may have moved since; nothing else may differ.
void CheckBelongs(const NamedValues& trial, const NamedValues& checkpoint, const std::string& path) {
  for (const auto& [name, value] : trial) {
    const auto found = checkpoint.find(name);
    if (name == kDataDir || (found != checkpoint.end() && found->second == value)) continue;
    throw std::runtime_error("the checkpoint is not of the trial in " + path + ": " + name + " is " + ToString(value) +
                             " there, " + (found == checkpoint.end() ? "not given" : ToString(found->second)) +
                             " in the checkpoint");
  }
}

}  // namespace

TrainedModel LoadTrainedModel(const Arguments& arguments, Use use) {
  const std::string trial_path = arguments.Or("trial", "");
  const json trial = trial_path.empty() ? json::object() : ReadTrial(trial_path);
  const NamedValues options = OptionsOf(trial, trial_path);
  const bool exported = use == Use::kExport;
  const at::Device device =
      exported ? at::Device(at::kCPU) : training::FindDevice(arguments.Or("device", trial.value("device", "cpu")));
  TrainedModel trained = {
      training::LoadSavedModel(arguments.Required("checkpoint"), device,
                               exported ? training::SavedPrecision::kFloat32 : training::SavedPrecision::kAsTrained),
      device,
      {}};
  CheckBelongs(options, trained.saved.description.options, trial_path);
  trained.data = trained.saved.options.data;
  const auto data_dir = options.find(kDataDir);
  if (data_dir != options.end()) trained.data.data_dir = ToString(data_dir->second);
  trained.data.data_dir = arguments.Or("data-dir", trained.data.data_dir);
  training::UseThreads(trained.saved.options.threads);
  return trained;
}

int ReportException(const char* command) {
  std::string what;
  try {
    throw;
  } catch (const UsageError&) {
    throw;
  } catch (const c10::Error& error) {
    what = std::string("LibTorch: ") + error.what_without_backtrace();
  } catch (const std::exception& error) {
    what = error.what();
  }
  std::fprintf(stderr, "athanor-trainer %s: %s\n", command, what.substr(0, what.find('\n')).c_str());
  return 1;
}

}  // namespace athanor
