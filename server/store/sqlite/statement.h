// A prepared statement and its rows, in the types of the domain. Errors of SQLite are thrown (SQLite::Exception): they
// stop in sqlite_store.cc.
//
// Written on SQLite's own interface, because loading a large study reads tens of millions of columns and SQLiteCpp
// makes an object that shares ownership of the statement for each.
#pragma once

#include <bit>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "SQLiteCpp/SQLiteCpp.h"
#include "base/clock.h"
#include "base/value.h"
#include "server/store/sqlite/words.h"
#include "sqlite3.h"

namespace athanor::sqlite {

// The result of a query, read row by row and column by column from the left. Resets the statement when it goes, so that
// no transaction is held up by a statement that was not read to its end.
class Rows {
 public:
  explicit Rows(sqlite3_stmt* statement) : statement_(statement) {}
  ~Rows() { sqlite3_reset(statement_); }  // of none: nothing happens
  Rows(Rows&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)), column_(other.column_) {}
  Rows& operator=(Rows&&) = delete;

  // Moves to the next row; false at the end.
  bool Next();

  int64_t Int() { return sqlite3_column_int64(statement_, column_++); }
  bool Flag() { return Int() != 0; }
  uint64_t Unsigned() { return std::bit_cast<uint64_t>(Int()); }
  WallTime Time() { return WallTime(std::chrono::milliseconds(Int())); }
  std::string Text() { return std::string(TextInPlace()); }
  // Until the next row.
  std::string_view TextInPlace();
  // NULL is NaN.
  double Real();
  // NULL is absent.
  std::optional<int64_t> OptionalInt();
  std::optional<double> OptionalReal();
  // Two columns: kind, value.
  Value TypedValue();
  // One column, as BareValue is stored. DATA_LOSS (as SQLITE_CORRUPT) if it holds another BLOB.
  Value BareTypedValue();
  // A word of the table, DATA_LOSS (as SQLITE_CORRUPT) if the file holds another.
  template <typename Enum, size_t kCount>
  Enum Word(const Words<Enum, kCount>& words) {
    return FromWord(words, TextInPlace());
  }

 private:
  bool IsNull() const { return sqlite3_column_type(statement_, column_) == SQLITE_NULL; }

  sqlite3_stmt* statement_;
  int column_ = 0;
};

// A typed value in one column: INTEGER for int, REAL for float (NULL is NaN), TEXT for string, a BLOB of one byte, 0 or
// 1, for bool. For tables of many values; two columns (kind, value) are easier to read.
struct BareValue {
  const Value& value;
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
    return Execute();
  }

  template <typename... Arguments>
  [[nodiscard]] Rows Query(const Arguments&... arguments) {
    BindAll(arguments...);
    return Rows(statement_.get());
  }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };

  void Prepare();
  int Execute();
  // Throws unless the binding went well.
  void Check(int result) const;

  template <typename... Arguments>
  void BindAll(const Arguments&... arguments) {
    if (statement_ == nullptr) Prepare();
    [[maybe_unused]] int index = 1;
    (Bind(index, arguments), ...);
  }

  template <typename Integer>
  requires std::is_integral_v<Integer>
  void Bind(int& index, Integer value) {
    if constexpr (std::is_same_v<Integer, uint64_t>) {
      Check(sqlite3_bind_int64(statement_.get(), index++, std::bit_cast<int64_t>(value)));
    } else {
      Check(sqlite3_bind_int64(statement_.get(), index++, static_cast<int64_t>(value)));
    }
  }
  void Bind(int& index, double value) { Check(sqlite3_bind_double(statement_.get(), index++, value)); }
  void Bind(int& index, std::string_view text) {
    // A view of nothing may have no address, which SQLite takes for NULL.
    Check(sqlite3_bind_text64(statement_.get(), index++, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC,
                              SQLITE_UTF8));
  }
  void Bind(int& index, const char* word) { Bind(index, std::string_view(word)); }
  void Bind(int& index, const std::string& text) { Bind(index, std::string_view(text)); }
  void Bind(int& index, WallTime time) { Bind(index, static_cast<int64_t>(time.time_since_epoch().count())); }
  void Bind(int& index, const Value& value);
  void Bind(int& index, const BareValue& bare);
  template <typename T>
  void Bind(int& index, const std::optional<T>& value) {
    if (value.has_value()) {
      Bind(index, *value);
    } else {
      Check(sqlite3_bind_null(statement_.get(), index++));
    }
  }

  const SQLite::Database* database_;
  const char* sql_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

}  // namespace athanor::sqlite
