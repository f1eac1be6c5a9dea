#include "server/store/sqlite/trial_rows.h"

#include <optional>

namespace athanor::sqlite {

namespace {

std::optional<double> ValueOf(const std::optional<ObjectiveValue>& objective) {
  return objective.has_value() ? std::optional(objective->value) : std::nullopt;
}

std::optional<int64_t> StepOf(const std::optional<ObjectiveValue>& objective) {
  return objective.has_value() ? std::optional(objective->step) : std::nullopt;
}

// Two columns: value (NULL = NaN), step (NULL = no objective value at all).
std::optional<ObjectiveValue> ReadObjectiveValue(Rows& row) {
  ObjectiveValue objective;
  objective.value = row.Real();
  const std::optional<int64_t> step = row.OptionalInt();
  if (!step.has_value()) return std::nullopt;
  objective.step = *step;
  return objective;
}

Trial ReadTrial(Rows& row) {
  Trial trial;
  trial.number = row.Int();
  trial.state = row.Word(kTrialStates);
  trial.reason = row.Text();
  trial.suggestion_index = row.OptionalInt();
  trial.seed = row.Unsigned();
  trial.bracket = row.Int();
  trial.finalist = row.Flag();
  trial.best = ReadObjectiveValue(row);
  trial.final = ReadObjectiveValue(row);
  trial.elapsed_ms = row.Int();
  trial.attempts = row.Int();
  trial.stuck_failures = row.Int();
  trial.created = row.Time();
  trial.started = row.Time();
  trial.ended = row.Time();
  return trial;
}

}  // namespace

TrialRows::TrialRows(SQLite::Database& database)
    : database_(database),
      insert_(
          database,
          "INSERT INTO trials (study, number, state, reason, suggestion_index, seed, bracket, finalist, best_value, "
          "best_step, final_value, final_step, elapsed_ms, attempts, stuck_failures, created_ms, started_ms, ended_ms) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      insert_value_(database, "INSERT INTO trial_values (study, trial, parameter, value) VALUES (?, ?, ?, ?)"),
      update_(database,
              "UPDATE trials SET state = ?, reason = ?, bracket = ?, finalist = ?, best_value = ?, best_step = ?, "
              "final_value = ?, final_step = ?, elapsed_ms = ?, attempts = ?, stuck_failures = ?, started_ms = ?, "
              "ended_ms = ? WHERE study = ? AND number = ?"),
      exists_(database, "SELECT 1 FROM trials WHERE study = ? AND number = ?") {}

void TrialRows::Insert(StudyId study, const Trial& trial) {
  insert_.Run(study, trial.number, ToWord(kTrialStates, trial.state), trial.reason, trial.suggestion_index, trial.seed,
              trial.bracket, trial.finalist, ValueOf(trial.best), StepOf(trial.best), ValueOf(trial.final),
              StepOf(trial.final), trial.elapsed_ms, trial.attempts, trial.stuck_failures, trial.created, trial.started,
              trial.ended);
  for (size_t i = 0; i < trial.configuration.size(); ++i) {
    if (const auto value = trial.configuration[i]) insert_value_.Run(study, trial.number, i, BareValue{*value});
  }
}

absl::Status TrialRows::Update(StudyId study, const TrialStatus& trial) {
  const int updated =
      update_.Run(ToWord(kTrialStates, trial.state), trial.reason, trial.bracket, trial.finalist, ValueOf(trial.best),
                  StepOf(trial.best), ValueOf(trial.final), StepOf(trial.final), trial.elapsed_ms, trial.attempts,
                  trial.stuck_failures, trial.started, trial.ended, study, trial.number);
  return updated > 0 ? absl::OkStatus() : absl::NotFoundError("no such trial");
}

absl::Status TrialRows::Check(StudyId study, TrialNumber trial) {
  return exists_.Query(study, trial).Next() ? absl::OkStatus() : absl::NotFoundError("no such trial");
}

std::vector<Trial> TrialRows::Load(StudyId study, size_t parameters) {
  std::vector<Trial> trials;
  // Counted, because growing step by step would leave holes of the size of the table in the heap, and because the
  // largest number of a damaged file may be any.
  Statement count(database_, "SELECT count(*) FROM trials WHERE study = ?");
  if (Rows row = count.Query(study); row.Next()) trials.reserve(static_cast<size_t>(row.Int()));
  Statement select(database_,
                   "SELECT number, state, reason, suggestion_index, seed, bracket, finalist, best_value, best_step, "
                   "final_value, final_step, elapsed_ms, attempts, stuck_failures, created_ms, started_ms, ended_ms "
                   "FROM trials WHERE study = ? ORDER BY number");
  for (Rows rows = select.Query(study); rows.Next();) trials.push_back(ReadTrial(rows));

  // Both queries are in order of number, so the trials are walked once.
  Statement select_values(database_,
                          "SELECT trial, parameter, value FROM trial_values WHERE study = ? ORDER BY trial, parameter");
  Rows rows = select_values.Query(study);
  std::optional<TrialNumber> number;  // of the row at hand; nullopt behind the last
  const auto next = [&] { number = rows.Next() ? std::optional(rows.Int()) : std::nullopt; };
  next();
  for (Trial& trial : trials) {
    Configuration configuration(parameters);
    for (; number == trial.number; next()) {
      const uint64_t parameter = rows.Unsigned();
      configuration.at(parameter) = rows.BareTypedValue();
    }
    trial.configuration = configuration;
  }
  if (number.has_value()) throw SQLite::Exception("trial_values holds a trial that does not exist", SQLITE_CORRUPT);
  return trials;
}

}  // namespace athanor::sqlite
