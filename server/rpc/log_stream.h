// ReadTrialLog over gRPC: the log of a trial, and what comes, at the reader's pace.
#pragma once

#include <grpcpp/support/server_callback.h>

#include "athanor/v1/study_service.pb.h"
#include "server/rpc/open_streams.h"
#include "server/rpc/service_context.h"

namespace athanor {

// The reactor owns itself until its call is done.
grpc::ServerWriteReactor<v1::TrialLogChunk>* StartLogStream(ServiceContext& context, OpenStreams& logs,
                                                            const v1::ReadTrialLogRequest& request);

}  // namespace athanor
