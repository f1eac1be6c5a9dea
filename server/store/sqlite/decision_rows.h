// Rung entries and the decisions of stopping rules.
#pragma once

#include <optional>
#include <vector>

#include "SQLiteCpp/SQLiteCpp.h"
#include "server/store/sqlite/statement.h"
#include "server/store/store.h"

namespace athanor::sqlite {

// One connection's statements on these tables. Not thread-safe. Errors of SQLite are thrown (SQLite::Exception).
class DecisionRows {
 public:
  explicit DecisionRows(SQLite::Database& database);

  void PutRungEntry(StudyId study, const RungEntry& entry);
  void Add(StudyId study, const DecisionRecord& decision);

  std::vector<RungEntry> LoadRungEntries(StudyId study);  // by bracket, rung, trial
  std::vector<DecisionRecord> Read(StudyId study, std::optional<TrialNumber> trial, Revision after, int64_t limit);

 private:
  SQLite::Database& database_;
  Statement put_rung_entry_;
  Statement add_;
  Statement read_;
  Statement read_of_trial_;
};

}  // namespace athanor::sqlite
