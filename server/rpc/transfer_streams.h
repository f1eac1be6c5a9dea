// Checkpoint transfers over gRPC. Each reactor owns itself until its call is done.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "athanor/v1/worker_service.pb.h"
#include "server/rpc/checkpoint_transfer.h"

namespace athanor {

grpc::ServerReadReactor<v1::UploadCheckpointRequest>* StartUpload(ServiceContext& context, TransferSlots& slots,
                                                                  grpc::CallbackServerContext* call);
grpc::ServerWriteReactor<v1::CheckpointChunk>* StartDownload(ServiceContext& context, TransferSlots& slots,
                                                             const v1::DownloadCheckpointRequest& request);

}  // namespace athanor
