// A look at a database file before SQLite gets it, because SQLite takes some damaged files for new ones and writes to
// them.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace athanor::sqlite {

// Behind the name of a database: the copy that a restore prepares, to be renamed to that name.
inline constexpr char kRestoringSuffix[] = ".restoring";

// OK if the file does not exist, is empty, or starts like a SQLite database and is as long as its header says (only its
// beginning is read). DATA_LOSS otherwise, and if the file is empty or missing while a log with content lies beside it:
// the database was lost. FAILED_PRECONDITION if it is missing while a restore that was interrupted left its copy beside
// it: an empty one in its place would pass for what was lost. UNAVAILABLE if it cannot be read.
absl::Status CheckFile(const std::string& path);

}  // namespace athanor::sqlite
