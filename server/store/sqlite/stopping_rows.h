// The early-stopping rule of a study: a row of early_stopping, none without a rule.
#pragma once

#include "SQLiteCpp/SQLiteCpp.h"
#include "server/core/ids.h"
#include "server/core/study_spec.h"

namespace athanor::sqlite {

// The row of the study exists, and no rule of it. Throws SQLite::Exception.
void InsertStopping(SQLite::Database& database, StudyId study, const EarlyStoppingOptions& options);

// Throws SQLite::Exception.
EarlyStoppingOptions LoadStopping(SQLite::Database& database, StudyId study);

}  // namespace athanor::sqlite
