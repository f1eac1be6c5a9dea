// WatchStudy over gRPC: snapshots of a study as it changes, at the watcher's pace.
#pragma once

#include <grpcpp/support/server_callback.h>

#include "athanor/v1/study_service.pb.h"
#include "server/rpc/open_streams.h"
#include "server/rpc/service_context.h"

namespace athanor {

// Starts the call; what it sends stands with WatchStudy in study_service.proto. A snapshot is drafted on the owner
// thread and completed on the pool of reads: this does not block. `context` and `watches` outlive the call; the reactor
// owns itself until it is done. The call ends with RESOURCE_EXHAUSTED if `watches` has no room, NOT_FOUND naming the
// study, UNAVAILABLE at a shutdown, CANCELLED when the reader is gone, and OK behind the last snapshot of a finished
// study.
grpc::ServerWriteReactor<v1::StudySnapshot>* StartWatch(ServiceContext& context, OpenStreams& watches,
                                                        const v1::WatchStudyRequest& request);

}  // namespace athanor
