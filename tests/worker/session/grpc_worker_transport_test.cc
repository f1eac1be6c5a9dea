// GrpcWorkerTransport against a real gRPC server in this process.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>

#include "athanor/v1/worker_service.grpc.pb.h"
#include "base/sha256.h"
#include "client/api/worker_client.h"
#include "tests/testing/fault_proxy.h"
#include "tests/worker/session/temporary_folder.h"

namespace athanor {
namespace {

using session::ReadFile;
using session::TemporaryFolder;
using session::WriteFile;

// Answers as little as the tests need; its files are what was uploaded last.
class Service final : public v1::WorkerService::Service {
 public:
  grpc::Status Register(grpc::ServerContext*, const v1::RegisterRequest* request,
                        v1::RegisterResponse* response) override {
    if (request->worker().empty()) return {grpc::StatusCode::FAILED_PRECONDITION, "no name"};
    response->set_heartbeat_ms(123);
    return grpc::Status::OK;
  }
  grpc::Status Acquire(grpc::ServerContext* context, const v1::AcquireRequest*, v1::AcquireResponse*) override {
    while (!context->IsCancelled()) std::this_thread::yield();
    return grpc::Status::CANCELLED;
  }
  grpc::Status Report(grpc::ServerContext*,
                      grpc::ServerReaderWriter<v1::ReportResponse, v1::ReportRequest>* stream) override {
    for (v1::ReportRequest request; stream->Read(&request);) {
      v1::ReportResponse response;
      response.set_acknowledged_sequence(request.sequence());
      stream->Write(response);
    }
    return grpc::Status::OK;
  }
  grpc::Status UploadCheckpoint(grpc::ServerContext*, grpc::ServerReader<v1::UploadCheckpointRequest>* reader,
                                v1::UploadCheckpointResponse*) override {
    v1::UploadCheckpointRequest request;
    reader->Read(&request);
    const std::string sha256 = request.header().checkpoint().sha256();
    file.clear();
    while (reader->Read(&request)) {
      largest_chunk = std::max(largest_chunk, request.chunk().size());
      file += request.chunk();
    }
    return Sha256::Hex(file) == sha256 ? grpc::Status::OK : grpc::Status(grpc::StatusCode::DATA_LOSS, "wrong hash");
  }
  grpc::Status DownloadCheckpoint(grpc::ServerContext*, const v1::DownloadCheckpointRequest*,
                                  grpc::ServerWriter<v1::CheckpointChunk>* writer) override {
    if (file.empty()) return {grpc::StatusCode::NOT_FOUND, "gone"};
    for (size_t at = 0; at < file.size(); at += 1 << 20) {
      v1::CheckpointChunk chunk;
      chunk.set_data(file.substr(at, 1 << 20));
      writer->Write(chunk);
    }
    return grpc::Status::OK;
  }

  std::string file;
  size_t largest_chunk = 0;
};

class GrpcWorkerTransportTest : public ::testing::Test {
 protected:
  GrpcWorkerTransportTest() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    address_ = "127.0.0.1:" + std::to_string(port);
    transport_ = std::make_unique<GrpcWorkerTransport>(
        WorkerClientOptions{.target = address_, .call_timeout = std::chrono::seconds(20)});
  }
  ~GrpcWorkerTransportTest() override {
    transport_.reset();
    server_->Shutdown();
  }

  absl::Status Upload(const std::string& path, const std::string& sha256) {
    v1::UploadCheckpointRequest::Header header;
    header.mutable_checkpoint()->set_sha256(sha256);
    std::promise<absl::Status> done;
    const auto call =
        transport_->UploadCheckpoint(header, path, [&](const absl::Status& status) { done.set_value(status); });
    return done.get_future().get();
  }
  absl::Status Download(const std::string& sha256, const std::string& path) {
    v1::DownloadCheckpointRequest request;
    request.set_sha256(sha256);
    std::promise<absl::Status> done;
    const auto call =
        transport_->DownloadCheckpoint(request, path, [&](const absl::Status& status) { done.set_value(status); });
    return done.get_future().get();
  }

  TemporaryFolder folder_;
  Service service_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  std::unique_ptr<GrpcWorkerTransport> transport_;
};

TEST_F(GrpcWorkerTransportTest, AnswersAUnaryCallAndCarriesErrors) {
  for (const char* name : {"node-0", ""}) {
    v1::RegisterRequest request;
    request.set_worker(name);
    std::promise<absl::StatusOr<v1::RegisterResponse>> done;
    transport_->Register(request, [&](auto response) { done.set_value(std::move(response)); });
    const auto response = done.get_future().get();
    if (*name != '\0') {
      ASSERT_TRUE(response.ok()) << response.status();
      EXPECT_EQ(response->heartbeat_ms(), 123);
    } else {
      EXPECT_EQ(response.status(), absl::FailedPreconditionError("no name"));
    }
  }
}

TEST_F(GrpcWorkerTransportTest, CancelsALongPollWhenItsHandleGoes) {
  v1::AcquireRequest request;
  request.set_wait_ms(60000);
  std::promise<absl::Status> done;
  auto call = transport_->Acquire(request, [&](const auto& response) { done.set_value(response.status()); });
  call.reset();
  EXPECT_TRUE(absl::IsCancelled(done.get_future().get()));
}

TEST_F(GrpcWorkerTransportTest, EndsCallsUnderWayWhenItGoes) {
  v1::AcquireRequest request;
  request.set_wait_ms(60000);
  std::promise<absl::Status> done;
  auto call = transport_->Acquire(request, [&](const auto& response) { done.set_value(response.status()); });
  transport_.reset();
  EXPECT_TRUE(absl::IsCancelled(done.get_future().get()));
}

TEST_F(GrpcWorkerTransportTest, StreamsRequestsAndAnswersUntilWritesAreDone) {
  std::promise<void> written;
  std::promise<uint64_t> acknowledged;
  std::promise<absl::Status> closed;
  const auto stream = transport_->OpenReportStream({
      .on_written = [&] { written.set_value(); },
      .on_response =
          [&](const v1::ReportResponse& response) { acknowledged.set_value(response.acknowledged_sequence()); },
      .on_closed = [&](const absl::Status& status) { closed.set_value(status); },
  });
  v1::ReportRequest request;
  request.set_sequence(5);
  stream->Write(request);
  written.get_future().get();
  EXPECT_EQ(acknowledged.get_future().get(), 5u);
  stream->WritesDone();
  EXPECT_EQ(closed.get_future().get(), absl::OkStatus());
  stream->Write(request);  // too late, and harmless
}

TEST_F(GrpcWorkerTransportTest, ClosesAStreamThatBreaks) {
  std::promise<absl::Status> closed;
  const auto stream = transport_->OpenReportStream({
      .on_written = [] {},
      .on_response = [](const v1::ReportResponse&) {},
      .on_closed = [&](const absl::Status& status) { closed.set_value(status); },
  });
  server_->Shutdown(std::chrono::system_clock::now());
  EXPECT_FALSE(closed.get_future().get().ok());
}

TEST_F(GrpcWorkerTransportTest, TransfersAFileInChunksBothWays) {
  const std::string content(3'500'000, 'x');
  WriteFile(folder_ / "up", content);
  ASSERT_EQ(Upload(folder_ / "up", Sha256::Hex(content)), absl::OkStatus());
  EXPECT_EQ(service_.largest_chunk, size_t{1} << 20);
  ASSERT_EQ(Download(Sha256::Hex(content), folder_ / "down"), absl::OkStatus());
  EXPECT_EQ(ReadFile(folder_ / "down"), content);
}

TEST_F(GrpcWorkerTransportTest, RefusesADownloadOfAnotherHashAndLeavesNoFile) {
  service_.file = "something else";
  EXPECT_TRUE(absl::IsDataLoss(Download(Sha256::Hex("wanted"), folder_ / "down")));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "down"));
}

TEST_F(GrpcWorkerTransportTest, LeavesNoFileOfADownloadThatFails) {
  EXPECT_EQ(Download(Sha256::Hex("wanted"), folder_ / "down"), absl::NotFoundError("gone"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "down"));
}

TEST_F(GrpcWorkerTransportTest, CannotUploadAFileThatIsNotThere) {
  EXPECT_TRUE(absl::IsNotFound(Upload(folder_ / "nothing", "")));
}

TEST_F(GrpcWorkerTransportTest, LeavesAConnectionThatNobodyAnswersFor) {
  testing::FaultProxy network(address_);
  GrpcWorkerTransport transport({.target = network.address(), .call_timeout = std::chrono::seconds(1)});
  const auto register_worker = [&] {
    v1::RegisterRequest request;
    request.set_worker("node-0");
    std::promise<absl::Status> done;
    transport.Register(request, [&](const auto& response) { done.set_value(response.status()); });
    return done.get_future().get();
  };
  ASSERT_EQ(register_worker(), absl::OkStatus());
  network.Swallow(testing::FaultProxy::Direction::kFromTarget);
  EXPECT_TRUE(absl::IsDeadlineExceeded(register_worker()));
  network.Heal();
  EXPECT_EQ(register_worker(), absl::OkStatus());
  EXPECT_EQ(network.statistics().accepted, 2);
}

TEST_F(GrpcWorkerTransportTest, SaysUnavailableWhenNobodyListens) {
  GrpcWorkerTransport nobody({.target = "127.0.0.1:1"});
  std::promise<absl::Status> done;
  nobody.Register({}, [&](const auto& response) { done.set_value(response.status()); });
  EXPECT_TRUE(absl::IsUnavailable(done.get_future().get()));
}

}  // namespace
}  // namespace athanor
