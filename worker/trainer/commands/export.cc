#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "worker/trainer/commands/commands.h"
#include "worker/trainer/commands/safetensors.h"
#include "worker/trainer/commands/trained_model.h"
#include "worker/training/models/torchscript_export.h"

namespace athanor {
namespace {

using json = nlohmann::json;
using namespace training;

json Configuration(const NamedValues& options) {
  json object = json::object();
  for (const auto& [name, value] : options) std::visit([&](const auto& v) { object[name] = v; }, value);
  return object;
}

json Description(const ModelDescription& description) {
  const auto& [options, shape, normalization] = description;
  json input;
  if (shape.input == InputKind::kImages) {
    input = {{"kind", "images"},
             {"layout", "float32 [batch, channels, height, width], (pixel / 255 - mean) / stddev"},
             {"channels", shape.channels},
             {"height", shape.height},
             {"width", shape.width}};
  } else {
    const bool embedded = !shape.categories.empty() || normalization.category_values.empty();
    input = {{"kind", "table"},
             {"layout", std::string("float32 [batch, columns], numeric columns as (x - mean) / stddev, then ") +
                            (embedded ? "the index of each category"
                                      : "for each category a column a value, 1 where it is that, else 0")},
             {"columns", normalization.columns},
             {"categories", normalization.category_values}};
  }
  input["mean"] = normalization.mean;
  input["stddev"] = normalization.stddev;
  json output = {{"count", shape.outputs}};
  if (!normalization.classes.empty()) output["classes"] = normalization.classes;
  if (!normalization.target_mean.empty()) {
    output["target_mean"] = normalization.target_mean;
    output["target_stddev"] = normalization.target_stddev;
  }
  return {{"configuration", Configuration(options)}, {"input", input}, {"output", output}};
}

void WriteText(const std::filesystem::path& path, const std::string& text) {
  std::ofstream out(path);
  out << text;
  out.close();
  if (!out) throw std::runtime_error(path.string() + ": cannot be written");
}

void Export(const Arguments& arguments) {
  const std::string format = arguments.Or("format", "torchscript");
  if (format != "torchscript" && format != "weights") {
    throw UsageError("--format " + format + ": want torchscript or weights");
  }
  const std::filesystem::path folder = arguments.Required("out");
  TrainedModel trained = LoadTrainedModel(arguments, Use::kExport);
  std::filesystem::create_directories(folder);
  Model& model = *trained.saved.model;
  const std::filesystem::path file = folder / (format == "torchscript" ? "model.pt" : "model.safetensors");
  if (format == "torchscript") {
    ExportTorchScript(model, trained.saved.description.shape, file);
  } else {
    std::vector<NamedTensor> tensors = model.Parameters();
    for (const NamedTensor& buffer : model.Buffers()) tensors.push_back(buffer);
    WriteSafetensors(file, tensors, {{"format", "pt"}});
  }
  WriteText(folder / "model.json", Description(trained.saved.description).dump(2) + "\n");
  std::printf("%s\n%s\n", file.c_str(), (folder / "model.json").c_str());
}

}  // namespace

int RunExport(const std::vector<std::string>& words) {
  const Arguments arguments(words, {"checkpoint", "out", "format", "trial"});
  return Guarded("export", [&] { Export(arguments); });
}

}  // namespace athanor
