// CSV files as training data and as inputs: read whole, or refused with a DataError or InfeasibleError.
#include <string>

#include "tests/fuzz/memory_file.h"
#include "worker/training/data/csv_table.h"
#include "worker/training/errors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using athanor::training::TaskKind;
  const athanor::fuzz::MemoryFile file(data, size);
  for (const TaskKind task :
       {TaskKind::kClassification, TaskKind::kMultiLabel, TaskKind::kRegression, TaskKind::kReconstruction}) {
    try {
      const auto columns = athanor::training::LearnColumns(file.path(), "y", task, [] {});
      athanor::training::ReadTable(file.path(), columns, 0, [] {});
    } catch (const athanor::training::DataError&) {
    } catch (const athanor::training::InfeasibleError&) {
    }
  }
  return 0;
}
