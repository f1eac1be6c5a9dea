#include "tests/integration/crash/stored_facts.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <string_view>
#include <vector>

#include "SQLiteCpp/SQLiteCpp.h"

namespace athanor {
namespace {

// Moments, and how long a study was ACTIVE.
constexpr std::array<std::string_view, 6> kTimes = {"created_ms", "started_ms",   "ended_ms",
                                                    "at_ms",      "last_seen_ms", "active_ms"};

std::vector<std::string> Texts(SQLite::Database& database, const std::string& sql) {
  SQLite::Statement select(database, sql);
  std::vector<std::string> texts;
  while (select.executeStep()) texts.push_back(select.getColumn(0).getString());
  return texts;
}

std::string Joined(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) joined += (joined.empty() ? "" : ", ") + text;
  return joined;
}

}  // namespace

std::string StoredFacts(const std::filesystem::path& path) {
  SQLite::Database database(path.string(), SQLite::OPEN_READONLY);
  const SQLite::Transaction one_state(database);
  std::string facts = "version " + Texts(database, "PRAGMA user_version").at(0) + "\n";
  for (const std::string& table :
       Texts(database,
             "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")) {
    std::vector<std::string> columns = Texts(database, "SELECT name FROM pragma_table_info('" + table + "')");
    std::erase_if(columns, [](const std::string& column) {
      return std::ranges::find(kTimes, std::string_view(column)) != kTimes.end();
    });
    std::vector<std::string> quoted;
    for (const std::string& column : columns) quoted.push_back("quote(" + column + ")");
    const std::string order = Joined(columns);
    std::string row_text;
    for (const std::string& column : quoted) row_text += (row_text.empty() ? "" : " || ' ' || ") + column;
    for (const std::string& row : Texts(database, "SELECT " + row_text + " FROM " + table + " ORDER BY " + order)) {
      facts += table + " " + row + "\n";
    }
  }
  return facts;
}

std::set<std::string> CheckpointRows(const std::filesystem::path& path) {
  SQLite::Database database(path.string(), SQLite::OPEN_READONLY);
  const std::vector<std::string> hashes = Texts(database, "SELECT sha256 FROM checkpoints");
  return {hashes.begin(), hashes.end()};
}

std::set<std::string> FileNames(const std::filesystem::path& directory) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) names.insert(entry.path().filename());
  return names;
}

std::string FirstDifference(const std::string& actual, const std::string& expected) {
  std::istringstream left(actual), right(expected);
  for (int number = 1;; ++number) {
    std::string a, b;
    const bool more_left = static_cast<bool>(std::getline(left, a));
    const bool more_right = static_cast<bool>(std::getline(right, b));
    if (!more_left && !more_right) return "";
    if (a != b) return "line " + std::to_string(number) + ": " + a + "\ninstead of: " + b;
  }
}

}  // namespace athanor
