// trial evaluate, trial predict, trial export: a trial's best model in the hands of the trainer, on this machine.
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/value.h"
#include "client/cli/checkpoint_download.h"
#include "client/cli/format.h"
#include "client/cli/local_program.h"
#include "client/cli/table.h"
#include "client/cli/verb.h"
#include "client/cli/wire_json.h"

namespace athanor::cli {
namespace {

constexpr char kTrainer[] = "athanor-trainer";
constexpr char kOutput[] = "output";  // in the temporary folder: what the trainer printed

struct Options {
  std::string study;
  int64_t number = 0;
  std::string trainer;  // empty: the built-in one
  std::string device = "cpu";
  std::string data_dir;
  std::string input;
  std::string out;
  std::string format = "torchscript";
};

// As the trainer protocol has it: a number that JSON lacks is the string "nan", "inf" or "-inf".
Json OptionValue(const v1::Value& value) {
  const bool lacking = value.has_float_value() && !std::isfinite(value.float_value());
  return lacking ? Json(ToString(athanor::Value(value.float_value()))) : ToJson(value);
}

// What the trainer is told of the trial: the same as in the `start` that trained it.
Json TrialFile(const v1::Study& study, const v1::Trial& trial, const std::string& device) {
  Json options = Json::object();
  for (const v1::NamedValue& option : study.spec().trainer()) options[option.name()] = OptionValue(option.value());
  for (const v1::NamedValue& parameter : trial.parameters()) options[parameter.name()] = OptionValue(parameter.value());
  const v1::Objective& objective = study.spec().objectives(0);
  return {{"options", std::move(options)},
          {"seed", std::to_string(trial.seed())},
          {"device", device},
          {"resource", study.spec().resource() == v1::RESOURCE_STEP ? "step" : "epoch"},
          {"objective", objective.metric()},
          {"goal", objective.goal() == v1::GOAL_MINIMIZE ? "minimize" : "maximize"}};
}

// FAILED_PRECONDITION if another program trained it, whose checkpoints are its own.
absl::Status CheckTrainer(const v1::TrialDetail& detail) {
  for (const v1::Attempt& attempt : detail.attempts()) {
    const std::string& version = attempt.environment().trainer_version();
    if (version.empty() || version.starts_with(std::string(kTrainer) + " ")) continue;
    return absl::FailedPreconditionError(fmt::format(
        "trial {} was trained by \"{}\", not by {}: name a program that reads its checkpoints with --trainer",
        detail.trial().number(), version, kTrainer));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> FindTrainer(const Session& session, const Options& options) {
  const Surroundings& world = session.surroundings();
  const std::string name = options.trainer.empty() ? kTrainer : options.trainer;
  const auto found = FindProgram(name, world.program_folder, world.variable("PATH").value_or(""));
  if (found.ok()) return found;
  return absl::NotFoundError(fmt::format("{}; it is installed with the worker, --trainer PROGRAM names another",
                                         std::string(found.status().message())));
}

absl::Status WriteTrialFile(const Json& trial, const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  file << ToJsonText(trial);
  file.close();
  return file ? absl::OkStatus() : absl::DataLossError(fmt::format("{}: cannot write", path));
}

// What the trainer printed on its standard output, line by line.
std::vector<std::string> LinesOf(const TemporaryFolder& folder) {
  std::ifstream output(folder / kOutput, std::ios::binary);
  std::vector<std::string> lines;
  for (std::string line; std::getline(output, line);) lines.push_back(std::move(line));
  return lines;
}

// Fetches the best checkpoint and runs `trainer verb --trial FILE --checkpoint FILE arguments...`; `arguments` are made
// for a folder that is there until `after` has run, which it does if the trainer ended with status 0. What the trainer
// prints is in the folder then (LinesOf).
absl::Status RunTrainer(Session& session, const Options& options, const std::string& verb,
                        const std::function<std::vector<std::string>(const TemporaryFolder&)>& arguments,
                        const std::function<absl::Status(const TemporaryFolder&)>& after) {
  ATHANOR_ASSIGN_OR_RETURN(const std::string trainer, FindTrainer(session, options));
  ATHANOR_ASSIGN_OR_RETURN(const v1::Study study, session.client().GetStudy(options.study));
  ATHANOR_ASSIGN_OR_RETURN(const v1::TrialDetail detail, session.client().GetTrial(options.study, options.number));
  if (options.trainer.empty()) ATHANOR_RETURN_IF_ERROR(CheckTrainer(detail));

  SignalPipe signals({SIGINT, SIGTERM, SIGHUP});  // from here on nothing ends this program before the folder is gone
  ATHANOR_ASSIGN_OR_RETURN(const TemporaryFolder folder, TemporaryFolder::Make());
  ATHANOR_RETURN_IF_ERROR(WriteTrialFile(TrialFile(study, detail.trial(), options.device), folder / "trial.json"));
  v1::DownloadTrialCheckpointRequest request;
  request.set_study(options.study);
  request.set_number(options.number);
  request.set_choice(v1::CHECKPOINT_CHOICE_BEST);
  const auto checkpoint = DownloadCheckpoint(session, signals, request, folder / "best.ckpt");
  if (absl::IsCancelled(checkpoint.status())) {
    session.set_exit_code(kInterrupted);
    return absl::OkStatus();
  }
  ATHANOR_RETURN_IF_ERROR(checkpoint.status());
  NoteIfBeforeBest(session, detail.trial(), *checkpoint);

  std::vector<std::string> command = {
      trainer, verb, "--trial", folder / "trial.json", "--checkpoint", folder / "best.ckpt"};
  for (std::string& argument : arguments(folder)) command.push_back(std::move(argument));
  ATHANOR_ASSIGN_OR_RETURN(const int exit_code, RunProgram(command, signals, folder / kOutput));
  session.set_exit_code(exit_code);
  return exit_code == 0 ? after(folder) : absl::OkStatus();
}

// The trainer prints a line a measure: its name, a space, its value with all digits.
absl::Status AnswerMeasures(const Session& session, int64_t number, const std::vector<std::string>& lines) {
  Answer answer{.data = Json::object(), .text = "", .ids = {std::to_string(number)}};
  Table table({{"MEASURE"}, {"VALUE", Align::kRight}});
  for (const std::string& line : lines) {
    const size_t space = std::min(line.find(' '), line.size());
    const std::string name = line.substr(0, space), text = line.substr(space);
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (name.empty() || end == text.c_str() || *end != '\0') {
      return absl::DataLossError(fmt::format("the trainer's answer is no measure and its value: \"{}\"", line));
    }
    answer.data[name] = value;
    table.AddRow({StyledLine(name), StyledLine(FormatMetric(value))});
  }
  answer.text = table.empty() ? "the trainer measured nothing\n" : table.Text(session.look());
  return session.Answer(answer);
}

absl::Status Evaluate(Session& session, const Options& options) {
  return RunTrainer(
      session, options, "evaluate",
      [&](const TemporaryFolder&) -> std::vector<std::string> {
        if (options.data_dir.empty()) return {};
        return {"--data-dir", options.data_dir};
      },
      [&](const TemporaryFolder& folder) { return AnswerMeasures(session, options.number, LinesOf(folder)); });
}

// Files that were written.
absl::Status AnswerPaths(const Session& session, const std::vector<std::string>& paths) {
  Answer answer{.data = Json::array(), .text = "", .ids = paths};
  for (const std::string& path : paths) {
    answer.data.push_back({{"path", path}});
    answer.text += fmt::format("wrote {}\n", path);
  }
  return session.Answer(answer);
}

// Without --out the table goes to the standard output as it is.
absl::Status Predict(Session& session, const Options& options) {
  const bool as_it_is = session.for_people() || (session.format() == OutputFormat::kCsv && !session.quiet());
  if (options.out.empty() && !as_it_is) {
    return absl::InvalidArgumentError("predictions are CSV: name a file with --out, or leave --output and --quiet out");
  }
  const auto target = [&](const TemporaryFolder& folder) {
    return options.out.empty() ? folder / "predictions.csv" : options.out;
  };
  const auto print = [&](const TemporaryFolder& folder) {
    if (!options.out.empty()) return AnswerPaths(session, {options.out});
    std::ifstream table(target(folder), std::ios::binary);
    std::ostream& out = session.surroundings().out;
    if (!table || table.peek() == std::ifstream::traits_type::eof()) {
      return absl::DataLossError("the trainer wrote no predictions");
    }
    out << table.rdbuf() << std::flush;
    return out.good() ? absl::OkStatus() : absl::DataLossError("the predictions could not be written");
  };
  return RunTrainer(
      session, options, "predict",
      [&](const TemporaryFolder& folder) {
        return std::vector<std::string>{"--input", options.input, "--out", target(folder)};
      },
      print);
}

absl::Status Export(Session& session, const Options& options) {
  return RunTrainer(
      session, options, "export",
      [&](const TemporaryFolder&) {
        return std::vector<std::string>{"--out", options.out, "--format", options.format};
      },
      [&](const TemporaryFolder& folder) { return AnswerPaths(session, LinesOf(folder)); });
}

void AddDevice(CLI::App* verb, Options& options) {
  verb->add_option("--device", options.device, "where to run it: cpu (default), cuda:0, cuda:1, ...")
      ->option_text("DEVICE");
}

void AddCommon(CLI::App* verb, Options& options) {
  AddTrialArguments(verb, options.study, options.number);
  verb->add_option("--trainer", options.trainer,
                   "the program to run; default: athanor-trainer, beside this program or in PATH")
      ->option_text("PROGRAM");
}

}  // namespace

void AddTrialUses(CLI::App* parent, Session& session) {
  auto [evaluate, evaluation] = session.AddVerb<Options>(
      parent, "evaluate", "Measure a trial's best model on the test split of its data, on this machine",
      "athanor trial evaluate fashion-lenet 7 --device cuda:0", Evaluate);
  AddCommon(evaluate, evaluation);
  AddDevice(evaluate, evaluation);
  evaluate->add_option("--data-dir", evaluation.data_dir, "where the data are here; default: as in the study")
      ->option_text("DIR");

  auto [predict, prediction] = session.AddVerb<Options>(
      parent, "predict", "Apply a trial's best model to data of yours, on this machine: a line of CSV an example",
      "athanor trial predict fashion-lenet 7 --input photos/ --out predictions.csv", Predict);
  AddCommon(predict, prediction);
  AddDevice(predict, prediction);
  predict->add_option("--input", prediction.input, "a file, or a folder of files")->required()->option_text("PATH");
  predict->add_option("--out", prediction.out, "the CSV file to write; default: the standard output")
      ->option_text("FILE");

  auto [exported, exporting] = session.AddVerb<Options>(
      parent, "export", "Write a trial's best model for use elsewhere, its configuration and normalisation beside it",
      "athanor trial export fashion-lenet 7 --out lenet/", Export);
  AddCommon(exported, exporting);
  exported->add_option("--out", exporting.out, "the folder to write to")->required()->option_text("DIR");
  exported->add_option("--format", exporting.format, "torchscript (default) or weights")
      ->check(CLI::IsMember({"torchscript", "weights"}))
      ->option_text("FORMAT");
}

}  // namespace athanor::cli
