// The listening gRPC server: services, reflection, health, limits.
#pragma once

#include <grpcpp/server.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "server/rpc/report_session.h"
#include "server/rpc/service_context.h"
#include "server/rpc/services.h"

namespace athanor {

struct RpcServerOptions {
  std::string listen = "127.0.0.1:7077";  // host:port; port 0 takes a free one; "unix:PATH" works too
  // How long calls in flight may go on at shutdown before they are cancelled.
  Duration drain = std::chrono::seconds(5);
};

class RpcServer {
 public:
  // Listens and serves. UNAVAILABLE naming the address and the cause if it cannot listen there. `context` must outlive
  // it.
  static absl::StatusOr<std::unique_ptr<RpcServer>> Start(ServiceContext& context, const RpcServerOptions& options);
  ~RpcServer();

  // The port it listens on; 0 for a path.
  int port() const { return port_; }
  // "127.0.0.1:7077", with the port that was chosen.
  std::string address() const;

  // Blocks: answers long polls empty, ends streams, lets other calls finish and cancels what is left after `drain`.
  // The owner must still run. No-op the second time.
  void Shutdown();

 private:
  RpcServer(ServiceContext& context, const RpcServerOptions& options)
      : context_(context),
        options_(options),
        studies_(context, watches_, logs_),
        admin_(context),
        workers_(context, streams_) {}

  ServiceContext& context_;
  const RpcServerOptions options_;
  ReportStreams streams_;
  OpenStreams watches_;
  OpenStreams logs_;
  StudyServiceImpl studies_;
  AdminServiceImpl admin_;
  WorkerServiceImpl workers_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace athanor
