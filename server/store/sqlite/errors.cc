#include "server/store/sqlite/errors.h"

#include "absl/strings/str_cat.h"
#include "sqlite3.h"

namespace athanor::sqlite {

namespace {

absl::StatusCode ConstraintCode(int extended_code) {
  switch (extended_code) {
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_ROWID:
      return absl::StatusCode::kAlreadyExists;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      return absl::StatusCode::kNotFound;
    default:
      return absl::StatusCode::kInternal;
  }
}

absl::StatusCode Code(int code, int extended_code) {
  switch (code) {
    case SQLITE_FULL:
    case SQLITE_NOMEM:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_IOERR:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_PROTOCOL:
      return absl::StatusCode::kUnavailable;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StatusCode::kDataLoss;
    case SQLITE_CONSTRAINT:
      return ConstraintCode(extended_code);
    default:
      return absl::StatusCode::kInternal;
  }
}

}  // namespace

absl::Status ToStatus(const SQLite::Exception& error, const std::string& path) {
  return absl::Status(Code(error.getErrorCode() & 0xff, error.getExtendedErrorCode()),
                      absl::StrCat(path, ": ", error.what()));
}

}  // namespace athanor::sqlite
