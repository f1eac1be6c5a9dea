#include <gmock/gmock.h>

#include <filesystem>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "tests/server/rpc/rpc_fixture.h"

namespace athanor::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;
using Stub = v1::WorkerService::Stub;

class CheckpointStreamsTest : public RpcFixture {
 protected:
  using RpcFixture::RpcFixture;
  struct Sent {
    v1::LeaseRef lease;
    int64_t step = 1;
    std::string sha256;
    int64_t size_bytes = 0;
  };

  static Sent Describe(const v1::LeaseRef& lease, int64_t step, const std::string& content) {
    return {lease, step, Sha256::Hex(content), static_cast<int64_t>(content.size())};
  }

  static v1::UploadCheckpointRequest Header(const Sent& sent) {
    v1::UploadCheckpointRequest request;
    *request.mutable_header()->mutable_lease() = sent.lease;
    request.mutable_header()->mutable_checkpoint()->set_sha256(sent.sha256);
    request.mutable_header()->mutable_checkpoint()->set_step(sent.step);
    request.mutable_header()->mutable_checkpoint()->set_size_bytes(sent.size_bytes);
    return request;
  }

  grpc::Status Upload(const Sent& sent, const std::string& content, size_t chunk_bytes = 1 << 20) {
    auto context = NewContext();
    v1::UploadCheckpointResponse response;
    auto writer = workers_->UploadCheckpoint(context.get(), &response);
    writer->Write(Header(sent));
    for (size_t at = 0; at < content.size(); at += chunk_bytes) {
      v1::UploadCheckpointRequest chunk;
      chunk.set_chunk(content.substr(at, chunk_bytes));
      if (!writer->Write(chunk)) break;
    }
    writer->WritesDone();
    return writer->Finish();
  }

  grpc::Status Upload(const v1::LeaseRef& lease, int64_t step, const std::string& content) {
    return Upload(Describe(lease, step, content), content);
  }

  // What arrives; the status goes to `status_`.
  std::string Download(const v1::LeaseRef& lease, const std::string& sha256) {
    auto context = NewContext();
    v1::DownloadCheckpointRequest request;
    *request.mutable_lease() = lease;
    request.set_sha256(sha256);
    auto reader = workers_->DownloadCheckpoint(context.get(), request);
    std::string content;
    for (v1::CheckpointChunk chunk; reader->Read(&chunk);) content += chunk.data();
    status_ = reader->Finish();
    return content;
  }

  // "STEP:SIZE:SHA256" of the first message, and what the others held; the status goes to `status_`.
  std::pair<std::string, std::string> DownloadOfTrial(const std::string& study, v1::CheckpointChoice choice,
                                                      int64_t number = 0) {
    auto context = NewContext();
    v1::DownloadTrialCheckpointRequest request;
    request.set_study(study);
    request.set_number(number);
    request.set_choice(choice);
    auto reader = studies_->DownloadTrialCheckpoint(context.get(), request);
    std::pair<std::string, std::string> got;
    for (v1::TrialCheckpointChunk chunk; reader->Read(&chunk);) {
      const v1::TrialCheckpoint& one = chunk.checkpoint();
      if (chunk.has_checkpoint()) got.first += absl::StrCat(one.step(), ":", one.size_bytes(), ":", one.sha256());
      got.second += chunk.data();
    }
    status_ = reader->Finish();
    return got;
  }

  // Names of the files on disk, once those that nobody holds are deleted.
  std::set<std::string> Files() {
    harness_.FinishTransfers();
    harness_.context().files.Collect();
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(harness_.checkpoint_directory())) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }

  int64_t CheckpointStep(const std::string& study) {
    v1::GetTrialRequest request;
    request.set_study(study);
    return Call(*studies_, &v1::StudyService::Stub::GetTrial, request).trial().checkpoint_step();
  }
};

TEST_F(CheckpointStreamsTest, UploadedCheckpointComesBackByteForByte) {
  const v1::Lease lease = LeaseOf("s");
  std::string content(3 << 20, '\0');
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 2654435761u >> 13);
  const grpc::Status status = Upload(lease.ref(), 1, content);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(CheckpointStep("s"), 1);
  EXPECT_EQ(Download(lease.ref(), Sha256::Hex(content)), content);
  EXPECT_TRUE(status_.ok()) << status_.error_message();
  EXPECT_TRUE(Upload(lease.ref(), 1, content).ok()) << "repeating an upload changes nothing";
}

TEST_F(CheckpointStreamsTest, CutUploadLeavesThePreviousCheckpoint) {
  const v1::Lease lease = LeaseOf("s");
  ASSERT_TRUE(Upload(lease.ref(), 1, "previous").ok());
  const std::string content(2 << 20, 'x');
  const Sent sent = Describe(lease.ref(), 2, content);
  {
    auto context = NewContext();
    v1::UploadCheckpointResponse response;
    auto writer = workers_->UploadCheckpoint(context.get(), &response);
    ASSERT_TRUE(writer->Write(Header(sent)));
    v1::UploadCheckpointRequest chunk;
    chunk.set_chunk(content.substr(0, 1 << 20));
    ASSERT_TRUE(writer->Write(chunk));
    context->TryCancel();
    EXPECT_FALSE(writer->Finish().ok());
  }
  EXPECT_EQ(Upload(sent, content.substr(0, content.size() / 2)).error_code(), grpc::StatusCode::DATA_LOSS);
  EXPECT_EQ(CheckpointStep("s"), 1);
  EXPECT_EQ(Download(lease.ref(), Sha256::Hex("previous")), "previous");
  EXPECT_EQ(Download(lease.ref(), sent.sha256), "");
  EXPECT_EQ(code(), grpc::StatusCode::NOT_FOUND);
  server_->Shutdown();  // the cancelled call is over now
  EXPECT_THAT(Files(), UnorderedElementsAre(Sha256::Hex("previous")));
}

TEST_F(CheckpointStreamsTest, WrongUploadIsRefusedAndLeavesNoFile) {
  const v1::Lease lease = LeaseOf("s");
  const std::string content = "content";
  Sent wrong_hash = Describe(lease.ref(), 1, "another");
  wrong_hash.size_bytes = static_cast<int64_t>(content.size());
  Sent too_small = Describe(lease.ref(), 1, content);
  too_small.size_bytes -= 1;
  Sent stale = Describe(lease.ref(), 1, content);
  stale.lease.set_token(stale.lease.token() + 1);
  Sent no_hash = Describe(lease.ref(), 1, content);
  no_hash.sha256 = "../../etc/passwd";
  struct Case {
    Sent sent;
    grpc::StatusCode code;
  };
  for (const Case& wanted :
       {Case{wrong_hash, grpc::StatusCode::DATA_LOSS}, Case{too_small, grpc::StatusCode::DATA_LOSS},
        Case{stale, grpc::StatusCode::FAILED_PRECONDITION}, Case{no_hash, grpc::StatusCode::INVALID_ARGUMENT}}) {
    EXPECT_EQ(Upload(wanted.sent, content).error_code(), wanted.code);
  }
  const std::string large((1 << 20) + 1, 'x');
  EXPECT_EQ(Upload(Describe(lease.ref(), 1, large), large, large.size()).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(Files(), IsEmpty());
  EXPECT_EQ(CheckpointStep("s"), 0);
}

TEST_F(CheckpointStreamsTest, LeaseCancelledInMidUploadIsRefusedAtTheEnd) {
  const v1::Lease lease = LeaseOf("s", 2);
  const std::string content = "content";
  const Sent sent = Describe(lease.ref(), 1, content);
  auto context = NewContext();
  v1::UploadCheckpointResponse response;
  auto writer = workers_->UploadCheckpoint(context.get(), &response);
  ASSERT_TRUE(writer->Write(Header(sent)));
  v1::UploadCheckpointRequest chunk;
  chunk.set_chunk(content.substr(0, 3));
  ASSERT_TRUE(writer->Write(chunk));
  // Until the header was seen the lease must live: the upload has begun once its file is there.
  while (std::filesystem::is_empty(harness_.checkpoint_directory())) std::this_thread::yield();
  v1::ChangeTrialRequest cancel;
  cancel.set_study("s");
  Call(*studies_, &v1::StudyService::Stub::CancelTrial, cancel);
  ASSERT_TRUE(status_.ok());
  chunk.set_chunk(content.substr(3));
  writer->Write(chunk);
  writer->WritesDone();
  EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(CheckpointStreamsTest, FilesOfDroppedCheckpointsAreDeletedUnlessAnotherRowRefersToThem) {
  const v1::Lease lease = LeaseOf("s", 2);
  const auto other = Acquire("w", ++sequence_);
  ASSERT_EQ(other.size(), 1u);
  ASSERT_TRUE(Upload(lease.ref(), 1, "one").ok());
  ASSERT_TRUE(Upload(other[0].ref(), 1, "one").ok());
  ASSERT_TRUE(Upload(lease.ref(), 2, "two").ok());
  ASSERT_TRUE(Upload(lease.ref(), 3, "three").ok());  // drops "one" of the first trial
  EXPECT_THAT(Files(), UnorderedElementsAre(Sha256::Hex("one"), Sha256::Hex("two"), Sha256::Hex("three")));
  ASSERT_TRUE(Upload(other[0].ref(), 2, "three").ok());
  ASSERT_TRUE(Upload(other[0].ref(), 3, "four").ok());  // drops "one" of the second
  EXPECT_THAT(Files(), UnorderedElementsAre(Sha256::Hex("two"), Sha256::Hex("three"), Sha256::Hex("four")));
  v1::ChangeStudyRequest change;
  change.set_study("s");
  Call(*studies_, &v1::StudyService::Stub::CancelStudy, change);
  Call(*studies_, &v1::StudyService::Stub::DeleteStudy, change);
  ASSERT_TRUE(status_.ok()) << status_.error_message();
  EXPECT_THAT(Files(), IsEmpty());
}

class QuotaOfTenBytes : public CheckpointStreamsTest {
 protected:
  static CoordinatorOptions TenBytes() {
    CoordinatorOptions options;
    options.checkpoint_quota_bytes = 10;
    return options;
  }
  QuotaOfTenBytes() : CheckpointStreamsTest(TenBytes()) {}
};

TEST_F(QuotaOfTenBytes, UploadThatWouldPassItIsRefusedBeforeItsFileIsMade) {
  const v1::Lease lease = LeaseOf("s", 2);
  ASSERT_TRUE(Upload(lease.ref(), 1, "sevenby").ok());
  const auto other = Acquire("w", ++sequence_);
  ASSERT_EQ(other.size(), 1u);
  const grpc::Status refused = Upload(other[0].ref(), 1, "four");
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("checkpoints take 7 bytes of a quota of 10"));
  EXPECT_THAT(Files(), UnorderedElementsAre(Sha256::Hex("sevenby")));
  EXPECT_TRUE(Upload(other[0].ref(), 1, "two").ok()) << "what was refused takes no room";
}

TEST_F(QuotaOfTenBytes, PausedTrialsGiveWayAndTheirFilesGo) {
  v1::StudySpec spec = Small("s", 9);
  spec.mutable_early_stopping()->mutable_asha()->set_min_resource(1);
  Create(spec);
  ASSERT_TRUE(status_.ok()) << status_.error_message();
  Register("w");
  const auto leases = Acquire("w", ++sequence_, 3);
  ASSERT_EQ(leases.size(), 3u);
  TestStream stream(*workers_);
  for (const int trial : {0, 1}) {
    ASSERT_TRUE(Upload(leases[trial].ref(), 1, trial == 0 ? "best" : "worse").ok());
    v1::ReportRequest report = TestStream::Hello("w", trial + 1);
    TestStream::AddReport(report, leases[trial].ref(), 1, trial);  // the loss
    ASSERT_TRUE(stream.Write(report));
    ASSERT_EQ(stream.ReadUntil(trial + 1).verdicts(0).action(), v1::ACTION_PAUSE);
  }
  ASSERT_TRUE(Upload(leases[2].ref(), 1, "newer").ok());
  EXPECT_THAT(Files(), UnorderedElementsAre(Sha256::Hex("best"), Sha256::Hex("newer")));

  const auto status = Call(*admin_, &v1::AdminService::Stub::GetServerStatus, v1::GetServerStatusRequest());
  EXPECT_EQ(status.checkpoint_bytes(), 9);
  EXPECT_EQ(status.checkpoint_quota_bytes(), 10);
  EXPECT_GT(status.disk_free_bytes(), 0);
  EXPECT_GE(status.disk_total_bytes(), status.disk_free_bytes());
}

TEST_F(CheckpointStreamsTest, MoreTransfersThanThereAreSlotsForAreToComeAgain) {
  const v1::Lease lease = LeaseOf("s");
  TransferSlots slots(2);
  std::vector<std::shared_ptr<void>> taken;
  for (int i = 0; i < 2; ++i) taken.push_back(slots.Take());
  // RESOURCE_EXHAUSTED would have the worker do without the checkpoint.
  const auto refused = [](const absl::Status& status) { EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable); };
  std::make_shared<CheckpointUpload>(harness_.context(), slots)
      ->Begin(Header(Describe(lease.ref(), 1, "content")).header(), refused);
  std::make_shared<CheckpointDownload>(harness_.context(), slots)->Begin(v1::DownloadCheckpointRequest(), refused);
  taken.pop_back();
  EXPECT_NE(slots.Take(), nullptr);
}

TEST_F(CheckpointStreamsTest, AClientGetsTheBestOrTheNewestCheckpointOfATrial) {
  const v1::LeaseRef lease = LeaseOf("s").ref();
  std::string newest(600 << 10, '\0');
  newest[300 << 10] = 'x';
  TestStream stream(*workers_);
  ASSERT_TRUE(stream.Write(TestStream::Hello("w")));
  const auto report = [&](uint64_t sequence, int64_t step, double loss) {
    v1::ReportRequest request = TestStream::Next(sequence);
    TestStream::AddReport(request, lease, step, loss);
    ASSERT_TRUE(stream.Write(request));
    EXPECT_EQ(stream.ReadUntil(sequence).verdicts_size(), 1);
  };
  report(2, 1, 0.25);
  ASSERT_TRUE(Upload(lease, 1, "best").ok());
  report(3, 2, 0.5);
  ASSERT_TRUE(Upload(lease, 2, newest).ok());
  const std::string best = absl::StrCat("1:4:", Sha256::Hex("best"));
  EXPECT_THAT(DownloadOfTrial("s", v1::CHECKPOINT_CHOICE_BEST), Pair(best, "best"));
  EXPECT_THAT(DownloadOfTrial("s", v1::CHECKPOINT_CHOICE_UNSPECIFIED), Pair(best, "best"));
  EXPECT_THAT(DownloadOfTrial("s", v1::CHECKPOINT_CHOICE_NEWEST),
              Pair(absl::StrCat("2:614400:", Sha256::Hex(newest)), newest));
  EXPECT_TRUE(status_.ok()) << status_.error_message();
}

TEST_F(CheckpointStreamsTest, AClientIsToldWhyThereIsNoCheckpoint) {
  const v1::LeaseRef lease = LeaseOf("s").ref();
  struct Case {
    const char* study;
    int64_t number;
    const char* what;
  };
  for (const Case& wrong :
       {Case{"nowhere", 0, "nowhere"}, Case{"s", 7, "trial 7"}, Case{"s", 0, "has no checkpoint: none was uploaded"}}) {
    DownloadOfTrial(wrong.study, v1::CHECKPOINT_CHOICE_BEST, wrong.number);
    EXPECT_EQ(code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_THAT(status_.error_message(), HasSubstr(wrong.what));
  }
  ASSERT_TRUE(Upload(lease, 1, "x").ok());
  Finish(lease, v1::ATTEMPT_OUTCOME_INFEASIBLE);
  DownloadOfTrial("s", v1::CHECKPOINT_CHOICE_NEWEST);
  EXPECT_EQ(code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status_.error_message(), HasSubstr("has no checkpoint any more: INFEASIBLE, and not among the best 1"));
}

TEST_F(CheckpointStreamsTest, CollectedGarbageIsListedAndItsFilesGo) {
  const v1::Lease lease = LeaseOf("s", 2);
  ASSERT_TRUE(Upload(lease.ref(), 1, "content").ok());
  v1::ChangeTrialRequest cancel;
  cancel.set_study("s");
  Call(*studies_, &v1::StudyService::Stub::CancelTrial, cancel);
  v1::CollectGarbageRequest request;
  request.set_study("s");
  for (const bool dry_run : {true, false}) {
    EXPECT_THAT(Files(), UnorderedElementsAre(Sha256::Hex("content"))) << "a retry would go on from it";
    request.set_dry_run(dry_run);
    const v1::GarbageReport report = Call(*studies_, &v1::StudyService::Stub::CollectGarbage, request);
    ASSERT_TRUE(status_.ok()) << status_.error_message();
    ASSERT_EQ(report.deleted_size(), 1);
    EXPECT_EQ(report.deleted(0).trial_number(), 0);
    EXPECT_EQ(report.deleted(0).step(), 1);
    EXPECT_EQ(report.deleted(0).sha256(), Sha256::Hex("content"));
    EXPECT_EQ(report.deleted(0).reason(), "CANCELLED; a retry trains from step 0");
    EXPECT_EQ(report.deleted_bytes(), 7);
    EXPECT_EQ(report.kept(), 0);
  }
  EXPECT_THAT(Files(), IsEmpty());
  request.set_study("unknown");
  Call(*studies_, &v1::StudyService::Stub::CollectGarbage, request);
  EXPECT_EQ(code(), grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace athanor::testing
