// study list, study show
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "client/cli/format.h"
#include "client/cli/table.h"
#include "client/cli/verb.h"
#include "client/cli/wire_json.h"

namespace athanor::cli {
namespace {

int64_t CountFinished(const v1::Study& study) {
  int64_t finished = 0;
  for (const v1::TrialCount& count : study.trial_counts()) {
    if (IsFinished(count.state())) finished += count.count();
  }
  return finished;
}

std::string TrialsText(const v1::Study& study) {
  return study.trials_total() == 0 ? std::to_string(CountFinished(study))
                                   : fmt::format("{}/{}", CountFinished(study), study.trials_total());
}

StyledLine BestText(const v1::Study& study) {
  return study.has_best() && study.best().has_best_value() ? StyledLine(FormatMetric(study.best().best_value()))
                                                           : StyledLine();
}

// For a row a study: the spec, which `study show` has, would be most of it.
Json SummaryJson(const v1::Study& study) {
  Json json = ToJson(study);
  json.erase("spec");
  if (study.spec().objectives_size() > 0) json["metric"] = study.spec().objectives(0).metric();
  return json;
}

struct ListOptions {
  std::vector<std::string> states;
  int limit = 100;
};

absl::Status List(Session& session, const ListOptions& options) {
  v1::ListStudiesRequest request;
  for (const std::string& state : options.states) {
    v1::StudyState parsed = v1::STUDY_STATE_UNSPECIFIED;
    v1::StudyState_Parse("STUDY_STATE_" + Upper(state), &parsed);
    request.add_states(parsed);
  }
  Answer answer{.data = Json::array(), .text = "", .ids = {}};
  Table table({{"ID", Align::kRight},
               {"NAME"},
               {"STATE"},
               {"TRIALS", Align::kRight},
               {"METRIC"},
               {"BEST", Align::kRight},
               {"AGE", Align::kRight},
               {"OWNER"},
               {"REASON"}});
  do {
    request.set_page_size(std::min(options.limit - static_cast<int>(answer.ids.size()), 1000));
    ATHANOR_ASSIGN_OR_RETURN(const v1::ListStudiesResponse page, session.client().ListStudies(request));
    for (const v1::Study& study : page.studies()) {
      answer.data.push_back(SummaryJson(study));
      answer.ids.push_back(std::to_string(study.id()));
      const std::string metric = study.spec().objectives_size() > 0 ? study.spec().objectives(0).metric() : "";
      table.AddRow({StyledLine(answer.ids.back()), StyledLine(study.spec().name()),
                    StyledLine(StateName(study.state()), StateStyle(study.state())), StyledLine(TrialsText(study)),
                    StyledLine(metric), BestText(study),
                    StyledLine(FormatDuration(session.now_unix_ms() - study.created_unix_ms())),
                    StyledLine(study.spec().owner()), StyledLine(study.reason(), Style::kDim)});
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty() && static_cast<int>(answer.ids.size()) < options.limit);
  answer.text = table.empty() ? "no studies\n" : table.Text(session.look());
  if (!request.page_token().empty())
    answer.text += fmt::format("(the newest {}; --limit for more)\n", answer.ids.size());
  return session.Answer(answer);
}

std::string ShowText(const v1::Study& study, int64_t now_unix_ms, const Look& look) {
  StyledLine head(study.spec().name(), Style::kBold);
  head.Append(fmt::format("  (id {})  ", study.id())).Append(StateName(study.state()), StateStyle(study.state()));
  if (!study.reason().empty()) head.Append("  " + study.reason(), Style::kDim);
  std::string text = head.Render(look) + "\n";
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) text += fmt::format("{:<12}{}\n", name, value);
  };
  const v1::StudySpec& spec = study.spec();
  add("description", spec.description());
  add("owner", spec.owner());
  add("created",
      fmt::format("{} ({})", FormatTime(study.created_unix_ms()), FormatAge(study.created_unix_ms(), now_unix_ms)));
  if (study.ended_unix_ms() != 0) add("ended", FormatTime(study.ended_unix_ms()));
  add("active for", FormatDuration(study.active_ms()));
  for (const v1::Objective& objective : spec.objectives()) {
    add("objective",
        fmt::format("{} {}", objective.goal() == v1::GOAL_MINIMIZE ? "minimize" : "maximize", objective.metric()));
  }
  add("search", FormatSearch(spec.search()));
  for (const v1::WarmStartSource& source : study.warm_start()) {
    add("starts from", fmt::format("{} of the trials of {}", source.trials(), source.study()));
  }
  add("stopping", FormatStopping(spec.early_stopping(), study.max_resource()));
  add("resource", FormatSteps(study.max_resource(), spec.resource()) + " at most");
  std::string trials = TrialsText(study);
  for (const v1::TrialCount& count : study.trial_counts()) {
    if (count.count() > 0) trials += fmt::format(", {} {}", count.count(), Lower(StateName(count.state())));
  }
  add("trials", trials);
  if (study.has_best() && study.best().has_best_value()) {
    add("best", fmt::format("{} at step {} (trial {}, {})", FormatMetric(study.best().best_value()),
                            study.best().best_step(), study.best().number(), FormatEnd(study.best(), study.rungs())));
    add("", FormatParameters(study.best().parameters()));
  }
  text += "\n" + StyledLine("study file", Style::kDim).Render(look) + "\n" + ToYamlText(ToJson(spec));
  return text;
}

absl::Status Show(Session& session, const std::string& name) {
  ATHANOR_ASSIGN_OR_RETURN(const v1::Study study, session.client().GetStudy(name));
  return session.Answer(
      {ToJson(study), ShowText(study, session.now_unix_ms(), session.look()), {std::to_string(study.id())}});
}

}  // namespace

void AddStudyQueries(CLI::App* parent, Session& session) {
  auto [list, options] = session.AddVerb<ListOptions>(parent, "list", "List studies, newest first",
                                                      "athanor study list --state active", List);
  list->add_option("--state", options.states, "only these: active, paused, completed, cancelled, failed")
      ->check(CLI::IsMember({"active", "paused", "completed", "cancelled", "failed"}, CLI::ignore_case))
      ->delimiter(',')
      ->option_text("STATE,...");
  list->add_option("--limit", options.limit, "at most so many; default 100")
      ->check(CLI::Range(1, 1'000'000))
      ->option_text("N");

  auto [show, study] = session.AddVerb<std::string>(parent, "show", "Show a study and the file that makes it again",
                                                    "athanor study show fashion-lenet", Show);
  AddStudyArgument(show, study);
}

}  // namespace athanor::cli
