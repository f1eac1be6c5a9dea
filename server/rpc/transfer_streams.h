// Checkpoints and artifacts over gRPC, chunk by chunk at the pace of disk and reader. Each reactor owns itself until
// its call is done; `context` and `slots` outlive it. None blocks. What the calls answer stands with them in
// proto/athanor/v1, and with the transfers (checkpoint_transfer.h, artifact_transfer.h).
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "athanor/v1/study_service.pb.h"
#include "athanor/v1/worker_service.pb.h"
#include "server/rpc/checkpoint_transfer.h"

namespace athanor {

grpc::ServerReadReactor<v1::UploadCheckpointRequest>* StartCheckpointUpload(ServiceContext& context,
                                                                            TransferSlots& slots,
                                                                            grpc::CallbackServerContext* call);
grpc::ServerWriteReactor<v1::CheckpointChunk>* StartCheckpointDownload(ServiceContext& context, TransferSlots& slots,
                                                                       const v1::DownloadCheckpointRequest& request);
grpc::ServerWriteReactor<v1::TrialCheckpointChunk>* StartTrialCheckpointDownload(
    ServiceContext& context, TransferSlots& slots, const v1::DownloadTrialCheckpointRequest& request);

grpc::ServerReadReactor<v1::UploadArtifactRequest>* StartArtifactUpload(ServiceContext& context, TransferSlots& slots,
                                                                        grpc::CallbackServerContext* call);
grpc::ServerWriteReactor<v1::ArtifactChunk>* StartArtifactDownload(ServiceContext& context, TransferSlots& slots,
                                                                   const v1::ReadArtifactRequest& request);

}  // namespace athanor
