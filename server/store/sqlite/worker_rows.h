// Workers as they registered, and the client requests that were answered.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "SQLiteCpp/SQLiteCpp.h"
#include "server/store/sqlite/statement.h"
#include "server/store/store.h"

namespace athanor::sqlite {

// One connection's statements on the tables of workers. Not thread-safe. Errors of SQLite are thrown
// (SQLite::Exception).
class WorkerRows {
 public:
  explicit WorkerRows(SQLite::Database& database);

  void Put(const WorkerRecord& worker);
  std::vector<WorkerRecord> Load();  // by name

 private:
  void InsertLists(const WorkerRecord& worker);
  void LoadLists(WorkerRecord& worker);

  SQLite::Database& database_;
  Statement put_;
};

// The same for requests.
class RequestRows {
 public:
  explicit RequestRows(SQLite::Database& database);

  void Put(const RequestRecord& request);
  void Forget(WallTime before);
  std::optional<RequestRecord> Find(const std::string& id);

 private:
  Statement put_;
  Statement forget_;
  Statement find_;
  Statement clear_collected_;
  Statement put_collected_;
  Statement load_collected_;
};

}  // namespace athanor::sqlite
