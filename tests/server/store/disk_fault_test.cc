// The SQLite store and the folder of checkpoints on a disk that fails on demand.
#include <atomic>
#include <filesystem>
#include <string>

#include "server/store/checkpoint_files.h"
#include "tests/server/store/store_fixture.h"
#include "tests/testing/faulty_vfs.h"

namespace athanor {
namespace {

using testing::DiskFault;
using testing::FaultyVfs;

// Enough to need several writes.
ChangeBatch LargeBatch(Token token, TrialNumber trial) {
  ChangeBatch batch = {InsertTrial{1, SmallTrial(trial)}, InsertAttempt{1, SmallAttempt(token, trial)}};
  for (int64_t step = 1; step <= 1000; ++step) {
    batch.push_back(AddMeasurement{1, trial, token, {step, step, {{"loss", 1.0 / static_cast<double>(step)}}}});
  }
  return batch;
}

class DiskFaultTest : public ::testing::Test {
 protected:
  DiskFaultTest() : vfs_([this] { return fault_.load(); }) {
    Open();
    EXPECT_TRUE(store_->Commit({PutStudy{SmallStudy(1, "a")}}).ok());
    EXPECT_TRUE(store_->Commit(LargeBatch(1, 0)).ok());
  }

  void Open() {
    store_.reset();
    auto opened = OpenSqliteStore({.path = path_});
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }
  std::string Facts() { return Text(*store_->LoadStudy(1)) + Text(*store_->ReadCurves(1, 0, {}, Archived::kInclude)); }

  std::atomic<DiskFault> fault_ = DiskFault::kNone;
  const FaultyVfs vfs_;
  const TemporaryDirectory directory_;
  const std::string path_ = directory_.File("athanor.db");
  std::unique_ptr<Store> store_;
};

struct FaultCase {
  const char* name;
  DiskFault fault;
  absl::StatusCode code;
};
constexpr FaultCase kFaults[] = {
    {"Full", DiskFault::kFull, absl::StatusCode::kResourceExhausted},
    {"WriteError", DiskFault::kWriteError, absl::StatusCode::kUnavailable},
    {"SyncError", DiskFault::kSyncError, absl::StatusCode::kUnavailable},
    {"ReadOnly", DiskFault::kReadOnly, absl::StatusCode::kUnavailable},
};

class EveryDiskFaultTest : public DiskFaultTest, public ::testing::WithParamInterface<FaultCase> {};
INSTANTIATE_TEST_SUITE_P(Faults, EveryDiskFaultTest, ::testing::ValuesIn(kFaults),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(EveryDiskFaultTest, CommitIsRefusedReadsGoOnAndTheSameBatchSucceedsLater) {
  const std::string before = Facts();
  fault_ = GetParam().fault;
  for (int i = 0; i < 3; ++i) {
    const absl::Status status = store_->Commit(LargeBatch(2, 1));
    EXPECT_EQ(status.code(), GetParam().code) << status;
    EXPECT_NE(status.message().find(path_), absl::string_view::npos) << status;
    EXPECT_EQ(Facts(), before);
  }
  fault_ = DiskFault::kNone;
  EXPECT_TRUE(store_->Commit(LargeBatch(2, 1)).ok());
  const std::string after = Facts();
  EXPECT_NE(after, before);
  Open();
  EXPECT_EQ(Facts(), after);
}

TEST_P(EveryDiskFaultTest, StoreThatIsClosedMeanwhileHasEverythingThatWasCommitted) {
  const std::string before = Facts();
  fault_ = GetParam().fault;
  EXPECT_FALSE(store_->Commit(LargeBatch(2, 1)).ok());
  store_.reset();
  fault_ = DiskFault::kNone;
  Open();
  // A failed sync leaves whole transactions or none.
  if (GetParam().fault != DiskFault::kSyncError) {
    EXPECT_EQ(Facts(), before);
  }
  EXPECT_TRUE(store_->LoadStudy(1).ok());
}

TEST_P(EveryDiskFaultTest, NewDatabaseIsRefusedNamingFileAndCause) {
  fault_ = GetParam().fault;
  const std::string path = directory_.File("new.db");
  const absl::Status status = OpenSqliteStore({.path = path}).status();
  EXPECT_EQ(status.code(), GetParam().code) << status;
  EXPECT_NE(status.message().find(path), absl::string_view::npos) << status;
}

TEST_F(DiskFaultTest, ReadOnlyDatabaseIsRefusedAtTheStart) {
  store_.reset();
  fault_ = DiskFault::kReadOnly;
  const absl::Status status = OpenSqliteStore({.path = path_}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_EQ(status.message(), path_ + ": is read-only");
  fault_ = DiskFault::kNone;
  Open();
}

// A link to a device that is always full stands where the file will be written.
class FullCheckpointDisk : public ::testing::Test {
 protected:
  FullCheckpointDisk() { std::filesystem::create_symlink("/dev/full", directory_.File("checkpoints/1.upload")); }

  const TemporaryDirectory directory_;
  const std::unique_ptr<CheckpointFiles> files_ = *CheckpointFiles::Open(directory_.File("checkpoints"));
};

TEST_F(FullCheckpointDisk, UploadIsRefusedAndLeavesNothing) {
  const std::string data(100, 'x');
  const std::string sha256 = Sha256::Hex(data);
  files_->Hold(sha256);
  {
    auto upload = files_->Create(sha256, 100);
    ASSERT_TRUE(upload.ok()) << upload.status();
    const absl::Status status = (*upload)->Append(data);
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory_.File("checkpoints")));
  auto again = files_->Create(sha256, 100);  // under the next number: there is space
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE((*again)->Append(data).ok());
  EXPECT_TRUE((*again)->Commit().ok());
  EXPECT_EQ(files_->bytes(), 100);
}

}  // namespace
}  // namespace athanor
