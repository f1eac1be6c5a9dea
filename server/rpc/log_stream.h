// ReadTrialLog over gRPC: the log of a trial, and what comes, at the reader's pace.
#pragma once

#include <grpcpp/support/server_callback.h>

#include "athanor/v1/study_service.pb.h"
#include "server/rpc/open_streams.h"
#include "server/rpc/service_context.h"

namespace athanor {

// Starts the call; what it sends stands with ReadTrialLog in study_service.proto. Disk and owner are left to their own
// threads: this does not block. `context` and `logs` outlive the call; the reactor owns itself until it is done. The
// call ends with RESOURCE_EXHAUSTED if `logs` has no room, INVALID_ARGUMENT on a negative number, NOT_FOUND naming the
// study or the trial, UNAVAILABLE at a shutdown, CANCELLED when the reader is gone, and OK behind the last byte.
grpc::ServerWriteReactor<v1::TrialLogChunk>* StartLogStream(ServiceContext& context, OpenStreams& logs,
                                                            const v1::ReadTrialLogRequest& request);

}  // namespace athanor
