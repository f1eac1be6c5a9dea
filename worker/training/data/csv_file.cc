#include "worker/training/data/csv_file.h"

#include <set>
#include <string_view>

#include "worker/training/data/open_file.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

constexpr size_t kBufferBytes = 1 << 16;
constexpr size_t kMaxCellBytes = 1 << 20;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kByteOrderMarksOfUtf16[] = {"\xff\xfe", "\xfe\xff"};

}  // namespace

CsvReader::CsvReader(const std::filesystem::path& path) : path_(path), in_(OpenDataFile(path)), buffer_(kBufferBytes) {
  Peek();
  const std::string_view start(buffer_.data(), filled_);
  for (const std::string_view mark : kByteOrderMarksOfUtf16) {
    if (start.starts_with(mark)) RefuseLine("the file is in UTF-16; want UTF-8");
  }
  if (start.starts_with(kByteOrderMark)) position_ = kByteOrderMark.size();
  if (!ReadRecord()) RefuseLine("the file is empty; want a line of column names");
  columns_ = cells_;
  std::set<std::string> names;
  for (const std::string& name : columns_) {
    if (!names.insert(name).second) RefuseLine("there are two columns " + name);
  }
}

bool CsvReader::Next() {
  if (!ReadRecord()) return false;
  if (cells_.size() != columns_.size()) {
    RefuseLine(std::to_string(cells_.size()) + " cells; the first line names " + std::to_string(columns_.size()) +
               " columns");
  }
  return true;
}

int CsvReader::Peek() {
  if (position_ == filled_) {
    in_.read(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    if (in_.bad()) RefuseLine("cannot read");
    filled_ = static_cast<size_t>(in_.gcount());
    position_ = 0;
    if (filled_ == 0) return kEnd;
  }
  return static_cast<unsigned char>(buffer_[position_]);
}

int CsvReader::Take() {
  const int c = Peek();
  if (c != kEnd) ++position_;
  if (c == '\n') ++line_;
  return c;
}

bool CsvReader::ReadRecord() {
  while (Peek() == '\n' || Peek() == '\r') TakeLineEnd();
  record_line_ = line_;
  if (Peek() == kEnd) return false;
  size_t count = 0;
  for (;;) {
    if (count == cells_.size()) cells_.emplace_back();
    std::string& cell = cells_[count++];
    cell.clear();
    if (Peek() == '"') {
      ReadQuoted(cell);
    } else {
      ReadPlain(cell);
    }
    if (Peek() != ',') break;
    Take();
  }
  cells_.resize(count);
  TakeLineEnd();
  return true;
}

void CsvReader::TakeLineEnd() {
  if (Take() != '\r') return;
  if (Peek() == '\n') {
    Take();
  } else {
    ++line_;
  }
}

void CsvReader::ReadQuoted(std::string& cell) {
  Take();
  for (;;) {
    const int c = Take();
    if (c == kEnd) RefuseLine("a quote is not closed");
    if (c == '"') {
      if (Peek() != '"') break;
      Take();
    }
    if (cell.size() == kMaxCellBytes) RefuseLine("a cell of more than 1 MiB; is a quote missing?");
    cell += static_cast<char>(c);
  }
  const int next = Peek();
  if (next != ',' && next != '\n' && next != '\r' && next != kEnd) {
    RefuseLine("text behind a closing quote; a quote inside a cell is written twice");
  }
}

void CsvReader::ReadPlain(std::string& cell) {
  for (int c = Peek(); c != ',' && c != '\n' && c != '\r' && c != kEnd; c = Peek()) {
    if (cell.size() == kMaxCellBytes) RefuseLine("a cell of more than 1 MiB");
    cell += static_cast<char>(Take());
  }
}

void CsvReader::Refuse(size_t column, const std::string& what) const {
  RefuseLine("column " + columns_[column] + ": " + what);
}

void CsvReader::RefuseLine(const std::string& what) const {
  throw DataError(path_.string() + ": line " + std::to_string(record_line_) + ": " + what);
}

}  // namespace athanor::training
