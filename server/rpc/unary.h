// How a unary call over gRPC answers from wherever its Done is called.
#pragma once

#include <grpcpp/support/server_callback.h>
#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

#include "server/rpc/service_context.h"
#include "server/rpc/status.h"

namespace athanor {

// Starts a call: `start` gets the Done that finishes it. An exception of `start`, which must not have given the Done
// away then, answers INTERNAL instead of crossing into gRPC.
template <typename Response, typename Start>
grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* call, Response* response, Start start) {
  grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
  try {
    start(Done<Response>([reactor, response](absl::StatusOr<Response> result) {
      if (result.ok()) *response = *std::move(result);
      reactor->Finish(ToGrpc(result.status()));
    }));
  } catch (const std::exception& error) {
    spdlog::error("a call failed: {}", error.what());
    reactor->Finish(grpc::Status(grpc::StatusCode::INTERNAL, error.what()));
  }
  return reactor;
}

}  // namespace athanor
