// Cells of a CSV file (RFC 4180). Lines end with "\n".
#pragma once

#include <string>
#include <string_view>

namespace athanor::training {

// The text as it is, or in quotes with quotes doubled if it holds a comma, a quote or a line break.
std::string CsvText(std::string_view text);

// Six significant digits, with '.' whatever the locale; "nan", "inf" or "-inf".
std::string CsvNumber(double value);

// Appends a comma and the cell.
void AddCell(std::string& line, std::string_view cell);

}  // namespace athanor::training
