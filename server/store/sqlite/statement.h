// A prepared statement and its rows, in the types of the domain. Exceptions of SQLiteCpp pass through: they stop in
// sqlite_store.cc.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "SQLiteCpp/SQLiteCpp.h"
#include "base/clock.h"
#include "base/value.h"
#include "server/store/sqlite/words.h"

namespace athanor::sqlite {

// The result of a query, read row by row and column by column from the left. Resets the statement when it goes, so that
// no transaction is held up by a statement that was not read to its end.
class Rows {
 public:
  explicit Rows(SQLite::Statement& statement) : statement_(&statement) {}
  ~Rows() {
    if (statement_ != nullptr) statement_->tryReset();
  }
  Rows(Rows&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)), column_(other.column_) {}
  Rows& operator=(Rows&&) = delete;

  // Moves to the next row; false at the end.
  bool Next() {
    column_ = 0;
    return statement_->executeStep();
  }

  int64_t Int() { return statement_->getColumn(column_++).getInt64(); }
  bool Flag() { return Int() != 0; }
  uint64_t Unsigned() { return std::bit_cast<uint64_t>(Int()); }
  WallTime Time() { return WallTime(std::chrono::milliseconds(Int())); }
  std::string Text() { return statement_->getColumn(column_++).getString(); }
  // NULL is NaN.
  double Real();
  // NULL is absent.
  std::optional<int64_t> OptionalInt();
  std::optional<double> OptionalReal();
  // Two columns: kind, value.
  Value TypedValue();
  // A word of the table, DATA_LOSS (as SQLITE_CORRUPT) if the file holds another.
  template <typename Enum, size_t kCount>
  Enum Word(const Words<Enum, kCount>& words) {
    return FromWord(words, Text());
  }

 private:
  SQLite::Statement* statement_;
  int column_ = 0;
};

// Arguments are bound in order. NaN is bound as NULL, a Value as two arguments (kind, value). Texts are not copied:
// they need to live until Run returns, or until the rows are read.
class Statement {
 public:
  // Prepared at first use and kept. `database` and `sql` outlive it.
  Statement(const SQLite::Database& database, const char* sql) : database_(&database), sql_(sql) {}

  // Executes a statement without rows; returns how many rows it changed.
  template <typename... Arguments>
  int Run(const Arguments&... arguments) {
    BindAll(arguments...);
    const Rows reset_after(*statement_);
    return statement_->exec();
  }

  template <typename... Arguments>
  [[nodiscard]] Rows Query(const Arguments&... arguments) {
    BindAll(arguments...);
    return Rows(*statement_);
  }

 private:
  template <typename... Arguments>
  void BindAll(const Arguments&... arguments) {
    if (!statement_.has_value()) statement_.emplace(*database_, sql_);
    [[maybe_unused]] int index = 1;
    (Bind(index, arguments), ...);
  }

  template <typename Integer>
  requires std::is_integral_v<Integer>
  void Bind(int& index, Integer value) {
    if constexpr (std::is_same_v<Integer, uint64_t>) {
      statement_->bind(index++, std::bit_cast<int64_t>(value));
    } else {
      statement_->bind(index++, static_cast<int64_t>(value));
    }
  }
  void Bind(int& index, double value) { statement_->bind(index++, value); }
  void Bind(int& index, const char* word) { statement_->bindNoCopy(index++, word); }
  void Bind(int& index, const std::string& text) { statement_->bindNoCopy(index++, text); }
  void Bind(int& index, WallTime time) {
    statement_->bind(index++, static_cast<int64_t>(time.time_since_epoch().count()));
  }
  void Bind(int& index, const Value& value);
  template <typename T>
  void Bind(int& index, const std::optional<T>& value) {
    if (value.has_value()) {
      Bind(index, *value);
    } else {
      statement_->bind(index++);
    }
  }

  const SQLite::Database* database_;
  const char* sql_;
  std::optional<SQLite::Statement> statement_;
};

}  // namespace athanor::sqlite
