// Studies and the configurations queued for them.
#pragma once

#include <vector>

#include "SQLiteCpp/SQLiteCpp.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/store/sqlite/statement.h"
#include "server/store/store.h"

namespace athanor::sqlite {

// One connection's statements on these tables. Not thread-safe. Errors of SQLite are thrown (SQLite::Exception); those
// of the contract in store.h are returned.
class StudyRows {
 public:
  explicit StudyRows(SQLite::Database& database);

  absl::Status Put(const StudyRecord& study);
  void Delete(StudyId study);
  bool Exists(StudyId study);
  void PushEnqueued(StudyId study, const EnqueuedConfiguration& configuration);
  void PopEnqueued(StudyId study, int64_t id);

  std::vector<StudyId> LoadIds();
  absl::StatusOr<StudyRecord> Load(StudyId study);
  // Configurations get `parameters` entries.
  std::vector<EnqueuedConfiguration> LoadEnqueued(StudyId study, size_t parameters);
  int64_t LoadLastEnqueued(StudyId study);
  Store::HighestIds LoadHighestIds();

 private:
  void Insert(const StudyRecord& study);

  SQLite::Database& database_;
  Statement update_;
  Statement exists_;
  Statement push_enqueued_;
  Statement push_enqueued_value_;
  Statement raise_last_enqueued_;
  Statement pop_enqueued_;
};

}  // namespace athanor::sqlite
