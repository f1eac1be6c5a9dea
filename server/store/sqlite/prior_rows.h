// Trials of earlier studies that a study starts from.
#pragma once

#include <vector>

#include "SQLiteCpp/SQLiteCpp.h"
#include "server/store/sqlite/statement.h"
#include "server/store/store.h"

namespace athanor::sqlite {

// One connection's statements on these tables. Not thread-safe. Errors of SQLite are thrown (SQLite::Exception).
class PriorRows {
 public:
  explicit PriorRows(SQLite::Database& database);

  void Add(StudyId study, int64_t position, const PriorTrial& trial);

  // Configurations get `parameters` entries.
  std::vector<PriorTrial> Load(StudyId study, size_t parameters);  // by position

 private:
  SQLite::Database& database_;
  Statement add_;
  Statement add_value_;
};

}  // namespace athanor::sqlite
