#include "server/store/sqlite/decision_rows.h"

namespace athanor::sqlite {

#define ATHANOR_DECISION_COLUMNS "revision, trial, token, step, rule, rung, value, bound, n, action"

DecisionRows::DecisionRows(SQLite::Database& database)
    : database_(database),
      put_rung_entry_(database,
                      "INSERT INTO rung_entries (study, bracket, rung, trial, value, token, promoted) "
                      "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (study, bracket, rung, trial) "
                      "DO UPDATE SET value = excluded.value, token = excluded.token, promoted = excluded.promoted"),
      add_(database, "INSERT INTO decisions (study, " ATHANOR_DECISION_COLUMNS
                     ", position) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, "
                     "(SELECT coalesce(max(position) + 1, 0) FROM decisions WHERE study = ?1 AND revision = ?2))"),
      read_(database, "SELECT " ATHANOR_DECISION_COLUMNS
                      " FROM decisions WHERE study = ? AND revision > ? ORDER BY revision, position"),
      read_of_trial_(database, "SELECT " ATHANOR_DECISION_COLUMNS
                               " FROM decisions INDEXED BY decisions_by_trial "
                               "WHERE study = ? AND revision > ? AND trial = ? ORDER BY revision, position") {}

void DecisionRows::PutRungEntry(StudyId study, const RungEntry& entry) {
  put_rung_entry_.Run(study, entry.bracket, entry.rung, entry.trial, entry.value, entry.token, entry.promoted);
}

void DecisionRows::Add(StudyId study, const DecisionRecord& decision) {
  add_.Run(study, decision.revision, decision.trial, decision.token, decision.step, decision.rule, decision.rung,
           decision.value, decision.bound, decision.n, ToWord(kActions, decision.action));
}

std::vector<RungEntry> DecisionRows::LoadRungEntries(StudyId study) {
  Statement select(database_,
                   "SELECT bracket, rung, trial, value, token, promoted FROM rung_entries WHERE study = ? "
                   "ORDER BY bracket, rung, trial");
  std::vector<RungEntry> entries;
  for (Rows rows = select.Query(study); rows.Next();) {
    RungEntry& entry = entries.emplace_back();
    entry.bracket = rows.Int();
    entry.rung = rows.Int();
    entry.trial = rows.Int();
    entry.value = rows.Real();
    entry.token = rows.Int();
    entry.promoted = rows.Flag();
  }
  return entries;
}

std::vector<DecisionRecord> DecisionRows::Read(StudyId study, std::optional<TrialNumber> trial, Revision after,
                                               int64_t limit) {
  std::vector<DecisionRecord> decisions;
  Rows rows = trial.has_value() ? read_of_trial_.Query(study, after, *trial) : read_.Query(study, after);
  while (rows.Next()) {
    DecisionRecord decision;
    decision.revision = rows.Int();
    // A revision is never split: the caller goes on after the last one that it got.
    if (!decisions.empty() && std::ssize(decisions) >= limit && decisions.back().revision != decision.revision) break;
    decision.trial = rows.Int();
    decision.token = rows.Int();
    decision.step = rows.Int();
    decision.rule = rows.Text();
    decision.rung = rows.OptionalInt();
    decision.value = rows.Real();
    decision.bound = rows.Real();
    decision.n = rows.Int();
    decision.action = rows.Word(kActions);
    decisions.push_back(std::move(decision));
  }
  return decisions;
}

}  // namespace athanor::sqlite
