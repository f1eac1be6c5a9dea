// The tables of this folder, which make_reference.py writes. ATHANOR_REFERENCE_FOLDER is where they lie.
#pragma once

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace athanor::training {

struct ReferenceTable {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

inline std::vector<std::string> SplitLine(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream in(line);
  for (std::string cell; std::getline(in, cell, ',');) cells.push_back(cell);
  return cells;
}

inline ReferenceTable ReadReferenceTable(const std::string& name) {
  const std::string path = std::string(ATHANOR_REFERENCE_FOLDER) + "/" + name;
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot read " + path);
  ReferenceTable table;
  std::string line;
  std::getline(in, line);
  table.columns = SplitLine(line);
  while (std::getline(in, line)) table.rows.push_back(SplitLine(line));
  return table;
}

}  // namespace athanor::training
