// best
#include <fmt/format.h>

#include <algorithm>

#include "base/status.h"
#include "client/cli/format.h"
#include "client/cli/trial_table.h"
#include "client/cli/verb.h"
#include "client/cli/wire_json.h"

namespace athanor::cli {
namespace {

struct Options {
  std::string study;
  int count = 1;
};

std::string BestText(const v1::Trial& trial, const v1::Study& study, const Look& look) {
  const std::string metric = study.spec().objectives_size() > 0 ? study.spec().objectives(0).metric() : "value";
  StyledLine head(fmt::format("{} {}", metric, FormatMetric(trial.best_value())), Style::kBold);
  head.Append(
      fmt::format(" at step {}, trial {} ({})", trial.best_step(), trial.number(), FormatEnd(trial, study.rungs())));
  std::string text = head.Render(look) + "\n";
  size_t width = 0;
  for (const v1::NamedValue& value : trial.parameters()) width = std::max(width, DisplayWidth(value.name()));
  for (const v1::NamedValue& value : trial.parameters()) {
    text += StyledLine("  " + value.name()).PadTo(width + 4).Append(FormatValue(value.value())).Render(look) + "\n";
  }
  if (!trial.final_metrics().empty()) text += "best model: " + FormatParameters(trial.final_metrics()) + "\n";
  return text;
}

absl::Status Best(Session& session, const Options& options) {
  ATHANOR_ASSIGN_OR_RETURN(const std::vector<v1::Trial> trials,
                           session.client().GetBestTrials(options.study, options.count));
  ATHANOR_ASSIGN_OR_RETURN(const v1::Study study, session.client().GetStudy(options.study));
  if (trials.empty()) {
    return absl::NotFoundError(fmt::format("study {} has no trial with a value yet", study.spec().name()));
  }
  Answer answer = TrialsAnswer(trials, study, session.look());
  if (options.count == 1) {
    answer.data = ToJson(trials.front());
    answer.text = BestText(trials.front(), study, session.look());
  }
  return session.Answer(answer);
}

}  // namespace

void AddBest(CLI::App* parent, Session& session) {
  auto [verb, options] = session.AddVerb<Options>(parent, "best", "Show the best trials of a study",
                                                  "athanor best fashion-lenet --top 5", Best);
  AddStudyArgument(verb, options.study);
  verb->add_option("--top,-n", options.count, "the best so many, as a table; default 1")
      ->check(CLI::Range(1, 1000))
      ->option_text("N");
}

}  // namespace athanor::cli
