#include "server/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace athanor {
namespace {

constexpr int kMaxRequestBytes = 4 << 20;
constexpr size_t kMemoryQuotaBytes = size_t{1} << 30;  // of gRPC's buffers; past it, it stops reading

// gRPC does not say why it could not listen: try the same by hand.
std::string WhyNot(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (address.starts_with("unix:") || colon == std::string::npos) return "want HOST:PORT";
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  boost::asio::io_context io;
  boost::system::error_code error;
  const auto found = boost::asio::ip::tcp::resolver(io).resolve(host, address.substr(colon + 1), error);
  if (error) return error.message();
  for (const auto& entry : found) {
    boost::asio::ip::tcp::acceptor acceptor(io);
    acceptor.open(entry.endpoint().protocol(), error);
    if (!error) acceptor.set_option(boost::asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(entry.endpoint(), error);
    if (!error) acceptor.listen(1, error);
    if (error) return error.message();
  }
  return "the address was refused";
}

void SetLimits(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMaxRequestBytes);
  builder.SetMaxSendMessageSize(-1);  // bounded by page sizes
  grpc::ResourceQuota quota("athanor-server");
  quota.Resize(kMemoryQuotaBytes);
  builder.SetResourceQuota(quota);
  // Two servers on one port would each get half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // A node that vanished without a word is noticed within a minute, and so ends its long polls.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // Without this a silent stream, such as the watch of an idle study, is probed twice and never again.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Clients may probe as often as every 5 s without being sent away.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
}

}  // namespace

absl::StatusOr<std::unique_ptr<RpcServer>> RpcServer::Start(ServiceContext& context, const RpcServerOptions& options) {
  std::unique_ptr<RpcServer> rpc(new RpcServer(context, options));
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  SetLimits(builder);
  builder.AddListeningPort(options.listen, grpc::InsecureServerCredentials(), &rpc->port_);
  builder.RegisterService(&rpc->studies_);
  builder.RegisterService(&rpc->admin_);
  builder.RegisterService(&rpc->workers_);
  rpc->server_ = builder.BuildAndStart();
  if (rpc->server_ == nullptr) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", options.listen, ": ", WhyNot(options.listen)));
  }
  // Overall health is there by itself; whoever balances or probes a single service asks by name.
  for (const char* service : {v1::StudyService::service_full_name(), v1::AdminService::service_full_name(),
                              v1::WorkerService::service_full_name()}) {
    rpc->server_->GetHealthCheckService()->SetServingStatus(service, true);
  }
  return rpc;
}

RpcServer::~RpcServer() { Shutdown(); }

std::string RpcServer::address() const {
  const size_t colon = options_.listen.rfind(':');
  if (port_ <= 0 || options_.listen.starts_with("unix:") || colon == std::string::npos) return options_.listen;
  return absl::StrCat(options_.listen.substr(0, colon), ":", port_);
}

void RpcServer::Shutdown() {
  if (server_ == nullptr) return;
  context_.stopping = true;
  if (auto* health = server_->GetHealthCheckService()) health->Shutdown();
  // An operation that was queued before may still park a poll or open a stream; one queued later sees `stopping`.
  (void)context_.owner.Post([this](Transaction& tx) -> Owner::Reply {
    context_.coordinator.ReleaseWaiting(tx);
    watches_.CloseAll();
    logs_.CloseAll();
    streams_.CloseAll(absl::UnavailableError("the coordinator is shutting down"));
    return nullptr;
  });
  server_->Shutdown(std::chrono::system_clock::now() +
                    std::chrono::duration_cast<std::chrono::system_clock::duration>(options_.drain));
  server_.reset();
  context_.owner.Drain();  // what calls left behind there refers to this server
}

}  // namespace athanor
