// trial retry, cancel, enqueue
#include <fmt/format.h>

#include "base/status.h"
#include "client/cli/format.h"
#include "client/cli/named_values.h"
#include "client/cli/verb.h"
#include "client/cli/wire_json.h"

namespace athanor::cli {
namespace {

using Change = absl::StatusOr<v1::Trial> (StudyClient::*)(const std::string& study, int64_t number);

struct ChangeOptions {
  std::string study;
  int64_t number = 0;
};

absl::Status ChangeTrial(Session& session, Change change, const ChangeOptions& options) {
  ATHANOR_ASSIGN_OR_RETURN(const v1::Trial trial, (session.client().*change)(options.study, options.number));
  const std::string text =
      fmt::format("trial {} of {} is {}\n", trial.number(), options.study, StateName(trial.state()));
  return session.Answer({ToJson(trial), text, {std::to_string(trial.number())}});
}

void AddChange(CLI::App* parent, Session& session, const std::string& name, const std::string& description,
               Change change) {
  auto [verb, options] = session.AddVerb<ChangeOptions>(
      parent, name, description, fmt::format("athanor trial {} fashion-lenet 7", name),
      [change](Session& run, const ChangeOptions& chosen) { return ChangeTrial(run, change, chosen); });
  AddTrialArguments(verb, options.study, options.number);
}

struct EnqueueOptions {
  std::string study;
  std::vector<std::string> parameters;
};

absl::Status Enqueue(Session& session, const EnqueueOptions& options) {
  ATHANOR_ASSIGN_OR_RETURN(const std::vector<v1::NamedValue> parameters, ParseNamedValues(options.parameters));
  ATHANOR_ASSIGN_OR_RETURN(const v1::EnqueueTrialResponse response,
                           session.client().EnqueueTrial(options.study, parameters));
  const std::string text = response.position() == 0
                               ? fmt::format("queued in {}: next\n", options.study)
                               : fmt::format("queued in {}: {} before it\n", options.study, response.position());
  return session.Answer(
      {{{"study", options.study}, {"position", response.position()}}, text, {std::to_string(response.position())}});
}

}  // namespace

void AddTrialChanges(CLI::App* parent, Session& session) {
  AddChange(parent, session, "retry", "Queue a FAILED or CANCELLED trial again", &StudyClient::RetryTrial);
  AddChange(parent, session, "cancel", "End a trial", &StudyClient::CancelTrial);

  auto [verb, options] = session.AddVerb<EnqueueOptions>(
      parent, "enqueue", "Queue a configuration to be tried next; parameters left out are chosen by the search",
      "athanor trial enqueue fashion-lenet optimizer=sgd learning_rate=0.05", Enqueue);
  AddStudyArgument(verb, options.study);
  verb->add_option("parameters", options.parameters,
                   "typed as in a study file: 1 is an int, 1.0 a float, '\"1\"' a string")
      ->required()
      ->option_text("NAME=VALUE ...");
}

}  // namespace athanor::cli
