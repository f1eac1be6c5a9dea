// The suite that every store passes: its fixture, run once over memory and once over SQLite, and facts to put in.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "server/store/memory_store.h"
#include "server/store/sqlite/sqlite_store.h"
#include "server/store/store.h"
#include "tests/server/store/fact_text.h"
#include "tests/testing/study_specs.h"

namespace athanor {

inline WallTime At(int64_t ms) { return WallTime(std::chrono::milliseconds(ms)); }

// A new empty directory, removed with everything in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "athanor_store_XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  std::string File(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

enum class StoreKind { kMemory, kSqlite };

class StoreContractTest : public ::testing::TestWithParam<StoreKind> {
 protected:
  void SetUp() override { Reopen(); }

  // SQLite: closes the file and opens it again, so that what follows reads what is on disk.
  void Reopen() {
    if (GetParam() == StoreKind::kMemory) {
      if (store_ == nullptr) store_ = std::make_unique<MemoryStore>();
      return;
    }
    store_.reset();
    auto opened = OpenSqliteStore({.path = directory_.File("athanor.db")});
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }

  // A new and empty store.
  void Renew() {
    store_.reset();
    std::filesystem::remove(directory_.File("athanor.db"));
    Reopen();
  }

  absl::Status Commit(const ChangeBatch& batch) { return store_->Commit(batch); }

  void MustCommit(const ChangeBatch& batch) {
    const absl::Status status = store_->Commit(batch);
    ASSERT_TRUE(status.ok()) << status;
  }

  std::string LoadText(StudyId study) {
    const auto image = store_->LoadStudy(study);
    return image.ok() ? Text(*image) : image.status().ToString();
  }

  Store& store() { return *store_; }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<Store> store_;
};

inline std::string StoreKindName(const ::testing::TestParamInfo<StoreKind>& info) {
  return info.param == StoreKind::kMemory ? "Memory" : "Sqlite";
}

#define ATHANOR_FOR_EVERY_STORE(suite) \
  INSTANTIATE_TEST_SUITE_P(Stores, suite, ::testing::Values(StoreKind::kMemory, StoreKind::kSqlite), StoreKindName)

// ---- Facts: the least of each kind ----

inline StudyRecord SmallStudy(StudyId id, const std::string& name) {
  StudyRecord study;
  study.id = id;
  study.spec = SmallStudySpec(name);
  study.created = At(1000);
  return study;
}

inline Trial SmallTrial(TrialNumber number, TrialState state = TrialState::kRunning) {
  Trial trial;
  trial.number = number;
  trial.state = state;
  trial.configuration = Configuration{Value(0.5)};
  trial.suggestion_index = number;
  return trial;
}

inline Attempt SmallAttempt(Token token, TrialNumber trial) {
  Attempt attempt;
  attempt.token = token;
  attempt.trial = trial;
  attempt.worker = "node-0";
  attempt.started = At(2000);
  return attempt;
}

}  // namespace athanor
