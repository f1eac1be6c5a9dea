// Columns of text that line up.
#pragma once

#include <string>
#include <vector>

#include "client/cli/styled_text.h"

namespace athanor::cli {

enum class Align { kLeft, kRight };

struct Column {
  std::string header;
  Align align = Align::kLeft;
};

// Two spaces between columns; numbers go right, words left. A column nobody filled is left out, header and all.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // `cells` has one cell a column.
  void AddRow(std::vector<StyledLine> cells);
  bool empty() const { return rows_.empty(); }

  // The header, dim, then the rows, each cut to `width` columns.
  std::vector<StyledLine> Lines(size_t width, Charset charset) const;
  // The same at any width, each line ended by a newline.
  std::string Text(const Look& look) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<StyledLine>> rows_;
};

}  // namespace athanor::cli
