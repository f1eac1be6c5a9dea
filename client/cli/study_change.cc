// study pause, resume, cancel, delete
#include <fmt/format.h>

#include <string>

#include "base/status.h"
#include "client/cli/format.h"
#include "client/cli/verb.h"
#include "client/cli/wire_json.h"

namespace athanor::cli {
namespace {

using Change = absl::StatusOr<v1::Study> (StudyClient::*)(const std::string& study);

absl::Status ChangeStudy(Session& session, Change change, const std::string& name) {
  ATHANOR_ASSIGN_OR_RETURN(const v1::Study study, (session.client().*change)(name));
  const std::string reason = study.reason().empty() ? "" : ": " + study.reason();
  return session.Answer({ToJson(study),
                         fmt::format("study {} is {}{}\n", study.spec().name(), StateName(study.state()), reason),
                         {std::to_string(study.id())}});
}

// Asks on a terminal; elsewhere nobody can answer, so the flag is required.
absl::StatusOr<bool> Confirm(const Surroundings& surroundings, const std::string& question) {
  if (!surroundings.in_is_terminal) {
    return absl::InvalidArgumentError("this cannot be undone; give --yes to do it without being asked");
  }
  surroundings.err << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(surroundings.in, answer);
  return Lower(answer) == "y" || Lower(answer) == "yes";
}

struct DeleteOptions {
  std::string study;
  bool yes = false;
};

absl::Status Delete(Session& session, const DeleteOptions& options) {
  if (!options.yes) {
    ATHANOR_ASSIGN_OR_RETURN(
        const bool confirmed,
        Confirm(session.surroundings(),
                fmt::format("Delete study {} with all its trials, curves and checkpoints?", options.study)));
    if (!confirmed) return absl::AbortedError(fmt::format("study {} was not deleted", options.study));
  }
  ATHANOR_RETURN_IF_ERROR(session.client().DeleteStudy(options.study));
  return session.Answer(
      {{{"deleted", options.study}}, fmt::format("deleted study {}\n", options.study), {options.study}});
}

void AddChange(CLI::App* parent, Session& session, const std::string& name, const std::string& description,
               Change change) {
  auto [verb, study] = session.AddVerb<std::string>(
      parent, name, description, fmt::format("athanor study {} fashion-lenet", name),
      [change](Session& run, const std::string& chosen) { return ChangeStudy(run, change, chosen); });
  AddStudyArgument(verb, study);
}

}  // namespace

void AddStudyChanges(CLI::App* parent, Session& session) {
  AddChange(parent, session, "pause", "Stop leasing; running trials checkpoint and go back to the queue",
            &StudyClient::PauseStudy);
  AddChange(parent, session, "resume", "Take back a pause", &StudyClient::ResumeStudy);
  AddChange(parent, session, "cancel", "End a study and its unfinished trials for good", &StudyClient::CancelStudy);

  auto [verb, options] = session.AddVerb<DeleteOptions>(parent, "delete", "Remove a finished study with all it stored",
                                                        "athanor study delete fashion-lenet --yes", Delete);
  AddStudyArgument(verb, options.study);
  verb->add_flag("--yes,-y", options.yes, "do not ask");
}

}  // namespace athanor::cli
