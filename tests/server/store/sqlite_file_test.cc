// What the SQLite store promises about its file: who may open it, what is refused, and what survives.
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "SQLiteCpp/SQLiteCpp.h"
#include "absl/strings/str_cat.h"
#include "server/store/sqlite/schema.h"
#include "sqlite3.h"
#include "tests/server/store/store_fixture.h"

namespace athanor {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string ReadBytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

void WriteBytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

class SqliteFileTest : public ::testing::Test {
 protected:
  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return directory_.File(name); }

  std::unique_ptr<Store> MustOpen(SqliteOptions options = {}) {
    options.path = path_;
    auto opened = OpenSqliteStore(options);
    EXPECT_TRUE(opened.ok()) << opened.status();
    return opened.ok() ? *std::move(opened) : nullptr;
  }

  absl::Status OpenStatus() { return OpenSqliteStore({.path = path_}).status(); }

  // A closed database with one study, one trial and measurements over many pages.
  void MakeDatabase() {
    const auto store = MustOpen();
    ChangeBatch batch = {PutStudy{SmallStudy(1, "a")}, InsertTrial{1, SmallTrial(0)},
                         InsertAttempt{1, SmallAttempt(1, 0)}};
    for (int64_t step = 1; step <= 5000; ++step) {
      batch.push_back(AddMeasurement{1, 0, 1, {step, step, {{"loss", 1.0 / static_cast<double>(step)}}}});
    }
    ASSERT_TRUE(store->Commit(batch).ok());
  }

  // Opening fails with this code, names the file and leaves it as it is.
  void ExpectRefused(absl::StatusCode code, const std::string& cause) {
    const std::string before = ReadBytes(path_);
    const absl::Status status = OpenStatus();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr(path_), HasSubstr(cause)));
    EXPECT_TRUE(ReadBytes(path_) == before);
  }

 private:
  TemporaryDirectory directory_;
  const std::string path_ = directory_.File("athanor.db");
};

TEST_F(SqliteFileTest, ReopenedFileHoldsEverything) {
  MakeDatabase();
  const auto store = MustOpen();
  EXPECT_EQ(Text(store->LoadStudy(1)->study), Text(SmallStudy(1, "a")));
  EXPECT_EQ(store->ReadCurves(1, 0, {"loss"}, Archived::kLeaveOut)->at(0).points.size(), 5000);
  EXPECT_EQ(store->ReadSize()->path, path());
  EXPECT_EQ(store->ReadSize()->schema_version, sqlite::LatestSchemaVersion());
  EXPECT_GE(store->ReadSize()->bytes, 5000 * 8);
}

TEST_F(SqliteFileTest, LoadingAStudyLeavesItsPagesOutOfMemory) {
  constexpr int kTrials = 20'000;
  {
    const auto store = MustOpen();
    ChangeBatch batch = {PutStudy{SmallStudy(1, "a")}};
    for (int number = 0; number < kTrials; ++number) {
      Trial trial = SmallTrial(number, TrialState::kCompleted);
      trial.reason = std::string(400, 'x');
      batch.push_back(InsertTrial{1, std::move(trial)});
    }
    ASSERT_TRUE(store->Commit(batch).ok());
  }
  SqliteOptions unchecked;  // a check of the pages would fill the cache as well
  unchecked.check_pages_up_to = 0;
  const auto store = MustOpen(unchecked);
  const int64_t before = sqlite3_memory_used();
  ASSERT_EQ(store->LoadStudy(1)->trials.size(), kTrials);
  EXPECT_LT(sqlite3_memory_used() - before, 3 << 20);  // of 8 MiB that it read
}

TEST_F(SqliteFileTest, AttemptsShareTheRowsOfTheirWorkerAndEnvironment) {
  const auto count = [&](const std::string& table) {
    return SQLite::Database(path()).execAndGet("SELECT count(*) FROM " + table).getInt();
  };
  const auto store = MustOpen();
  Attempt attempt = SmallAttempt(1, 0);
  attempt.worker = "node-1";
  attempt.environment = std::make_shared<const Environment>(Environment{"cuda:0", "1", "2", 4, "h"});
  // Its rows are undone with it, and their numbers given to the next.
  ASSERT_FALSE(store
                   ->Commit({PutStudy{SmallStudy(1, "a")}, InsertTrial{1, SmallTrial(0)}, InsertAttempt{1, attempt},
                             InsertTrial{7, SmallTrial(0)}})
                   .ok());
  ASSERT_TRUE(store->Commit({PutStudy{SmallStudy(1, "a")}, InsertTrial{1, SmallTrial(0)}}).ok());
  std::vector<Attempt> expected;
  for (Token token = 1; token <= 6; ++token) {
    attempt = SmallAttempt(token, 0);
    attempt.worker = token % 2 == 0 ? "node-1" : "node-2";
    if (token > 2) {
      attempt.environment =
          std::make_shared<const Environment>(Environment{token % 3 == 0 ? "cpu" : "cuda:0", "1", "2", 4, "h"});
    }
    ASSERT_TRUE(store->Commit({InsertAttempt{1, attempt}}).ok());
    expected.push_back(attempt);
  }
  EXPECT_EQ(Text(*store->ReadAttempts(1, 0)), Text(expected));
  EXPECT_EQ(count("worker_names"), 2);
  EXPECT_EQ(count("environments"), 3);  // that of an attempt that has not started is the third
}

TEST_F(SqliteFileTest, BareValueThatIsNoBoolIsDataLoss) {
  MakeDatabase();
  SQLite::Database(path(), SQLite::OPEN_READWRITE).exec("UPDATE trial_values SET value = x'02'");
  EXPECT_EQ(MustOpen()->LoadStudy(1).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(SqliteFileTest, FileIsMarkedAsOursAndDurable) {
  MakeDatabase();
  SQLite::Database database(path(), SQLite::OPEN_READONLY);
  EXPECT_EQ(database.execAndGet("PRAGMA application_id").getInt(), sqlite::kApplicationId);
  EXPECT_EQ(database.execAndGet("PRAGMA user_version").getInt(), sqlite::LatestSchemaVersion());
  EXPECT_EQ(database.execAndGet("PRAGMA journal_mode").getString(), "wal");
}

TEST_F(SqliteFileTest, EmptyFileBecomesADatabase) {
  WriteBytes(path(), "");
  const auto store = MustOpen();
  EXPECT_TRUE(store->Commit({PutStudy{SmallStudy(1, "a")}}).ok());
}

TEST_F(SqliteFileTest, SecondOpenerIsRefusedUntilTheFirstCloses) {
  auto first = MustOpen();
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "another coordinator holds it");
  EXPECT_TRUE(first->Commit({PutStudy{SmallStudy(1, "a")}}).ok());
  first.reset();
  EXPECT_TRUE(OpenStatus().ok());
}

TEST_F(SqliteFileTest, LinkToAnOpenFileIsRefused) {
  const auto first = MustOpen();
  std::filesystem::create_symlink(path(), File("link.db"));
  EXPECT_EQ(OpenSqliteStore({.path = File("link.db")}).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(SqliteFileTest, NewerSchemaIsRefusedNamingBothVersions) {
  MakeDatabase();
  SQLite::Database(path(), SQLite::OPEN_READWRITE).exec("PRAGMA user_version = 4711");
  ExpectRefused(absl::StatusCode::kFailedPrecondition,
                absl::StrCat("schema version 4711, newer than version ", sqlite::LatestSchemaVersion()));
}

TEST_F(SqliteFileTest, DatabaseOfAnotherProgramIsRefused) {
  SQLite::Database(path(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec("CREATE TABLE notes (text)");
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "another program");
}

TEST_F(SqliteFileTest, FileThatIsNoDatabaseIsRefused) {
  for (const size_t bytes : {1, 99, 100, 511, 4096, 100'000}) {
    WriteBytes(path(), std::string(bytes, 'x'));
    ExpectRefused(absl::StatusCode::kDataLoss, "not a database");
  }
}

TEST_F(SqliteFileTest, TruncatedFileIsRefused) {
  MakeDatabase();
  const std::string whole = ReadBytes(path());
  ASSERT_GT(whole.size(), 40'000);
  for (const size_t bytes :
       {whole.size() - 1, whole.size() - 4096, whole.size() / 2, size_t{4096}, size_t{1024}, size_t{50}}) {
    WriteBytes(path(), whole.substr(0, bytes));
    ExpectRefused(absl::StatusCode::kDataLoss, bytes < 100 ? "not a database" : "truncated");
  }
  WriteBytes(path(), whole);
  EXPECT_TRUE(OpenStatus().ok());
}

TEST_F(SqliteFileTest, EveryOverwrittenPageIsNoticed) {
  MakeDatabase();
  const std::string whole = ReadBytes(path());
  int64_t noticed = 0;
  for (size_t page = 1; page < whole.size() / 4096; ++page) {
    std::string damaged = whole;
    damaged.replace(page * 4096, 4096, std::string(4096, '\x5a'));
    WriteBytes(path(), damaged);
    ExpectRefused(absl::StatusCode::kDataLoss, "");
    ++noticed;
  }
  EXPECT_GE(noticed, 40);
}

TEST_F(SqliteFileTest, FileAboveTheLimitIsOpenedWithoutAllItsPagesAndSaysWhatIsDamagedWhenItIsRead) {
  MakeDatabase();
  std::string damaged = ReadBytes(path());
  damaged.replace(damaged.size() - 8192, 4096, std::string(4096, '\x5a'));
  WriteBytes(path(), damaged);
  const auto store = MustOpen({.path = "", .check_pages_up_to = 4096});
  const absl::Status status = store->ReadCurves(1, 0, {"loss"}, Archived::kLeaveOut).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(path()));
}

TEST_F(SqliteFileTest, ValueOfATrialThatIsNotThereIsDataLoss) {
  MakeDatabase();
  for (const int trial : {-1, 1}) {
    SCOPED_TRACE(trial);
    SQLite::Database(path(), SQLite::OPEN_READWRITE)
        .exec(absl::StrCat("INSERT INTO trial_values VALUES (1, ", trial, ", 0, 0.5)"));
    EXPECT_EQ(MustOpen()->LoadStudy(1).status().code(), absl::StatusCode::kDataLoss);
    SQLite::Database(path(), SQLite::OPEN_READWRITE)
        .exec(absl::StrCat("DELETE FROM trial_values WHERE trial = ", trial));
    EXPECT_TRUE(MustOpen()->LoadStudy(1).ok());
  }
}

TEST_F(SqliteFileTest, EmptiedFileWithALogBesideItIsRefused) {
  WriteBytes(path(), "");
  WriteBytes(path() + "-wal", "frames");
  ExpectRefused(absl::StatusCode::kDataLoss, "-wal");
  EXPECT_EQ(ReadBytes(path() + "-wal"), "frames");
}

TEST_F(SqliteFileTest, MissingDirectoryIsNotFound) {
  const absl::Status status = OpenSqliteStore({.path = File("nowhere/athanor.db")}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr(File("nowhere")));
}

TEST_F(SqliteFileTest, DirectoryInPlaceOfTheFileIsUnavailable) {
  std::filesystem::create_directory(path());
  const absl::Status status = OpenStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(path()));
}

// /sys lets nobody create a file, root included.
TEST_F(SqliteFileTest, DirectoryThatCannotBeWrittenIsUnavailable) {
  if (!std::filesystem::is_directory("/sys")) GTEST_SKIP() << "needs /sys";
  const absl::Status status = OpenSqliteStore({.path = "/sys/athanor.db"}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("/sys/athanor.db"), HasSubstr("cannot create")));
}

// Steps first..last of `loss` of trial 0 of study `study`.
ChangeBatch Losses(StudyId study, Token token, int64_t first, int64_t last) {
  ChangeBatch batch;
  for (int64_t step = first; step <= last; ++step) {
    batch.push_back(AddMeasurement{study, 0, token, {step, step, {{"loss", 1.0 / static_cast<double>(step)}}}});
  }
  return batch;
}

TEST_F(SqliteFileTest, FullDatabaseRefusesAndGoesOnOnceThereIsSpace) {
  auto store = MustOpen({.path = "", .max_bytes = 1 << 20});
  ASSERT_TRUE(
      store
          ->Commit({PutStudy{SmallStudy(1, "a")}, InsertTrial{1, SmallTrial(0)}, InsertAttempt{1, SmallAttempt(1, 0)},
                    PutStudy{SmallStudy(2, "b")}, InsertTrial{2, SmallTrial(0)}, InsertAttempt{2, SmallAttempt(2, 0)}})
          .ok());
  int64_t steps = 0;
  absl::Status status;
  while ((status = store->Commit(Losses(1, 1, steps + 1, steps + 5000))).ok()) steps += 5000;
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(path()));
  ASSERT_GT(steps, 0);
  EXPECT_EQ(store->ReadCurves(1, 0, {}, Archived::kLeaveOut)->at(0).points.size(), steps);

  // It fails again and again, each time without a trace.
  EXPECT_EQ(store->Commit(Losses(2, 2, 1, 50'000)).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(store->ReadCurves(2, 0, {}, Archived::kLeaveOut)->size(), 0);

  ASSERT_TRUE(store->Commit({DeleteStudy{1}}).ok());
  EXPECT_TRUE(store->Commit(Losses(2, 2, 1, 5000)).ok());
  store.reset();
  store = MustOpen();
  EXPECT_EQ(store->ReadCurves(2, 0, {}, Archived::kLeaveOut)->at(0).points.size(), 5000);
}

// While it exists, no file of this process can be written past `bytes`: the system call fails as on a broken disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST_F(SqliteFileTest, FailedWriteIsUnavailableAndTheSameBatchCommitsAfterwards) {
  auto store = MustOpen();
  ASSERT_TRUE(
      store->Commit({PutStudy{SmallStudy(1, "a")}, InsertTrial{1, SmallTrial(0)}, InsertAttempt{1, SmallAttempt(1, 0)}})
          .ok());
  const ChangeBatch batch = Losses(1, 1, 1, 20'000);
  {
    const FileSizeLimit limit(256 << 10);
    const absl::Status status = store->Commit(batch);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_EQ(store->ReadCurves(1, 0, {}, Archived::kLeaveOut)->size(), 0);
  }
  const absl::Status status = store->Commit(batch);
  EXPECT_TRUE(status.ok()) << status;
  store.reset();
  store = MustOpen();
  EXPECT_EQ(store->ReadCurves(1, 0, {}, Archived::kLeaveOut)->at(0).points.size(), 20'000);
}

TEST_F(SqliteFileTest, CommitBehindSomeoneElsesWriteLockIsUnavailableAndCanBeRepeated) {
  const auto store = MustOpen({.path = "", .busy_timeout_ms = 1});
  SQLite::Database other(path(), SQLite::OPEN_READWRITE);
  other.exec("BEGIN IMMEDIATE");
  EXPECT_EQ(store->Commit({PutStudy{SmallStudy(1, "a")}}).code(), absl::StatusCode::kUnavailable);
  other.exec("ROLLBACK");
  EXPECT_TRUE(store->Commit({PutStudy{SmallStudy(1, "a")}}).ok());
}

// What a crash leaves: the files as they lie on disk while the store is open, log included.
TEST_F(SqliteFileTest, CommittedFactsSurviveAProcessThatNeverCloses) {
  const auto store = MustOpen();
  ASSERT_TRUE(store->Commit({PutStudy{SmallStudy(1, "a")}}).ok());
  ASSERT_TRUE(store->Commit({PutStudy{SmallStudy(2, "b")}}).ok());
  std::filesystem::copy_file(path(), File("copy.db"));
  std::filesystem::copy_file(path() + "-wal", File("copy.db-wal"));
  const auto copy = OpenSqliteStore({.path = File("copy.db")});
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_EQ((*copy)->LoadStudyIds()->size(), 2);
}

}  // namespace
}  // namespace athanor
