#include "client/api/worker_call.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace athanor {
namespace {

int Milliseconds(Duration duration) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

std::shared_ptr<grpc::Channel> Connect(const WorkerClientOptions& options) {
  grpc::ChannelArguments arguments;
  // A new channel must not be given the connection of the one that it replaces.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(options.max_message_bytes);
  arguments.SetMaxSendMessageSize(options.max_message_bytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(options.keepalive_interval));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(options.keepalive_timeout));
  // The session paces its attempts itself; the channel's own pause (up to 2 min by default) would only add to it.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 2000);  // means: how long an attempt may take
  return grpc::CreateCustomChannel(options.target, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

absl::Status FromGrpc(const grpc::Status& status) {
  return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
}

std::chrono::system_clock::time_point DeadlineIn(Duration duration) {
  return std::chrono::system_clock::now() + std::chrono::duration_cast<std::chrono::system_clock::duration>(duration);
}

WorkerLink::WorkerLink(const WorkerClientOptions& options) : stub(v1::WorkerService::NewStub(Connect(options))) {}

GrpcWorkerTransport::Core::Core(const WorkerClientOptions& the_options)
    : options(the_options), link(std::make_shared<WorkerLink>(options)), patience(options.call_timeout) {}

void GrpcWorkerTransport::Core::GiveUp(const std::shared_ptr<WorkerLink>& silent) {
  const MutexLock lock(mutex);
  if (link != silent) return;
  retired.push_back(std::exchange(link, std::make_shared<WorkerLink>(options)));
}

Duration GrpcWorkerTransport::Core::Patience() {
  const MutexLock lock(mutex);
  return patience;
}

void GrpcWorkerTransport::Core::SetLease(Duration lease) {
  const MutexLock lock(mutex);
  patience = std::clamp(lease / 3, std::min(options.shortest_patience, options.call_timeout), options.call_timeout);
}

LiveCall::Registration::Registration(Core& the_core, LiveCall* the_call) : core(the_core), call(the_call) {
  std::vector<std::shared_ptr<WorkerLink>> unused;  // ends after the lock does
  const MutexLock lock(core.mutex);
  const auto in_use = [](const auto& retired) { return retired.use_count() > 1; };
  const auto first = std::partition(core.retired.begin(), core.retired.end(), in_use);
  unused.assign(std::make_move_iterator(first), std::make_move_iterator(core.retired.end()));
  core.retired.erase(first, core.retired.end());
  link = core.link;
  core.live.insert(call);
}

LiveCall::Registration::~Registration() {
  link.reset();
  const MutexLock lock(core.mutex);
  core.live.erase(call);
  if (core.live.empty()) core.idle.NotifyAll();
}

}  // namespace athanor
