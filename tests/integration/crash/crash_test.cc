// The coordinator dies at every point of its write path (base/fault_hook.h), in every call that passes it, every time
// that the call passes it; at every point of its start and of its end. Each time it must come back with every fact that
// was acknowledged and no half of one that was not, and repeating the calls must change nothing.
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <set>
#include <string>

#include "SQLiteCpp/SQLiteCpp.h"
#include "base/fault_hook.h"
#include "tests/integration/crash/disturbed_run.h"
#include "tests/integration/crash/newest_migration.h"
#include "tests/integration/crash/reference.h"
#include "tests/integration/crash/stored_facts.h"

namespace athanor {
namespace {

// Where the store stands when a point is passed.
Durable DurableAt(FaultPoint point) {
  switch (point) {
    case FaultPoint::kTransactionEnded:
    case FaultPoint::kGroupCommitted:
    case FaultPoint::kGroupPublished:
    case FaultPoint::kGroupAnswered:
    case FaultPoint::kUploadRegistered:
    case FaultPoint::kFileDoomed:
    case FaultPoint::kFileDeleted:
      return Durable::kYes;
    default:
      return Durable::kNo;
  }
}

class CrashTest : public ::testing::Test {
 protected:
  CrashTest() : reference_(RunUndisturbed(finished_)) {
    const Folder folder;
    folder.Arm();
    FaultyServer server(folder, {});
    server.Signal(SIGTERM);
    EXPECT_EQ(server.Wait(), 0) << server.log();
    around_ = folder.TakeTrace();
  }

  // What the history left, with the rubbish of a cut upload and of a lost row beside it.
  void CopyFinished(const Folder& folder) {
    folder.CopyFrom(finished_);
    std::ofstream(folder.checkpoints() / "7.upload") << "cut";
    std::ofstream(folder.checkpoints() / std::string(64, 'a')) << "nobody names it";
  }

  // Dies while it starts or, after a SIGTERM, while it ends; then starts as if nothing had been.
  void DieAround(const Folder& folder, const Death& death, const std::string& expected) {
    SCOPED_TRACE(death.point);
    folder.Arm();
    {
      FaultyServer server(folder, death);
      if (server.serves()) server.Signal(SIGTERM);
      ASSERT_EQ(server.Wait(), FaultyServer::kDied) << server.log();
    }
    ++deaths_;
    folder.Disarm();
    FaultyServer server(folder, {});
    ASSERT_TRUE(server.serves()) << server.log();
    EXPECT_EQ(FirstDifference(StoredFacts(folder.database()), expected), "");
    EXPECT_EQ(FileNames(folder.checkpoints()), CheckpointRows(folder.database()));
  }

  const Folder finished_;
  const Reference reference_;
  std::map<std::string, int> around_;  // how often a start and an end, with no call in between, pass each point
  int deaths_ = 0;
};

TEST_F(CrashTest, EveryPointLeavesWhatWasAcknowledgedAndNothingElse) {
  ASSERT_FALSE(HasFailure());
  int points = 0;
  std::set<std::string> never_passed;
  for (const NamedFaultPoint& named : kFaultPoints) {
    const std::string point = named.name;
    const int before = deaths_;
    const int most = reference_.MostPassings(point);
    for (int passing = 1; passing <= most && !HasFailure(); ++passing) {
      deaths_ += RunDisturbed(reference_, {point, passing}, DurableAt(named.point));
    }
    const auto around = around_.find(point);
    for (int passing = 1; around != around_.end() && passing <= around->second && !HasFailure(); ++passing) {
      const Folder folder;
      const bool fresh = point.starts_with("migration_");
      if (!fresh) CopyFinished(folder);
      DieAround(folder, {point, passing}, fresh ? reference_.stored.front() : reference_.stored.back());
    }
    ASSERT_FALSE(HasFailure()) << "at " << point;
    ++points;
    if (deaths_ == before) never_passed.insert(point);
  }
  EXPECT_TRUE(never_passed.empty()) << *never_passed.begin() << " was never passed";
  std::printf("crash points enumerated: %d points, %zu calls, %d deaths\n", points, reference_.calls.size(), deaths_);
}

// The same history in the schema before: all of it is there after an upgrade that died, wherever it died.
TEST_F(CrashTest, UpgradeThatDiesLosesNothing) {
  ASSERT_FALSE(HasFailure());
  for (const char* point : {"migration_begun", "migration_applied", "migration_committed"}) {
    const Folder folder;
    CopyFinished(folder);
    std::string expected;
    {
      SQLite::Database database(folder.database().string(), SQLite::OPEN_READWRITE);
      ASSERT_EQ(database.execAndGet("PRAGMA user_version").getInt(), kNewestSchema);
      database.exec(kForgetNewestFacts);
      expected = StoredFacts(folder.database());
      database.exec(kUndoNewestMigration);
    }
    DieAround(folder, {point, 1}, expected);
  }
}

}  // namespace
}  // namespace athanor
