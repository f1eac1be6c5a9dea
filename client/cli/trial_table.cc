#include "client/cli/trial_table.h"

#include <string>

#include "client/cli/format.h"
#include "client/cli/wire_json.h"

namespace athanor::cli {

Answer TrialsAnswer(const std::vector<v1::Trial>& trials, const v1::Study& study, const Look& look) {
  Answer answer{.data = Json::array(), .text = "", .ids = {}};
  const std::string metric = study.spec().objectives_size() > 0 ? study.spec().objectives(0).metric() : "value";
  std::vector<Column> columns = {
      {"TRIAL", Align::kRight}, {Upper(metric), Align::kRight}, {"STEP", Align::kRight}, {"ENDED"}};
  for (const v1::Parameter& parameter : study.spec().parameters()) {
    columns.push_back(
        {Upper(parameter.name()), parameter.type() == v1::PARAMETER_TYPE_CATEGORICAL ? Align::kLeft : Align::kRight});
  }
  columns.insert(columns.end(), {{"TRAINED", Align::kRight}, {"ATTEMPTS", Align::kRight}, {"WORKER"}});

  Table table(std::move(columns));
  for (const v1::Trial& trial : trials) {
    answer.data.push_back(ToJson(trial));
    answer.ids.push_back(std::to_string(trial.number()));
    std::vector<StyledLine> row;
    row.emplace_back(answer.ids.back());
    row.emplace_back(trial.has_best_value() ? FormatMetric(trial.best_value()) : "");
    row.emplace_back(trial.has_best_value() ? std::to_string(trial.best_step()) : "");
    row.emplace_back(Truncate(FormatEnd(trial, study.rungs()), 48, look.charset), StateStyle(trial.state()));
    for (const v1::Parameter& parameter : study.spec().parameters()) {
      std::string text;  // empty where the parameter is inactive
      for (const v1::NamedValue& given : trial.parameters()) {
        if (given.name() == parameter.name()) text = FormatValue(given.value());
      }
      row.emplace_back(text);
    }
    row.emplace_back(trial.elapsed_ms() > 0 ? FormatDuration(trial.elapsed_ms()) : "");
    row.emplace_back(trial.attempts() > 1 ? std::to_string(trial.attempts()) : "");
    row.emplace_back(trial.worker());
    table.AddRow(std::move(row));
  }
  answer.text = table.empty() ? "no trials\n" : table.Text(look);
  return answer;
}

}  // namespace athanor::cli
