// The one table from absl's status codes to gRPC's.
#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace athanor {

grpc::Status ToGrpc(const absl::Status& status);

}  // namespace athanor
