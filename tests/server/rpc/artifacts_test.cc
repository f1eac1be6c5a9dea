// Artifacts over real gRPC: left by a worker, listed and read by a client.
#include <gmock/gmock.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/server/rpc/rpc_fixture.h"

namespace athanor::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

class ArtifactsTest : public RpcFixture {
 protected:
  static v1::UploadArtifactRequest Header(const v1::LeaseRef& lease, const std::string& name, int64_t step,
                                          int64_t size) {
    v1::UploadArtifactRequest message;
    *message.mutable_header()->mutable_lease() = lease;
    message.mutable_header()->mutable_artifact()->set_name(name);
    message.mutable_header()->mutable_artifact()->set_step(step);
    message.mutable_header()->mutable_artifact()->set_size_bytes(size);
    return message;
  }
  static v1::UploadArtifactRequest Chunk(const std::string& data) {
    v1::UploadArtifactRequest message;
    message.set_chunk(data);
    return message;
  }

  // The status goes to `status_`.
  void Send(const std::vector<v1::UploadArtifactRequest>& messages) {
    const auto context = NewContext();
    v1::UploadArtifactResponse response;
    const auto stream = workers_->UploadArtifact(context.get(), &response);
    for (const v1::UploadArtifactRequest& message : messages) {
      if (!stream->Write(message)) break;
    }
    stream->WritesDone();
    status_ = stream->Finish();
  }
  void Upload(const v1::LeaseRef& lease, const std::string& name, int64_t step, const std::string& content) {
    std::vector<v1::UploadArtifactRequest> messages = {Header(lease, name, step, static_cast<int64_t>(content.size()))};
    for (size_t at = 0; at < content.size(); at += 1 << 20) messages.push_back(Chunk(content.substr(at, 1 << 20)));
    Send(messages);
  }

  std::vector<std::string> List(const std::string& study, int64_t number = 0) {
    v1::ListArtifactsRequest request;
    request.set_study(study);
    request.set_number(number);
    const auto response = Call(*studies_, &v1::StudyService::Stub::ListArtifacts, request);
    std::vector<std::string> texts;
    for (const v1::Artifact& one : response.artifacts()) {
      texts.push_back(absl::StrCat(one.step(), "-", one.name(), ":", one.size_bytes()));
    }
    return texts;
  }

  // "STEP-NAME:SIZE" of the first message, and what the others held.
  std::pair<std::string, std::string> Read(const std::string& study, const std::string& name,
                                           std::optional<int64_t> step = {}, int64_t number = 0) {
    v1::ReadArtifactRequest request;
    request.set_study(study);
    request.set_number(number);
    request.set_name(name);
    if (step.has_value()) request.set_step(*step);
    const auto context = NewContext();
    const auto stream = studies_->ReadArtifact(context.get(), request);
    std::pair<std::string, std::string> read;
    for (v1::ArtifactChunk chunk; stream->Read(&chunk);) {
      if (chunk.has_artifact()) {
        EXPECT_EQ(read.first, "");
        read.first =
            absl::StrCat(chunk.artifact().step(), "-", chunk.artifact().name(), ":", chunk.artifact().size_bytes());
      }
      read.second += chunk.data();
    }
    status_ = stream->Finish();
    return read;
  }
};

TEST_F(ArtifactsTest, WhatAWorkerLeavesAClientListsAndReads) {
  const v1::LeaseRef lease = LeaseOf("s").ref();
  Upload(lease, "confusion.csv", 2, "0,1\n");
  EXPECT_TRUE(status_.ok()) << status_.error_message();
  Upload(lease, "confusion.csv", 10, "0,2\n1,3\n");
  Upload(lease, "empty.json", 3, "");
  EXPECT_TRUE(status_.ok()) << status_.error_message();
  EXPECT_THAT(List("s"), ElementsAre("2-confusion.csv:4", "3-empty.json:0", "10-confusion.csv:8"));
  EXPECT_THAT(Read("s", "confusion.csv"), Pair("10-confusion.csv:8", "0,2\n1,3\n"));
  EXPECT_THAT(Read("s", "confusion.csv", 2), Pair("2-confusion.csv:4", "0,1\n"));
  EXPECT_THAT(Read("s", "empty.json"), Pair("3-empty.json:0", ""));
  EXPECT_TRUE(status_.ok()) << status_.error_message();
  EXPECT_EQ(Call(*admin_, &v1::AdminService::Stub::GetServerStatus, v1::GetServerStatusRequest()).artifact_bytes(), 12);
}

TEST_F(ArtifactsTest, AFileOfTheLargestSizeGoesThereAndBack) {
  const v1::LeaseRef lease = LeaseOf("s").ref();
  std::string content(4 << 20, 'x');
  content[3 << 20] = 'y';
  Upload(lease, "large.png", 1, content);
  EXPECT_TRUE(status_.ok()) << status_.error_message();
  EXPECT_TRUE(Read("s", "large.png").second == content);
}

TEST_F(ArtifactsTest, AnArtifactIsTakenUnderTheTokenOfAnyAttemptButNoOther) {
  v1::LeaseRef lease = LeaseOf("s").ref();
  Finish(lease, v1::ATTEMPT_OUTCOME_INFEASIBLE);
  Upload(lease, "late.csv", 1, "x");
  EXPECT_TRUE(status_.ok()) << status_.error_message();
  for (const int64_t token : {lease.token() + 7, LeaseOf("another").ref().token()}) {
    v1::LeaseRef wrong = lease;
    wrong.set_token(token);
    Upload(wrong, "wrong.csv", 1, "x");
    EXPECT_EQ(code(), grpc::StatusCode::FAILED_PRECONDITION) << token;
  }
  lease.set_trial_number(7);
  Upload(lease, "wrong.csv", 1, "x");
  EXPECT_EQ(code(), grpc::StatusCode::FAILED_PRECONDITION);
  lease.set_study_id(99);
  Upload(lease, "wrong.csv", 1, "x");
  EXPECT_EQ(code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(List("s"), ElementsAre("1-late.csv:1"));
}

TEST_F(ArtifactsTest, AnAttemptThatWasLostLeavesNothingMore) {
  const v1::LeaseRef lost = LeaseOf("s").ref();
  Upload(lost, "before.csv", 1, "x");
  EXPECT_TRUE(status_.ok()) << status_.error_message();
  Register("w", 2);  // started anew: the leases of the one before are lost
  Upload(lost, "after.csv", 2, "x");
  EXPECT_EQ(code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status_.error_message(), HasSubstr("trial 0: the lease with token"));
  EXPECT_THAT(status_.error_message(), HasSubstr("was lost"));
  EXPECT_THAT(List("s"), ElementsAre("1-before.csv:1"));
}

TEST_F(ArtifactsTest, AnAttemptThatHasEndedReplacesNothing) {
  const v1::LeaseRef lease = LeaseOf("s").ref();
  Upload(lease, "roc.csv", 1, "first");
  Upload(lease, "roc.csv", 1, "second");
  EXPECT_THAT(Read("s", "roc.csv"), Pair("1-roc.csv:6", "second"));
  Finish(lease, v1::ATTEMPT_OUTCOME_PREEMPTED);
  Upload(lease, "roc.csv", 1, "late");
  EXPECT_TRUE(status_.ok()) << status_.error_message();
  Upload(lease, "roc.csv", 2, "last");
  EXPECT_TRUE(status_.ok()) << status_.error_message();
  EXPECT_THAT(Read("s", "roc.csv", 1), Pair("1-roc.csv:6", "second"));
  EXPECT_THAT(Read("s", "roc.csv"), Pair("2-roc.csv:4", "last"));
}

TEST_F(ArtifactsTest, UnusableUploadsAreRefusedAndLeaveNothing) {
  const v1::LeaseRef lease = LeaseOf("s").ref();
  struct Case {
    std::vector<v1::UploadArtifactRequest> messages;
    grpc::StatusCode code;
    const char* what;
  };
  const Case cases[] = {
      {{}, grpc::StatusCode::INVALID_ARGUMENT, "ended before its header"},
      {{Chunk("x")}, grpc::StatusCode::INVALID_ARGUMENT, "header"},
      {{Header(lease, "a/b", 1, 1), Chunk("x")}, grpc::StatusCode::INVALID_ARGUMENT, "artifact.name: \"a/b\""},
      {{Header(lease, "", 1, 1), Chunk("x")}, grpc::StatusCode::INVALID_ARGUMENT, "artifact.name"},
      {{Header(lease, "a", -1, 1), Chunk("x")}, grpc::StatusCode::INVALID_ARGUMENT, "artifact.step: -1"},
      {{Header(lease, "a", 1, (4 << 20) + 1)}, grpc::StatusCode::INVALID_ARGUMENT, "artifact.size_bytes: 4194305"},
      {{Header(lease, "a", 1, -1)}, grpc::StatusCode::INVALID_ARGUMENT, "artifact.size_bytes: -1"},
      {{Header(lease, "a", 1, 3), Chunk("abcd")}, grpc::StatusCode::DATA_LOSS, "larger than the 3 bytes"},
      {{Header(lease, "a", 1, 3), Chunk("ab")}, grpc::StatusCode::DATA_LOSS, "2 of 3 bytes"},
      {{Header(lease, "a", 1, 3), Header(lease, "a", 1, 3)}, grpc::StatusCode::INVALID_ARGUMENT, "only the first"},
      {{Header(lease, "a", 1, 3 << 20), Chunk(std::string((1 << 20) + 1, 'x'))},
       grpc::StatusCode::INVALID_ARGUMENT,
       "chunk: has 1048577"},
  };
  for (const Case& wrong : cases) {
    Send(wrong.messages);
    EXPECT_EQ(code(), wrong.code) << wrong.what;
    EXPECT_THAT(status_.error_message(), HasSubstr(wrong.what));
  }
  EXPECT_THAT(List("s"), IsEmpty());
}

TEST_F(ArtifactsTest, WhatIsNotThereIsNotFoundByName) {
  const v1::LeaseRef lease = LeaseOf("s").ref();
  Upload(lease, "a.csv", 1, "x");
  const auto expect = [&](grpc::StatusCode wanted, const std::string& what) {
    EXPECT_EQ(code(), wanted) << what;
    EXPECT_THAT(status_.error_message(), HasSubstr(what));
  };
  Read("nowhere", "a.csv");
  expect(grpc::StatusCode::NOT_FOUND, "nowhere");
  Read("s", "a.csv", {}, 5);
  expect(grpc::StatusCode::NOT_FOUND, "5");
  Read("s", "b.csv");
  expect(grpc::StatusCode::NOT_FOUND, "no artifact \"b.csv\"");
  Read("s", "a.csv", 2);
  expect(grpc::StatusCode::NOT_FOUND, "of step 2");
  Read("s", "../a.csv");
  expect(grpc::StatusCode::INVALID_ARGUMENT, "artifact.name");
  List("nowhere");
  expect(grpc::StatusCode::NOT_FOUND, "nowhere");
  List("s", 5);
  expect(grpc::StatusCode::NOT_FOUND, "5");
}

TEST_F(ArtifactsTest, ArtifactsOfADeletedStudyGoWithIt) {
  const v1::LeaseRef lease = LeaseOf("s").ref();
  Upload(lease, "a.csv", 1, "x");
  v1::ChangeStudyRequest request;
  request.set_study("s");
  Call(*studies_, &v1::StudyService::Stub::CancelStudy, request);
  Call(*studies_, &v1::StudyService::Stub::DeleteStudy, request);
  ASSERT_TRUE(status_.ok()) << status_.error_message();
  harness_.FinishTransfers();
  EXPECT_TRUE(std::filesystem::is_empty(harness_.artifact_directory()));
  Upload(lease, "b.csv", 1, "x");
  EXPECT_EQ(code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(ArtifactsTest, MoreUploadsThanThereAreSlotsForAreToComeAgain) {
  TransferSlots none(0);
  const auto refused = [](const absl::Status& status) { EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable); };
  std::make_shared<ArtifactUpload>(harness_.context(), none)
      ->Begin(Header(LeaseOf("s").ref(), "a", 1, 1).header(), refused);
  std::make_shared<ArtifactDownload>(harness_.context(), none)->Begin(v1::ReadArtifactRequest(), refused);
}

}  // namespace
}  // namespace athanor::testing
