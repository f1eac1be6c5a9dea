#include "server/store/sqlite/statement.h"

#include <limits>

namespace athanor::sqlite {

namespace {

enum class ValueKind { kBool, kInt, kFloat, kString };
constexpr Words<ValueKind, 4> kValueKinds{{{ValueKind::kBool, "bool"},
                                           {ValueKind::kInt, "int"},
                                           {ValueKind::kFloat, "float"},
                                           {ValueKind::kString, "string"}}};

}  // namespace

double Rows::Real() { return OptionalReal().value_or(std::numeric_limits<double>::quiet_NaN()); }

std::optional<int64_t> Rows::OptionalInt() {
  const SQLite::Column column = statement_->getColumn(column_++);
  if (column.isNull()) return std::nullopt;
  return column.getInt64();
}

std::optional<double> Rows::OptionalReal() {
  const SQLite::Column column = statement_->getColumn(column_++);
  if (column.isNull()) return std::nullopt;
  return column.getDouble();
}

Value Rows::TypedValue() {
  switch (Word(kValueKinds)) {
    case ValueKind::kBool:
      return Flag();
    case ValueKind::kInt:
      return Int();
    case ValueKind::kFloat:
      return Real();
    case ValueKind::kString:
      return Text();
  }
  throw SQLite::Exception("a value without a kind", SQLITE_CORRUPT);
}

void Statement::Bind(int& index, const Value& value) {
  Bind(index, ToWord(kValueKinds, static_cast<ValueKind>(value.index())));
  std::visit([&](const auto& held) { Bind(index, held); }, value);
}

}  // namespace athanor::sqlite
