// Files of every released schema, as a coordinator of that release left them (data/make_released_file.py), are brought
// to the schema of this program and served on.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "server/check/history_check.h"
#include "server/store/sqlite/schema.h"
#include "server/store/sqlite/snapshot.h"
#include "tests/server/store/store_fixture.h"
#include "tests/testing/coordinator_fixture.h"

namespace athanor {
namespace {

using ::testing::IsEmpty;
using testing::TestCoordinator;

std::vector<std::string> ReleasedFiles() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(ATHANOR_RELEASED_FILES)) {
    if (entry.path().extension() == ".db") paths.push_back(entry.path().string());
  }
  std::ranges::sort(paths);
  return paths;
}

std::vector<std::string> Violations(Store& store) {
  std::vector<std::string> lines;
  const auto counts = CheckHistory(store, [&](const Violation& found) { lines.push_back(ToString(found)); });
  EXPECT_TRUE(counts.ok()) << counts.status();
  EXPECT_GE(counts->trials, 10);
  return lines;
}

class ReleasedFileTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { std::filesystem::copy_file(GetParam(), path_); }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.File("athanor.db");
};

TEST(ReleasedFiles, ThereIsOneOfEverySchemaBeforeThisOne) {
  EXPECT_GE(std::ssize(ReleasedFiles()), sqlite::LatestSchemaVersion() - 1);
}

TEST_P(ReleasedFileTest, HasTheLatestSchemaAndASoundHistoryOnceOpened) {
  ASSERT_TRUE(OpenSqliteStore({.path = path_}).ok());
  SnapshotOptions options;
  options.path = path_;
  const auto snapshot = SqliteSnapshot::Open(options);
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  EXPECT_EQ((*snapshot)->schema_version(), sqlite::LatestSchemaVersion());
  EXPECT_TRUE((*snapshot)->CheckFile([](const std::string& found) { ADD_FAILURE() << found; }).ok());
  const auto store = (*snapshot)->History();
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_THAT(Violations(**store), IsEmpty());
}

TEST_P(ReleasedFileTest, GoesOnWhereItStood) {
  auto store = OpenSqliteStore({.path = path_});
  ASSERT_TRUE(store.ok()) << store.status();
  TestCoordinator coordinator({}, store->get());
  const std::string before = coordinator.MemoryText();
  const StudyId ladder = coordinator.coordinator().state().by_name.at("ladder");
  const auto trials = static_cast<int64_t>(coordinator.study(ladder).trials().size());
  coordinator.Advance(std::chrono::seconds(31));  // the leases of then are lost
  EXPECT_EQ(coordinator.study(ladder).Count(TrialState::kRunning), 0);
  coordinator.Register("heir");
  for (int i = 0; i < 60; ++i) {
    for (const LeaseGrant& lease : coordinator.Acquire("heir")) {
      coordinator.Train(lease, [&](int64_t step) { return static_cast<double>(lease.ref.trial % 7 + step) / 16; });
    }
  }
  const LiveStudy& study = coordinator.study(ladder);
  EXPECT_GT(static_cast<int64_t>(study.trials().size()), trials);
  EXPECT_GT(study.Count(TrialState::kCompleted), 0);
  EXPECT_EQ(coordinator.state(coordinator.coordinator().state().by_name.at("grid")), StudyState::kCompleted);
  EXPECT_NE(coordinator.MemoryText(), before);
  EXPECT_EQ(coordinator.MemoryText(), coordinator.StoreText());
  EXPECT_THAT(Violations(coordinator.store()), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Files, ReleasedFileTest, ::testing::ValuesIn(ReleasedFiles()),
                         [](const auto& info) { return std::filesystem::path(info.param).stem().string(); });

}  // namespace
}  // namespace athanor
