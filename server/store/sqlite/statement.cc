#include "server/store/sqlite/statement.h"

#include <limits>

namespace athanor::sqlite {

namespace {

enum class ValueKind { kBool, kInt, kFloat, kString };
constexpr Words<ValueKind, 4> kValueKinds{{{ValueKind::kBool, "bool"},
                                           {ValueKind::kInt, "int"},
                                           {ValueKind::kFloat, "float"},
                                           {ValueKind::kString, "string"}}};

constexpr std::string_view kFalseBlob("\0", 1);
constexpr std::string_view kTrueBlob("\1", 1);

}  // namespace

bool Rows::Next() {
  column_ = 0;
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  throw SQLite::Exception(sqlite3_db_handle(statement_), result);
}

std::string_view Rows::TextInPlace() {
  // In this order: the length is that of the text that the first call makes.
  const auto* const text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column_));
  const auto bytes = static_cast<size_t>(sqlite3_column_bytes(statement_, column_));
  ++column_;
  return text == nullptr ? std::string_view() : std::string_view(text, bytes);
}

double Rows::Real() { return OptionalReal().value_or(std::numeric_limits<double>::quiet_NaN()); }

std::optional<int64_t> Rows::OptionalInt() {
  const bool absent = IsNull();
  const int64_t value = Int();
  return absent ? std::nullopt : std::optional(value);
}

std::optional<double> Rows::OptionalReal() {
  const bool absent = IsNull();
  const double value = sqlite3_column_double(statement_, column_++);
  return absent ? std::nullopt : std::optional(value);
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

Value Rows::BareTypedValue() {
  switch (sqlite3_column_type(statement_, column_)) {
    case SQLITE_INTEGER:
      return Int();
    case SQLITE_TEXT:
      return Text();
    case SQLITE_BLOB:
      break;
    default:
      return Real();
  }
  const std::string_view blob = TextInPlace();
  if (blob != kFalseBlob && blob != kTrueBlob) throw SQLite::Exception("a value is a BLOB but no bool", SQLITE_CORRUPT);
  return blob == kTrueBlob;
}

void Statement::Prepare() {
  sqlite3_stmt* statement = nullptr;
  Check(sqlite3_prepare_v3(database_->getHandle(), sql_, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr));
  statement_.reset(statement);
}

int Statement::Execute() {
  Rows rows(statement_.get());
  if (rows.Next()) throw SQLite::Exception("a statement without rows has some", SQLITE_MISUSE);
  return sqlite3_changes(database_->getHandle());
}

void Statement::Check(int result) const {
  if (result != SQLITE_OK) throw SQLite::Exception(database_->getHandle(), result);
}

void Statement::Bind(int& index, const Value& value) {
  Bind(index, ToWord(kValueKinds, static_cast<ValueKind>(value.index())));
  std::visit([&](const auto& held) { Bind(index, held); }, value);
}

void Statement::Bind(int& index, const BareValue& bare) {
  if (const bool* const truth = std::get_if<bool>(&bare.value)) {
    const std::string_view blob = *truth ? kTrueBlob : kFalseBlob;
    Check(sqlite3_bind_blob64(statement_.get(), index++, blob.data(), blob.size(), SQLITE_STATIC));
    return;
  }
  std::visit([&](const auto& held) { Bind(index, held); }, bare.value);
}

}  // namespace athanor::sqlite
