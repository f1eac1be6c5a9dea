// What many attempts have in common, as rows that they share: the names of workers, and environments.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>

#include "SQLiteCpp/SQLiteCpp.h"
#include "server/core/trial.h"
#include "server/store/sqlite/statement.h"

namespace athanor::sqlite {

// One connection's statements on these tables. Rows are added when they are first asked for, never removed. Those asked
// for lately are remembered, because every attempt asks. Not thread-safe. Errors of SQLite are thrown
// (SQLite::Exception).
class SharedRows {
 public:
  explicit SharedRows(SQLite::Database& database);

  int64_t WorkerId(const std::string& name);
  int64_t EnvironmentId(const Environment& environment);
  // Drops what is remembered: after a rollback it may be wrong.
  void Forget();

  // The names of all workers, by id.
  std::map<int64_t, std::string> LoadWorkers();

 private:
  using Parts = std::tuple<std::string, std::string, std::string, int64_t, std::string>;

  SQLite::Database& database_;
  Statement find_worker_;
  Statement insert_worker_;
  Statement find_environment_;
  Statement insert_environment_;
  std::map<std::string, int64_t> workers_;
  std::map<Parts, int64_t, std::less<>> environments_;
};

}  // namespace athanor::sqlite
