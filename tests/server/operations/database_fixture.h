// A database with a sound history and the files of its checkpoints, for tests of what is done to such files.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/operations/check_file.h"
#include "tests/server/check/healthy_history.h"

namespace athanor {

class DatabaseTest : public ::testing::Test {
 protected:
  DatabaseTest();

  std::string File(const std::string& name) const { return directory_.File(name); }
  const std::string& database() const { return database_; }
  std::string checkpoint_dir() const { return database_ + ".checkpoints"; }

  std::unique_ptr<Store> MustOpen(const std::string& path) const;
  // A checkpoint of `content` for trial 0 of study 1, attempt 5: the row and the file.
  void AddCheckpointOf(Store& store, int64_t step, const std::string& content);
  std::string CheckpointPath(const std::string& content) const;

  // The findings as text, or the error.
  std::vector<std::string> Check(const std::string& path, const std::string& checkpoint_dir) const;

  static std::string ReadBytes(const std::string& path);
  static void WriteBytes(const std::string& path, const std::string& bytes);
  // Overwrites a page in the middle, which SQLite notices and the header does not tell.
  static void Damage(const std::string& path);
  // Names in the directory of the test, sorted, without those of checkpoints.
  std::vector<std::string> Names() const;

 private:
  TemporaryDirectory directory_;
  const std::string database_;
};

}  // namespace athanor
