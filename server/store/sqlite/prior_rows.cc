#include "server/store/sqlite/prior_rows.h"

namespace athanor::sqlite {

PriorRows::PriorRows(SQLite::Database& database)
    : database_(database),
      add_(database, "INSERT INTO prior_trials (study, position, source, score) VALUES (?, ?, ?, ?)"),
      add_value_(database,
                 "INSERT INTO prior_trial_values (study, prior, parameter, kind, value) VALUES (?, ?, ?, ?, ?)") {}

void PriorRows::Add(StudyId study, int64_t position, const PriorTrial& trial) {
  add_.Run(study, position, trial.source, trial.score);
  for (size_t i = 0; i < trial.configuration.size(); ++i) {
    if (trial.configuration[i].has_value()) add_value_.Run(study, position, i, *trial.configuration[i]);
  }
}

std::vector<PriorTrial> PriorRows::Load(StudyId study, size_t parameters) {
  // A configuration without active parameters has no values, so its row comes with NULLs.
  Statement select(database_,
                   "SELECT p.position, p.source, p.score, v.parameter, v.kind, v.value FROM prior_trials p "
                   "LEFT JOIN prior_trial_values v ON v.study = p.study AND v.prior = p.position "
                   "WHERE p.study = ? ORDER BY p.position, v.parameter");
  std::vector<PriorTrial> trials;
  int64_t last = -1;
  for (Rows rows = select.Query(study); rows.Next();) {
    const int64_t position = rows.Int();
    const int64_t source = rows.Int();
    const double score = rows.Real();
    if (position != last) trials.push_back({Configuration(parameters), score, source});
    last = position;
    const std::optional<int64_t> parameter = rows.OptionalInt();
    if (parameter.has_value()) trials.back().configuration.at(static_cast<size_t>(*parameter)) = rows.TypedValue();
  }
  return trials;
}

}  // namespace athanor::sqlite
