// WatchStudy over gRPC: snapshots of a study as it changes, at the watcher's pace.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "athanor/v1/study_service.pb.h"
#include "server/rpc/open_streams.h"
#include "server/rpc/service_context.h"

namespace athanor {

// The reactor owns itself until its call is done.
grpc::ServerWriteReactor<v1::StudySnapshot>* StartWatch(ServiceContext& context, OpenStreams& watches,
                                                        const v1::WatchStudyRequest& request);

}  // namespace athanor
