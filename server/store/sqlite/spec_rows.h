// The lists of a study file: labels, objectives, early stopping, parameters, requirements, trainer settings. Its single
// values stand in the row of the study itself (study_rows.h).
#pragma once

#include "SQLiteCpp/SQLiteCpp.h"
#include "server/core/ids.h"
#include "server/core/study_spec.h"

namespace athanor::sqlite {

// The row of the study exists, and nothing under it yet. Throws SQLite::Exception.
void InsertSpecLists(SQLite::Database& database, StudyId study, const StudySpec& spec);

// Fills the same members of `spec`. Throws SQLite::Exception.
void LoadSpecLists(SQLite::Database& database, StudyId study, StudySpec& spec);

}  // namespace athanor::sqlite
