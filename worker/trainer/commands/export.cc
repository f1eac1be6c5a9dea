#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "worker/trainer/commands/commands.h"
#include "worker/trainer/commands/output_file.h"
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

// What the numbers that the model gives are.
const char* Values(const SavedModel& saved) {
  switch (saved.options.task.task) {
    case TaskKind::kClassification:
      return "a logit a class: softmax gives probabilities";
    case TaskKind::kMultiLabel:
      return "a logit a label: the logistic function gives probabilities";
    case TaskKind::kRegression:
      return "standardised: times target_stddev plus target_mean is in the unit of the data";
    case TaskKind::kReconstruction:
      break;
  }
  return "the inputs, as the model takes them";
}

json Description(const SavedModel& saved) {
  const auto& [options, shape, normalization] = saved.description;
  json input;
  if (shape.input == InputKind::kImages) {
    input = {{"kind", "images"},
             {"layout", "float32 [batch, channels, height, width], (pixel / 255 - mean) / stddev"},
             {"channels", shape.channels},
             {"height", shape.height},
             {"width", shape.width},
             {"resizing", "bilinear with antialiasing, to whole pixels in [0, 255]"}};
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
  json output = {{"count", shape.outputs}, {"values", Values(saved)}};
  const bool regression = saved.options.task.task == TaskKind::kRegression;
  if (!normalization.classes.empty()) output[regression ? "targets" : "classes"] = normalization.classes;
  if (!normalization.target_mean.empty()) {
    output["target_mean"] = normalization.target_mean;
    output["target_stddev"] = normalization.target_stddev;
  }
  return {{"configuration", Configuration(options)}, {"input", input}, {"output", output}};
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
  const std::filesystem::path weights = folder / (format == "torchscript" ? "model.pt" : "model.safetensors");
  const std::filesystem::path description = folder / "model.json";
  OutputFile weights_file(weights);
  if (format == "torchscript") {
    weights_file.stream() << ExportTorchScript(model, trained.saved.description.shape);
  } else {
    std::vector<NamedTensor> tensors = model.Parameters();
    for (const NamedTensor& buffer : model.Buffers()) tensors.push_back(buffer);
    WriteSafetensors(weights_file.stream(), tensors, {{"format", "pt"}});
  }
  OutputFile description_file(description);
  description_file.stream() << Description(trained.saved).dump(2) << "\n";
  weights_file.Commit();
  description_file.Commit();
  std::printf("%s\n%s\n", weights.c_str(), description.c_str());
}

}  // namespace

int RunExport(const std::vector<std::string>& words) {
  const Arguments arguments(words, {"checkpoint", "out", "format", "trial"});
  return Guarded("export", [&] { Export(arguments); });
}

}  // namespace athanor
