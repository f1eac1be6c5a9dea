#include <string>
#include <vector>

#include "worker/training/data/csv_table.h"
#include "worker/training/data/source.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

class CsvSource final : public Source {
 public:
  CsvSource(const DataOptions& options, TaskKind task)
      : options_(options), task_(task), folder_(options.data_dir), files_{folder_ / "train.csv"} {
    for (const char* name : {"validation.csv", "test.csv"}) {
      if (Exists(name)) files_.push_back(folder_ / name);
    }
  }

  const std::vector<std::filesystem::path>& Files() const override { return files_; }

  RawDataset Read(int /*threads*/, const LoadingHeartbeat& heartbeat) const override {
    const TableColumns columns = LearnColumns(folder_ / "train.csv", options_.target, task_, heartbeat);
    RawDataset raw;
    raw.input = InputKind::kTable;
    raw.numeric_columns = columns.numeric;
    raw.categorical_columns = columns.categorical;
    raw.category_values = columns.values;
    raw.classes = columns.classes;
    if (task_ != TaskKind::kClassification) raw.target_columns = columns.targets;
    // What the test takes from the training file is taken before its first rows are counted.
    const int64_t max_train = Exists("test.csv") ? options_.max_train_examples : 0;
    raw.train = ReadTable(folder_ / "train.csv", columns, max_train, heartbeat);
    if (Exists("validation.csv")) raw.validation = ReadTable(folder_ / "validation.csv", columns, 0, heartbeat);
    if (Exists("test.csv")) {
      raw.test = ReadTable(folder_ / "test.csv", columns, options_.max_test_examples, heartbeat);
    }
    return raw;
  }

 private:
  bool Exists(const char* name) const {
    std::error_code ignored;
    return std::filesystem::exists(folder_ / name, ignored);
  }

  DataOptions options_;
  TaskKind task_;
  std::filesystem::path folder_;
  std::vector<std::filesystem::path> files_;
};

}  // namespace

std::unique_ptr<Source> MakeCsvSource(const DataOptions& options, TaskKind task) {
  if (options.data_dir.empty()) throw InfeasibleError("dataset: csv needs data_dir");
  return std::make_unique<CsvSource>(options, task);
}

}  // namespace athanor::training
