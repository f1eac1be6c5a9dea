// Reads CSV files (RFC 4180): cells by commas, records by CRLF, LF or, as some programs write, CR alone; cells that
// hold any of these between double quotes, double quotes inside them doubled; a first line of names.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace athanor::training {

// A forward reader over one file; keeps one record in memory. Not thread-safe.
//
// A byte order mark of UTF-8 and empty lines are passed over. Names and cells are kept as they are, blanks included.
class CsvReader {
 public:
  // Opens the file and reads its first line. Throws DataError if it is no file, cannot be opened, is empty, in UTF-16,
  // or names a column twice.
  explicit CsvReader(const std::filesystem::path& path);

  const std::vector<std::string>& columns() const { return columns_; }

  // Reads the next record into cells(); false at the end of the file. Throws DataError naming the line if it has
  // another number of cells than the first line, a quote is not closed or followed by text, or a cell is longer than
  // 1 MiB.
  bool Next();
  const std::vector<std::string>& cells() const { return cells_; }
  // Of the record's first character, from 1.
  int64_t line() const { return record_line_; }

  // Throws DataError with the file's name, the record's line, the column's name and what is wrong.
  [[noreturn]] void Refuse(size_t column, const std::string& what) const;

 private:
  static constexpr int kEnd = -1;
  int Peek();
  int Take();
  void TakeLineEnd();  // nothing at the end of the file
  bool ReadRecord();
  // Each leaves the reader behind the cell, before its comma or the end of the record.
  void ReadQuoted(std::string& cell);
  void ReadPlain(std::string& cell);
  [[noreturn]] void RefuseLine(const std::string& what) const;

  std::filesystem::path path_;
  std::ifstream in_;
  std::vector<char> buffer_;
  size_t position_ = 0;
  size_t filled_ = 0;
  int64_t line_ = 1;
  int64_t record_line_ = 1;
  std::vector<std::string> columns_;
  std::vector<std::string> cells_;
};

}  // namespace athanor::training
