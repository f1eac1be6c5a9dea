// All tables as one connection sees them. Each connection has its own; statements are prepared at first use.
#pragma once

#include "SQLiteCpp/SQLiteCpp.h"
#include "server/store/sqlite/attempt_rows.h"
#include "server/store/sqlite/decision_rows.h"
#include "server/store/sqlite/measurement_rows.h"
#include "server/store/sqlite/prior_rows.h"
#include "server/store/sqlite/study_rows.h"
#include "server/store/sqlite/trial_rows.h"
#include "server/store/sqlite/worker_rows.h"

namespace athanor::sqlite {

struct Tables {
  explicit Tables(SQLite::Database& database)
      : studies(database),
        trials(database),
        attempts(database),
        measurements(database),
        decisions(database),
        prior(database),
        workers(database),
        requests(database) {}

  StudyRows studies;
  TrialRows trials;
  AttemptRows attempts;
  MeasurementRows measurements;
  DecisionRows decisions;
  PriorRows prior;
  WorkerRows workers;
  RequestRows requests;
};

// Applies one change within the transaction that the connection is in. Errors of SQLite are thrown (SQLite::Exception);
// those of the contract in store.h are returned.
absl::Status Apply(const Change& change, Tables& tables);

// Everything under a study. NOT_FOUND if there is none. Throws SQLite::Exception.
absl::StatusOr<StudyImage> LoadStudyImage(StudyId study, Tables& tables);

}  // namespace athanor::sqlite
