// What every verb of the command line has in common: how it is declared, its options, what it prints.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/api/study_client.h"
#include "client/cli/cli.h"
#include "client/cli/output.h"

namespace athanor::cli {

// One run of the program. Lives until the chosen verb is done.
class Session {
 public:
  explicit Session(const Surroundings& surroundings);

  // A verb below `parent` with the common options. `example` ends its --help. If the command line chooses it, `run` is
  // what it does.
  CLI::App* AddVerb(CLI::App* parent, const std::string& name, const std::string& description,
                    const std::string& example, std::function<absl::Status()> run);
  // As above, for a verb with options of its own. Returns it with a fresh Options, to which they are to be bound: it
  // lives as long as the verb and is what `run(session, options)` gets.
  template <typename Options, typename Run>
  std::pair<CLI::App*, Options&> AddVerb(CLI::App* parent, const std::string& name, const std::string& description,
                                         const std::string& example, Run run) {
    auto options = std::make_shared<Options>();
    CLI::App* verb = AddVerb(parent, name, description, example, [this, options, run] { return run(*this, *options); });
    return {verb, *options};
  }

  // Does what the command line chose.
  absl::Status RunChosen() const { return chosen_(); }

  const Surroundings& surroundings() const { return surroundings_; }
  // Connected (lazily) to --coordinator; made at the first call.
  StudyClient& client();
  Look look() const { return look_; }
  OutputFormat format() const { return format_; }
  bool quiet() const { return quiet_; }
  // Whether a person reads the answer: a table that was not silenced by --quiet.
  bool for_people() const { return format_ == OutputFormat::kTable && !quiet_; }
  int64_t now_unix_ms() const;

  // Prints as --output and --quiet say. DATA_LOSS if it could not be written.
  absl::Status Answer(const cli::Answer& answer) const;

  void set_exit_code(int exit_code) { exit_code_ = exit_code; }
  int exit_code() const { return exit_code_; }

 private:
  const Surroundings& surroundings_;
  Look look_;
  std::string coordinator_;
  double timeout_seconds_ = 20;
  OutputFormat format_ = OutputFormat::kTable;
  bool quiet_ = false;
  int exit_code_ = kOk;  // of a run without an error
  std::function<absl::Status()> chosen_;
  std::unique_ptr<StudyClient> client_;
};

// Declare the arguments of `verb` that name a study, and a trial of it.
void AddStudyArgument(CLI::App* verb, std::string& study);
void AddTrialArguments(CLI::App* verb, std::string& study, int64_t& number);

// Each declares the verbs of its file. `session` outlives `parent`.
void AddStudySubmit(CLI::App* parent, Session& session);
void AddStudyQueries(CLI::App* parent, Session& session);
void AddStudyWatch(CLI::App* parent, Session& session);
void AddStudyChanges(CLI::App* parent, Session& session);
void AddStudyUpdate(CLI::App* parent, Session& session);
void AddStudyProgress(CLI::App* parent, Session& session);
void AddStudyCompare(CLI::App* parent, Session& session);
void AddStudyImportance(CLI::App* parent, Session& session);
void AddStudyGarbage(CLI::App* parent, Session& session);
void AddStudyExport(CLI::App* parent, Session& session);
void AddTrialQueries(CLI::App* parent, Session& session);
void AddTrialCurve(CLI::App* parent, Session& session);
void AddTrialLogs(CLI::App* parent, Session& session);
void AddTrialArtifacts(CLI::App* parent, Session& session);
void AddTrialCheckpoint(CLI::App* parent, Session& session);
void AddTrialUses(CLI::App* parent, Session& session);
void AddTrialChanges(CLI::App* parent, Session& session);
void AddBest(CLI::App* parent, Session& session);
void AddWorkerVerbs(CLI::App* parent, Session& session);
void AddServerVerbs(CLI::App* parent, Session& session);
void AddSimulate(CLI::App* parent, Session& session);

// Watches `study` as `study watch` does.
absl::Status WatchStudy(Session& session, const std::string& study, int top);

}  // namespace athanor::cli
