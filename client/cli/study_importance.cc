// study importance
#include <fmt/format.h>

#include <string>

#include "base/status.h"
#include "client/cli/bars.h"
#include "client/cli/table.h"
#include "client/cli/verb.h"
#include "client/cli/wire_json.h"

namespace athanor::cli {
namespace {

constexpr size_t kBarWidth = 30;

struct Options {
  std::string study;
  std::string method = "ped-anova";
};

v1::GetImportanceRequest::Method MethodOf(const std::string& name) {
  return name == "fanova" ? v1::GetImportanceRequest::METHOD_FANOVA : v1::GetImportanceRequest::METHOD_PED_ANOVA;
}

// A row a parameter, the most important first, and what it was learned from.
Answer ImportanceAnswer(const v1::Importance& importance, OutputFormat format, const Look& look) {
  Answer answer{.data = ToJson(importance), .text = "", .ids = {}};
  // CSV has one kind of record: the parameters.
  if (format == OutputFormat::kCsv) answer.data = answer.data["parameters"];
  Table table({{"PARAMETER"}, {"IMPORTANCE", Align::kRight}, {""}});
  for (const v1::Importance::Entry& entry : importance.entries()) {
    answer.ids.push_back(entry.parameter());
    table.AddRow({StyledLine(entry.parameter()), StyledLine(fmt::format("{:.1f}%", 100 * entry.importance())),
                  ProgressBar(entry.importance(), kBarWidth, Style::kActive, look.charset)});
  }
  answer.text = table.Text(look);
  answer.text += importance.step() > 0 ? fmt::format("\nfrom {} trials at step {}, since some were stopped early\n",
                                                     importance.trials(), importance.step())
                                       : fmt::format("\nfrom the best values of {} trials\n", importance.trials());
  return answer;
}

absl::Status Show(Session& session, const Options& options) {
  ATHANOR_ASSIGN_OR_RETURN(const v1::Importance importance,
                           session.client().GetImportance(options.study, MethodOf(options.method)));
  return session.Answer(ImportanceAnswer(importance, session.format(), session.look()));
}

}  // namespace

void AddStudyImportance(CLI::App* parent, Session& session) {
  auto [verb, options] =
      session.AddVerb<Options>(parent, "importance", "Tell how much each parameter matters for the objective",
                               "athanor study importance fashion-lenet --method fanova", Show);
  AddStudyArgument(verb, options.study);
  verb->add_option("--method", options.method,
                   "ped-anova: what sets the best trials apart; fanova: share of the variance over the whole space")
      ->check(CLI::IsMember({"ped-anova", "fanova"}))
      ->capture_default_str();
}

}  // namespace athanor::cli
