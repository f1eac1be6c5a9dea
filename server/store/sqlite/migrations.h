// The schema's history, compiled in from migrations/*.sql. A released file is never changed: a change of the schema is
// the next file, and tests/server/store keeps what each version looked like.
#pragma once

#include <span>

namespace athanor::sqlite {

// One step of the schema: `sql` takes a database of version `version - 1` to `version`.
struct Migration {
  int version;
  const char* file;  // "0001_initial.sql"
  const char* sql;
};

// In order of version: 1, 2, ... Generated at build time.
std::span<const Migration> Migrations();

}  // namespace athanor::sqlite
