// What becomes of the columns of a CSV file.
//
// A column is numeric if its first cell that is not empty is a finite number, and then all its cells must be: a text or
// a missing cell is refused with its line. Every other column is categorical: its different texts are its values,
// numbered from 1 in alphabetical order; 0 is the empty text, for a missing cell and for a value that the training file
// does not have. Blanks around numbers do not count.
//
// Targets by task. Classification: one column of any texts, the classes, numbered in ascending order (numerically if
// all are numbers). Regression: columns of numbers. Multi-label: columns of 0 and 1. Reconstruction: none; a target
// column that is there is left out of the inputs. A missing target is refused, and so is a class that the training file
// does not have.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "worker/training/data/raw_dataset.h"
#include "worker/training/options/task_options.h"

namespace athanor::training {

struct TableColumns {
  std::vector<std::string> numeric;
  std::vector<std::string> categorical;
  std::vector<std::vector<std::string>> values;  // of each categorical column; values[i][0] is ""
  std::vector<std::string> targets;              // empty: none are read
  std::vector<std::string> classes;              // classification
  TaskKind task = TaskKind::kRegression;
};

// Looks through the training file. `target`: a name, or names by commas. Throws DataError on bad records, and if
// nothing is left to learn from; InfeasibleError if a target column is not there or there are too many for the task.
TableColumns LearnColumns(const std::filesystem::path& path, const std::string& target, TaskKind task,
                          const LoadingHeartbeat& heartbeat);

// Reads rows by the columns' names, in whatever order the file has them; columns that are not asked for are passed
// over. At most max_rows; 0 = all. Throws DataError as above, on a missing column and if there is no row.
RawPart ReadTable(const std::filesystem::path& path, const TableColumns& columns, int64_t max_rows,
                  const LoadingHeartbeat& heartbeat);

}  // namespace athanor::training
