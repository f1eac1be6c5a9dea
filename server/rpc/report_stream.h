// The report stream over gRPC: carries a ReportSession.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "athanor/v1/worker_service.pb.h"
#include "server/rpc/report_session.h"

namespace athanor {

// The reactor owns itself until its call is done.
grpc::ServerBidiReactor<v1::ReportRequest, v1::ReportResponse>* StartReportStream(ServiceContext& context,
                                                                                  ReportStreams& streams);

}  // namespace athanor
