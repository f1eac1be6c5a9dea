#include "server/rpc/server.h"

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include "tests/server/rpc/rpc_fixture.h"

namespace athanor::testing {
namespace {

using ::testing::HasSubstr;

class ServerTest : public RpcFixture {};

TEST_F(ServerTest, PortInUseIsRefusedNamingIt) {
  ServiceHarness other;
  RpcServerOptions options;
  options.listen = server_->address();
  const auto second = RpcServer::Start(other.context(), options);
  ASSERT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(server_->address()));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("in use"));
}

TEST_F(ServerTest, AddressThatCannotBeIsRefusedWithItsCause) {
  ServiceHarness other;
  RpcServerOptions options;
  options.listen = "203.0.113.7:1";  // TEST-NET-3: nobody's address
  const auto second = RpcServer::Start(other.context(), options);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("203.0.113.7:1"));
}

TEST_F(ServerTest, ShutdownAnswersLongPollsAndEndsStreamsAndWatches) {
  Create(Small("s", 1));
  Register("w");
  ASSERT_EQ(Acquire("w", 1).size(), 1u);
  Register("idle");
  auto poll = std::async(std::launch::async, [&] {
    v1::AcquireResponse response;
    return workers_->Acquire(NewContext().get(), AcquireOf("idle", 1, 1, 20'000), &response);
  });
  TestStream stream(*workers_);
  ASSERT_TRUE(stream.Write(TestStream::Hello("w")));
  stream.ReadUntil(1);
  auto context = NewContext();
  v1::WatchStudyRequest request;
  request.set_study("s");
  const auto watch = studies_->WatchStudy(context.get(), request);
  v1::StudySnapshot snapshot;
  ASSERT_TRUE(watch->Read(&snapshot));

  const auto start = std::chrono::steady_clock::now();
  server_->Shutdown();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(9));
  const grpc::Status polled = poll.get();
  // A poll that had not arrived yet when the server stopped finds nobody.
  EXPECT_TRUE(polled.ok() || polled.error_code() == grpc::StatusCode::UNAVAILABLE) << polled.error_message();
  v1::ReportResponse response;
  while (stream.Read(&response)) {
  }
  EXPECT_EQ(stream.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  while (watch->Read(&snapshot)) {
  }
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(ServerTest, ShutdownWaitsForWhatItsCallsLeftOnTheOwnerThread) {
  std::atomic<bool> done = false;
  ASSERT_TRUE(harness_.context()
                  .owner
                  .Post([&](Transaction&) -> Owner::Reply {
                    while (!harness_.context().stopping.load()) std::this_thread::yield();
                    std::this_thread::sleep_for(std::chrono::milliseconds(50));
                    return [&](const absl::Status&) { done = true; };
                  })
                  .ok());
  server_->Shutdown();
  EXPECT_TRUE(done.load());
}

TEST_F(ServerTest, FailedCommitIsToldToTheCallerAndUndone) {
  MemoryStore store;
  ServiceHarness harness({}, &store);
  RpcServerOptions options;
  options.listen = "127.0.0.1:0";
  const auto server = RpcServer::Start(harness.context(), options);
  ASSERT_TRUE(server.ok()) << server.status();
  const auto stub =
      v1::StudyService::NewStub(grpc::CreateChannel((*server)->address(), grpc::InsecureChannelCredentials()));
  v1::CreateStudyRequest request;
  *request.mutable_spec() = Small("s", 1);
  store.SetCommitStatus(absl::ResourceExhaustedError("disk full"));
  v1::Study study;
  grpc::Status status = stub->CreateStudy(NewContext().get(), request, &study);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  store.SetCommitStatus(absl::OkStatus());
  // Writes are refused until one group has tried again.
  while (!(status = stub->CreateStudy(NewContext().get(), request, &study)).ok()) {
    ASSERT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
  }
}

TEST_F(ServerTest, MessageAboveTheLimitIsRefused) {
  v1::StudySpec spec = Small("s", 1);
  spec.set_description(std::string(5 << 20, 'x'));
  Create(spec);
  EXPECT_EQ(code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

}  // namespace
}  // namespace athanor::testing
