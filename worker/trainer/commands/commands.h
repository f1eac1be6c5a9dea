// What athanor-trainer does for people, beside training for a worker: a trained model measured, applied and handed on,
// and the list of its options. `athanor trial evaluate`, `predict` and `export` run these.
#pragma once

#include <string>
#include <vector>

namespace athanor {

inline constexpr char kCommandsUsage[] =
    "  athanor-trainer evaluate --checkpoint FILE [--trial FILE] [--data-dir DIR] [--device NAME]\n"
    "      measures the best model of a checkpoint on the test part of its data, a line a measure\n"
    "  athanor-trainer predict --checkpoint FILE --input DIR|FILE [--out FILE.csv] [--trial FILE] [--device NAME]\n"
    "      applies it to images (a folder, one file, IDX) or to a CSV table\n"
    "  athanor-trainer export --checkpoint FILE --out DIR [--format torchscript|weights] [--trial FILE]\n"
    "      writes model.pt or model.safetensors, and model.json with the configuration and the normalisation\n"
    "  athanor-trainer options\n"
    "      prints the table of trainer options as Markdown\n";

// Each blocks until it is done and returns the exit status: 0, or 1 with a line on standard error. `words`: what
// follows the command's name. Throws UsageError.
int RunEvaluate(const std::vector<std::string>& words);
int RunPredict(const std::vector<std::string>& words);
int RunExport(const std::vector<std::string>& words);
int RunOptions(const std::vector<std::string>& words);

}  // namespace athanor
