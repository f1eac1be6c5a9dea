// Trials and their configurations.
#pragma once

#include <vector>

#include "SQLiteCpp/SQLiteCpp.h"
#include "absl/status/status.h"
#include "server/store/sqlite/statement.h"
#include "server/store/store.h"

namespace athanor::sqlite {

// One connection's statements on these tables. Not thread-safe. Errors of SQLite are thrown (SQLite::Exception); those
// of the contract in store.h are returned.
class TrialRows {
 public:
  explicit TrialRows(SQLite::Database& database);

  void Insert(StudyId study, const Trial& trial);
  absl::Status Update(StudyId study, const TrialStatus& trial);
  // NOT_FOUND unless the trial exists.
  absl::Status Check(StudyId study, TrialNumber trial);

  // By number. Configurations get `parameters` entries.
  std::vector<Trial> Load(StudyId study, size_t parameters);

 private:
  SQLite::Database& database_;
  Statement insert_;
  Statement insert_value_;
  Statement update_;
  Statement exists_;
};

}  // namespace athanor::sqlite
