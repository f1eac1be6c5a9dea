#include <gmock/gmock.h>

#include <filesystem>
#include <set>
#include <thread>

#include "base/sha256.h"
#include "tests/server/rpc/rpc_fixture.h"

namespace athanor::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using Stub = v1::WorkerService::Stub;

class CheckpointStreamsTest : public RpcFixture {
 protected:
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

}  // namespace
}  // namespace athanor::testing
