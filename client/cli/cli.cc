#include "client/cli/cli.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <map>
#include <utility>

#include "base/edit_distance.h"
#include "client/cli/verb.h"

namespace athanor::cli {
namespace {

Look ChooseLook(const Surroundings& surroundings) {
  // https://no-color.org: present and not empty, whatever its value.
  const bool no_colour = !surroundings.variable("NO_COLOR").value_or("").empty();
  const bool dumb = surroundings.variable("TERM").value_or("") == "dumb";
  return {.charset = surroundings.charset,
          .colour = surroundings.out_is_terminal && !no_colour && !dumb ? Colour::kAnsi : Colour::kNever};
}

std::string OneLine(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

int ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      return kBadInput;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return kUnreachable;
    default:
      return kFailed;
  }
}

// The library says of a misspelt verb only that one is required.
std::string WhyUnusable(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> unknown = app.remaining(true);
  if (unknown.empty()) return OneLine(error.what());
  const CLI::App* deepest = &app;
  while (!deepest->get_subcommands().empty()) deepest = deepest->get_subcommands().front();
  std::vector<std::string> names;
  for (const CLI::App* verb : deepest->get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(verb->get_name());
  const std::string_view closest = ClosestName(unknown.front(), names);
  return fmt::format("unknown word \"{}\"{}", OneLine(unknown.front()),
                     closest.empty() ? "" : fmt::format("; did you mean \"{}\"?", closest));
}

void AddGroups(CLI::App* app, Session& session) {
  const auto group = [&](const char* name, const char* description) {
    CLI::App* added = app->add_subcommand(name, description);
    added->require_subcommand(1);
    return added;
  };
  CLI::App* study = group("study", "Submit, watch and steer studies");
  AddStudySubmit(study, session);
  AddStudyQueries(study, session);
  AddStudyWatch(study, session);
  AddStudyChanges(study, session);
  AddStudyUpdate(study, session);
  AddStudyProgress(study, session);
  AddStudyCompare(study, session);
  AddStudyImportance(study, session);
  AddStudyGarbage(study, session);
  AddStudyExport(study, session);
  CLI::App* trial = group("trial", "Look at and steer single trials");
  AddTrialQueries(trial, session);
  AddTrialCurve(trial, session);
  AddTrialLogs(trial, session);
  AddTrialArtifacts(trial, session);
  AddTrialCheckpoint(trial, session);
  AddTrialUses(trial, session);
  AddTrialChanges(trial, session);
  AddBest(app, session);
  AddSimulate(app, session);
  AddWorkerVerbs(group("worker", "The fleet"), session);
  AddServerVerbs(group("server", "The coordinator"), session);
}

}  // namespace

Session::Session(const Surroundings& surroundings)
    : surroundings_(surroundings),
      look_(ChooseLook(surroundings)),
      coordinator_(surroundings.variable("ATHANOR_COORDINATOR").value_or("")) {
  if (coordinator_.empty()) coordinator_ = StudyClientOptions().coordinator;
}

CLI::App* Session::AddVerb(CLI::App* parent, const std::string& name, const std::string& description,
                           const std::string& example, std::function<absl::Status()> run) {
  static const std::map<std::string, OutputFormat> kFormats = {{"table", OutputFormat::kTable},
                                                               {"json", OutputFormat::kJson},
                                                               {"yaml", OutputFormat::kYaml},
                                                               {"csv", OutputFormat::kCsv}};
  CLI::App* verb = parent->add_subcommand(name, description);
  verb->add_option("--coordinator", coordinator_, "host:port; default $ATHANOR_COORDINATOR, else 127.0.0.1:7077")
      ->option_text("HOST:PORT");
  verb->add_option("--timeout", timeout_seconds_, "seconds to wait for each answer; default 20")
      ->check(CLI::Range(0.001, 1e6))
      ->option_text("SECONDS");
  verb->add_option_function<std::string>(
          "--output,-o", [this](const std::string& word) { format_ = kFormats.at(word); },
          "table (default), json, yaml or csv")
      ->check(CLI::IsMember({"table", "json", "yaml", "csv"}))
      ->option_text("FORMAT");
  verb->add_flag("--quiet,-q", quiet_, "print ids only");
  verb->footer("Example:\n  " + example);
  verb->callback([this, run = std::move(run)] { chosen_ = run; });
  return verb;
}

void AddStudyArgument(CLI::App* verb, std::string& study) {
  verb->add_option("study", study, "name or id")->required();
}

void AddTrialArguments(CLI::App* verb, std::string& study, int64_t& number) {
  AddStudyArgument(verb, study);
  verb->add_option("number", number, "number of the trial")->required()->check([](const std::string& text) {
    const bool digits = !text.empty() && text.size() <= 18 && text.find_first_not_of("0123456789") == std::string::npos;
    return digits ? "" : fmt::format("\"{}\" is no trial; want a number from 0", text);
  });
}

StudyClient& Session::client() {
  if (client_ == nullptr) {
    StudyClientOptions options;
    options.coordinator = coordinator_;
    options.deadline = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(timeout_seconds_));
    client_ = std::make_unique<StudyClient>(std::move(options));
  }
  return *client_;
}

int64_t Session::now_unix_ms() const { return surroundings_.clock.Read().wall.time_since_epoch().count(); }

absl::Status Session::Answer(const cli::Answer& answer) const {
  if (Print(answer, format_, quiet_, surroundings_.out)) return absl::OkStatus();
  return absl::DataLossError("the answer could not be written to the standard output");
}

int Run(const std::vector<std::string>& arguments, const Surroundings& surroundings) {
  Session session(surroundings);
  CLI::App app("athanor: submit, watch and query hyperparameter studies", "athanor");
  app.require_subcommand(1);
  app.set_version_flag("--version", "athanor " ATHANOR_VERSION);
  app.footer(
      "Every verb has --help with an example. Exit codes: 0 ok, 1 the operation failed, 2 bad usage or input, "
      "3 coordinator unreachable.");
  AddGroups(&app, session);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // it takes them from the back
  } catch (const CLI::Success& asked_for_help) {
    return app.exit(asked_for_help, surroundings.out, surroundings.err);
  } catch (const CLI::ParseError& error) {
    surroundings.err << "athanor: " << WhyUnusable(app, error) << " (try --help)\n";
    return kBadInput;
  }
  absl::Status status;
  try {
    status = session.RunChosen();
  } catch (const std::exception& error) {
    status = absl::InternalError(error.what());
  }
  if (status.ok()) return session.exit_code();
  surroundings.err << "athanor: " << OneLine(std::string(status.message())) << "\n";
  return ExitCodeOf(status);
}

}  // namespace athanor::cli
