// study submit
#include <fmt/format.h>

#include <utility>

#include "base/status.h"
#include "client/api/study_file.h"
#include "client/cli/format.h"
#include "client/cli/table.h"
#include "client/cli/verb.h"
#include "client/cli/wire_json.h"

namespace athanor::cli {
namespace {

struct Options {
  std::string file;
  bool dry_run = false;
  bool watch = false;
};

absl::StatusOr<StudyFile> Load(const std::string& file, std::istream& in) {
  if (file != "-") return ReadStudyFile(file);
  return ParseStudyFile(std::string(std::istreambuf_iterator<char>(in), {}), "stdin");
}

std::string Total(const v1::StudyPlan& plan) {
  const char* unit = plan.spec().resource() == v1::RESOURCE_STEP ? "steps" : "epochs";
  std::string total = fmt::format("{} {} at most", FormatNumber(plan.resource_at_most()), unit);
  if (plan.resource_at_most() < plan.resource_without_stopping()) {
    total += fmt::format(", against {} without early stopping ({:.0f}% of it)",
                         FormatNumber(plan.resource_without_stopping()),
                         100 * plan.resource_at_most() / plan.resource_without_stopping());
  }
  return total;
}

std::string PlanText(const v1::StudyPlan& plan, const Look& look) {
  std::string trials = plan.trials() == 0 ? "until stopped" : std::to_string(plan.trials());
  if (plan.grid_size() > 0) trials += fmt::format(" of {} grid points", plan.grid_size());
  std::string text = fmt::format("study     {} (nothing was submitted)\n", plan.spec().name());
  text += fmt::format("search    {}\n", FormatSearch(plan.spec().search()));
  text += fmt::format("stopping  {}\n", FormatStopping(plan.spec().early_stopping(), plan.max_resource()));
  text += fmt::format("trials    {}, each of {} at most\n", trials,
                      FormatSteps(plan.max_resource(), plan.spec().resource()));
  if (plan.trials() > 0) text += fmt::format("total     {}\n", Total(plan));
  for (const std::string& note : plan.notes()) text += fmt::format("note      {}\n", note);

  if (!plan.rungs().empty()) {
    Table rungs({{"RUNG", Align::kRight}, {"STEP", Align::kRight}, {"TRIALS AT MOST", Align::kRight}});
    for (int i = 0; i < plan.rungs_size(); ++i) {
      rungs.AddRow({StyledLine(std::to_string(i)), StyledLine(std::to_string(plan.rungs(i).step())),
                    StyledLine(std::to_string(plan.rungs(i).trials_at_most()))});
    }
    text += "\n" + rungs.Text(look);
  }
  if (!plan.sample().empty()) {
    Table sample({{"TRIAL", Align::kRight}, {"FIRST CONFIGURATIONS"}});
    for (const v1::Trial& trial : plan.sample()) {
      sample.AddRow({StyledLine(std::to_string(trial.number())), StyledLine(FormatParameters(trial.parameters()))});
    }
    text += "\n" + sample.Text(look);
  }
  return text;
}

absl::Status Submit(Session& session, const Options& options) {
  ATHANOR_ASSIGN_OR_RETURN(StudyFile file, Load(options.file, session.surroundings().in));
  file.spec.set_owner(session.surroundings().user);
  if (options.dry_run) {
    const absl::StatusOr<v1::StudyPlan> plan = session.client().PlanStudy(file.spec);
    if (!plan.ok()) return Locate(file, plan.status());
    return session.Answer({ToJson(*plan), PlanText(*plan, session.look()), {plan->spec().name()}});
  }
  const absl::StatusOr<v1::Study> study = session.client().CreateStudy(file.spec);
  if (!study.ok()) return Locate(file, study.status());
  // A watch shows the study itself.
  if (options.watch && session.for_people()) return WatchStudy(session, std::to_string(study->id()), 10);
  const std::string trials =
      study->trials_total() == 0 ? "until stopped" : fmt::format("{} trials", study->trials_total());
  const std::string text = fmt::format("submitted study {} (id {}): {}\nfollow it with: athanor study watch {}\n",
                                       study->spec().name(), study->id(), trials, study->spec().name());
  ATHANOR_RETURN_IF_ERROR(session.Answer({ToJson(*study), text, {std::to_string(study->id())}}));
  return options.watch ? WatchStudy(session, std::to_string(study->id()), 10) : absl::OkStatus();
}

}  // namespace

void AddStudySubmit(CLI::App* parent, Session& session) {
  auto [verb, options] =
      session.AddVerb<Options>(parent, "submit", "Submit a study file, or show what it would do",
                               "athanor study submit client/examples/fashion-quick.yaml --watch", Submit);
  verb->add_option("file", options.file, "study file (YAML or JSON), - for the standard input")->required();
  CLI::Option* dry_run = verb->add_flag(
      "--dry-run", options.dry_run, "check the file and print the plan (trials, rungs, total epochs); submit nothing");
  verb->add_flag("--watch,-w", options.watch, "watch the study until it ends")->excludes(dry_run);
}

}  // namespace athanor::cli
