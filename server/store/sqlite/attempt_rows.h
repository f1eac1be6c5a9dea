// Attempts and the checkpoints that they registered.
#pragma once

#include <vector>

#include "SQLiteCpp/SQLiteCpp.h"
#include "absl/status/status.h"
#include "server/store/sqlite/shared_rows.h"
#include "server/store/sqlite/statement.h"
#include "server/store/store.h"

namespace athanor::sqlite {

// One connection's statements on these tables. Not thread-safe. Errors of SQLite are thrown (SQLite::Exception); those
// of the contract in store.h are returned.
class AttemptRows {
 public:
  explicit AttemptRows(SQLite::Database& database);

  void Insert(StudyId study, const Attempt& attempt);
  absl::Status Update(StudyId study, const Attempt& attempt);
  // NOT_FOUND unless `token` is an attempt of this trial.
  absl::Status Check(StudyId study, TrialNumber trial, Token token);
  // Measurements of the trial's attempts past `step` count no longer, except those of `by`.
  void ArchiveAfter(StudyId study, TrialNumber trial, int64_t step, Token by);
  void AddCheckpoint(StudyId study, const Checkpoint& checkpoint);
  void RemoveCheckpoint(StudyId study, const Checkpoint& checkpoint);
  // Drops what is remembered of shared rows: after a rollback it may be wrong.
  void ForgetShared() { shared_.Forget(); }

  std::vector<Attempt> Read(StudyId study, TrialNumber trial);  // by token
  std::vector<Attempt> LoadLive(StudyId study);                 // by token
  // Puts failed_attempts and last_successes into the image. One pass over all attempts of the study.
  void LoadTrust(StudyId study, StudyImage& image);
  std::vector<Checkpoint> LoadCheckpoints(StudyId study);  // by trial, step, token

 private:
  SQLite::Database& database_;
  SharedRows shared_;
  Statement insert_;
  Statement update_;
  Statement check_;
  Statement archive_;
  Statement add_checkpoint_;
  Statement remove_checkpoint_;
  Statement read_;
};

}  // namespace athanor::sqlite
