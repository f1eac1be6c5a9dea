#include "client/cli/table.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace athanor::cli {

void Table::AddRow(std::vector<StyledLine> cells) { rows_.push_back(std::move(cells)); }

std::vector<StyledLine> Table::Lines(size_t width, Charset charset) const {
  std::vector<size_t> widths(columns_.size(), 0);
  for (const std::vector<StyledLine>& row : rows_) {
    for (size_t i = 0; i < columns_.size(); ++i) widths[i] = std::max(widths[i], row[i].width());
  }
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (widths[i] > 0) widths[i] = std::max(widths[i], DisplayWidth(columns_[i].header));
  }

  const auto make_line = [&](const std::vector<StyledLine>& cells) {
    StyledLine line;
    size_t column_start = 0;
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (widths[i] == 0) continue;
      // An empty cell adds no padding, so that cutting the line does not mark a cut where nothing was.
      if (cells[i].width() > 0) {
        line.PadTo(column_start + (columns_[i].align == Align::kRight ? widths[i] - cells[i].width() : 0))
            .Append(cells[i]);
      }
      column_start += widths[i] + 2;
    }
    line.Fit(width, charset);
    return line;
  };

  std::vector<StyledLine> headers;
  for (const Column& column : columns_) headers.emplace_back(column.header, Style::kDim);
  std::vector<StyledLine> lines = {make_line(headers)};
  for (const std::vector<StyledLine>& row : rows_) lines.push_back(make_line(row));
  return lines;
}

std::string Table::Text(const Look& look) const {
  std::string text;
  for (const StyledLine& line : Lines(std::numeric_limits<size_t>::max(), look.charset))
    text += line.Render(look) + "\n";
  return text;
}

}  // namespace athanor::cli
