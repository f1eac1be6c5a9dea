// Trial logs over real gRPC: appended by a worker, read by a client.
#include <gmock/gmock.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/server/rpc/rpc_fixture.h"

namespace athanor::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LogStreamTest : public RpcFixture {
 protected:
  struct Reader {
    std::unique_ptr<grpc::ClientContext> context = NewContext();
    std::unique_ptr<grpc::ClientReader<v1::TrialLogChunk>> stream;
  };

  int64_t Append(const v1::LeaseRef& lease, int64_t offset, const std::string& data) {
    v1::AppendLogRequest request;
    *request.mutable_lease() = lease;
    request.set_offset(offset);
    request.set_data(data);
    return Call(*workers_, &v1::WorkerService::Stub::AppendLog, request).next_offset();
  }

  static v1::ReadTrialLogRequest RequestOf(const std::string& study, int64_t number = 0) {
    v1::ReadTrialLogRequest request;
    request.set_study(study);
    request.set_number(number);
    return request;
  }

  Reader Open(const v1::ReadTrialLogRequest& request) {
    Reader reader;
    reader.stream = studies_->ReadTrialLog(reader.context.get(), request);
    return reader;
  }

  // "TOKEN:DATA" or "TOKEN+DROPPED:DATA" of each chunk until the end, with the first token as 1; the status goes to
  // `status_`.
  std::vector<std::string> ReadAll(Reader& reader) {
    std::vector<std::string> chunks;
    for (v1::TrialLogChunk chunk; reader.stream->Read(&chunk);) chunks.push_back(Text(chunk));
    status_ = reader.stream->Finish();
    return chunks;
  }
  std::vector<std::string> ReadAll(const v1::ReadTrialLogRequest& request) {
    Reader reader = Open(request);
    return ReadAll(reader);
  }
  std::string Text(const v1::TrialLogChunk& chunk) {
    if (first_token_ == 0) first_token_ = chunk.token();
    return absl::StrCat(chunk.token() - first_token_ + 1,
                        chunk.dropped_bytes() == 0 ? "" : absl::StrCat("+", chunk.dropped_bytes()), ":", chunk.data());
  }

  int64_t first_token_ = 0;
};

TEST_F(LogStreamTest, WhatWasAppendedIsReadBack) {
  const v1::Lease lease = LeaseOf("s");
  EXPECT_EQ(Append(lease.ref(), 0, "epoch 1\n"), 8);
  EXPECT_EQ(Append(lease.ref(), 0, "epoch 1\n"), 8);
  EXPECT_EQ(Append(lease.ref(), 20, "epoch 3\n"), 28);
  EXPECT_THAT(ReadAll(RequestOf("s")), ElementsAre("1:epoch 1\n", "1+12:epoch 3\n"));
  EXPECT_TRUE(status_.ok()) << status_.error_message();
  v1::GetServerStatusRequest request;
  EXPECT_GT(Call(*admin_, &v1::AdminService::Stub::GetServerStatus, request).log_bytes(), 16);
}

TEST_F(LogStreamTest, ALogIsTakenUnderTheTokenOfAnyAttemptLiveOrEnded) {
  const v1::Lease first = LeaseOf("s");
  Append(first.ref(), 0, "a");
  Finish(first.ref(), v1::ATTEMPT_OUTCOME_PREEMPTED);
  EXPECT_EQ(Append(first.ref(), 1, "b"), 2);
  const auto second = Acquire("w", ++sequence_);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(Append(second[0].ref(), 0, "c"), 1);
  EXPECT_EQ(Append(first.ref(), 2, "late"), 6) << "a newer attempt lives";
  EXPECT_EQ(Append(first.ref(), 0, "ablate"), 6) << "a repeat";
  EXPECT_EQ(Append(second[0].ref(), 1, "d"), 2);
  Finish(second[0].ref(), v1::ATTEMPT_OUTCOME_INFEASIBLE);
  EXPECT_EQ(Append(first.ref(), 6, "r"), 7) << "the trial has ended";
  EXPECT_THAT(ReadAll(RequestOf("s")), ElementsAre("1:ab", "2:c", "1:late", "2:d", "1:r"));
  v1::ReadTrialLogRequest only = RequestOf("s");
  only.set_token(first.ref().token());
  EXPECT_THAT(ReadAll(only), ElementsAre("1:ablater"));
  v1::ReadTrialLogRequest resumed = RequestOf("s");
  resumed.set_after_token(second[0].ref().token());
  resumed.set_after_offset(1);
  EXPECT_THAT(ReadAll(resumed), ElementsAre("1:late", "2:d", "1:r"));
}

TEST_F(LogStreamTest, ALogUnderATokenThatNeverWasAnAttemptIsRefused) {
  v1::LeaseRef lease = LeaseOf("s").ref();
  for (const int64_t token : {lease.token() + 7, LeaseOf("another").ref().token()}) {
    lease.set_token(token);
    Append(lease, 0, "a");
    EXPECT_EQ(code(), grpc::StatusCode::FAILED_PRECONDITION) << token;
  }
  EXPECT_THAT(ReadAll(RequestOf("s")), IsEmpty());
}

TEST_F(LogStreamTest, UnusableAppendsAreRefused) {
  v1::LeaseRef lease = LeaseOf("s").ref();
  Append(lease, -1, "a");
  EXPECT_EQ(code(), grpc::StatusCode::INVALID_ARGUMENT);
  Append(lease, 0, std::string((256 << 10) + 1, 'x'));
  EXPECT_EQ(code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Append(lease, 0, std::string(256 << 10, 'x')), 256 << 10);
  lease.set_trial_number(7);
  Append(lease, 0, "a");
  EXPECT_EQ(code(), grpc::StatusCode::FAILED_PRECONDITION);
  lease.set_study_id(99);
  Append(lease, 0, "a");
  EXPECT_EQ(code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(LogStreamTest, TailGivesTheLastLines) {
  const v1::Lease first = LeaseOf("s");
  Append(first.ref(), 0, "one\ntwo\nhalf a line");
  Finish(first.ref(), v1::ATTEMPT_OUTCOME_PREEMPTED);
  const auto second = Acquire("w", ++sequence_);
  ASSERT_EQ(second.size(), 1u);
  Append(second[0].ref(), 0, "three\nfour\n\nhalf");
  struct Case {
    int64_t lines;
    std::vector<std::string> chunks;
  };
  first_token_ = first.ref().token();
  const std::vector<Case> cases = {{1, {"2:half"}},
                                   {2, {"2:\nhalf"}},
                                   {4, {"2:three\nfour\n\nhalf"}},
                                   {5, {"1:half a line", "2:three\nfour\n\nhalf"}},
                                   {6, {"1:two\nhalf a line", "2:three\nfour\n\nhalf"}},
                                   {99, {"1:one\ntwo\nhalf a line", "2:three\nfour\n\nhalf"}}};
  for (const Case& wanted : cases) {
    v1::ReadTrialLogRequest request = RequestOf("s");
    request.set_tail_lines(wanted.lines);
    EXPECT_EQ(ReadAll(request), wanted.chunks) << wanted.lines;
  }
}

TEST_F(LogStreamTest, TailCountsALineThatAnotherAttemptCut) {
  const v1::Lease first = LeaseOf("s");
  Append(first.ref(), 0, "one\nhalf");
  Finish(first.ref(), v1::ATTEMPT_OUTCOME_PREEMPTED);
  const auto second = Acquire("w", ++sequence_);
  ASSERT_EQ(second.size(), 1u);
  Append(second[0].ref(), 5, "");  // only says that something was dropped, which is no line
  first_token_ = first.ref().token();
  v1::ReadTrialLogRequest request = RequestOf("s");
  request.set_tail_lines(1);
  EXPECT_THAT(ReadAll(request), ElementsAre("1:half", "2+5:"));
  Append(second[0].ref(), 5, "x\n");
  Append(first.ref(), 8, " more\nend");
  Append(second[0].ref(), 7, "y\n");
  struct Case {
    int64_t lines;
    std::vector<std::string> chunks;
  };
  const std::vector<Case> cases = {{1, {"2:y\n"}},
                                   {2, {"1:end", "2:y\n"}},
                                   {3, {"1: more\nend", "2:y\n"}},
                                   {4, {"2+5:x\n", "1: more\nend", "2:y\n"}},
                                   {5, {"1:half", "2+5:x\n", "1: more\nend", "2:y\n"}},
                                   {6, {"1:one\nhalf", "2+5:x\n", "1: more\nend", "2:y\n"}}};
  for (const Case& wanted : cases) {
    request.set_tail_lines(wanted.lines);
    EXPECT_EQ(ReadAll(request), wanted.chunks) << wanted.lines;
  }
}

TEST_F(LogStreamTest, AStreamIsResumedBehindItsLastChunkWhateverTailWasAskedFor) {
  const v1::Lease first = LeaseOf("s");
  Append(first.ref(), 0, "one\ntwo\n");
  Append(first.ref(), 20, "three\n");
  Reader reader = Open(RequestOf("s"));
  v1::TrialLogChunk chunk;
  ASSERT_TRUE(reader.stream->Read(&chunk));
  EXPECT_EQ(Text(chunk), "1:one\ntwo\n");
  EXPECT_EQ(chunk.end_offset(), 8);
  v1::ReadTrialLogRequest request = RequestOf("s");
  request.set_after_token(chunk.token());
  request.set_after_offset(chunk.end_offset());
  request.set_tail_lines(1);
  EXPECT_THAT(ReadAll(request), ElementsAre("1+12:three\n"));
  request.set_after_offset(26);
  EXPECT_THAT(ReadAll(request), IsEmpty());
  request.set_after_offset(-1);
  EXPECT_THAT(ReadAll(request), IsEmpty());
  EXPECT_EQ(code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(LogStreamTest, ALongLogComesInBoundedChunks) {
  const v1::Lease lease = LeaseOf("s");
  const std::string part(200 << 10, 'x');
  Append(lease.ref(), 0, part);
  Append(lease.ref(), 200 << 10, part);
  Reader reader = Open(RequestOf("s"));
  size_t bytes = 0;
  for (v1::TrialLogChunk chunk; reader.stream->Read(&chunk); bytes += chunk.data().size()) {
    EXPECT_LE(chunk.data().size(), size_t{64} << 10);
  }
  EXPECT_EQ(bytes, 2 * part.size());
}

TEST_F(LogStreamTest, FollowingShowsWhatComesUntilTheTrialHasEnded) {
  const v1::Lease lease = LeaseOf("s", 2);
  Append(lease.ref(), 0, "before\n");
  v1::ReadTrialLogRequest request = RequestOf("s");
  request.set_follow(true);
  Reader reader = Open(request);
  v1::TrialLogChunk chunk;
  ASSERT_TRUE(reader.stream->Read(&chunk));
  EXPECT_EQ(Text(chunk), "1:before\n");
  Append(lease.ref(), 7, "after\n");
  ASSERT_TRUE(reader.stream->Read(&chunk));
  EXPECT_EQ(Text(chunk), "1:after\n");
  Append(lease.ref(), 13, "last words\n");
  Finish(lease.ref(), v1::ATTEMPT_OUTCOME_INFEASIBLE);
  EXPECT_THAT(ReadAll(reader), ElementsAre("1:last words\n"));
  EXPECT_TRUE(status_.ok()) << status_.error_message();
}

TEST_F(LogStreamTest, FollowingGoesOnThroughAnotherAttempt) {
  const v1::Lease first = LeaseOf("s");
  v1::ReadTrialLogRequest request = RequestOf("s");
  request.set_follow(true);
  Reader reader = Open(request);
  Append(first.ref(), 0, "a");
  v1::TrialLogChunk chunk;
  ASSERT_TRUE(reader.stream->Read(&chunk));
  Finish(first.ref(), v1::ATTEMPT_OUTCOME_PREEMPTED);
  const auto second = Acquire("w", ++sequence_);
  ASSERT_EQ(second.size(), 1u);
  Append(second[0].ref(), 0, "b");
  ASSERT_TRUE(reader.stream->Read(&chunk));
  EXPECT_EQ(chunk.token(), second[0].ref().token());
  EXPECT_EQ(chunk.data(), "b");
}

TEST_F(LogStreamTest, ACancelledFollowerLeavesNothingBehind) {
  const v1::Lease lease = LeaseOf("s");
  v1::ReadTrialLogRequest request = RequestOf("s");
  request.set_follow(true);
  {
    Reader reader = Open(request);
    Append(lease.ref(), 0, "a");
    v1::TrialLogChunk chunk;
    ASSERT_TRUE(reader.stream->Read(&chunk));
    reader.context->TryCancel();
    EXPECT_THAT(ReadAll(reader), IsEmpty());
    EXPECT_EQ(code(), grpc::StatusCode::CANCELLED);
  }
  Append(lease.ref(), 1, "b");
  EXPECT_EQ(code(), grpc::StatusCode::OK);
}

TEST_F(LogStreamTest, ShutdownEndsFollowers) {
  Append(LeaseOf("s").ref(), 0, "a");
  v1::ReadTrialLogRequest request = RequestOf("s");
  request.set_follow(true);
  Reader reader = Open(request);
  v1::TrialLogChunk chunk;
  ASSERT_TRUE(reader.stream->Read(&chunk));
  server_->Shutdown();
  EXPECT_THAT(ReadAll(reader), IsEmpty());
  EXPECT_EQ(code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(LogStreamTest, WhatDoesNotExistIsNotFound) {
  LeaseOf("s");
  EXPECT_THAT(ReadAll(RequestOf("nobody")), IsEmpty());
  EXPECT_EQ(code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(ReadAll(RequestOf("s", 9)), IsEmpty());
  EXPECT_EQ(code(), grpc::StatusCode::NOT_FOUND);
  v1::ReadTrialLogRequest negative = RequestOf("s");
  negative.set_tail_lines(-1);
  EXPECT_THAT(ReadAll(negative), IsEmpty());
  EXPECT_EQ(code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(ReadAll(RequestOf("s")), IsEmpty()) << "nothing was printed yet";
  EXPECT_EQ(code(), grpc::StatusCode::OK);
}

TEST_F(LogStreamTest, DeletedStudyTakesItsLogsAlong) {
  const v1::Lease lease = LeaseOf("s");
  Append(lease.ref(), 0, "a");
  v1::ChangeStudyRequest request;
  request.set_study("s");
  Call(*studies_, &v1::StudyService::Stub::CancelStudy, request);
  Call(*studies_, &v1::StudyService::Stub::DeleteStudy, request);
  ASSERT_EQ(code(), grpc::StatusCode::OK) << status_.error_message();
  harness_.OnOwner([](Transaction&) {});
  harness_.FinishTransfers();
  EXPECT_TRUE(std::filesystem::is_empty(harness_.log_directory()));
  Append(lease.ref(), 1, "b");
  EXPECT_EQ(code(), grpc::StatusCode::FAILED_PRECONDITION);
}

}  // namespace
}  // namespace athanor::testing
