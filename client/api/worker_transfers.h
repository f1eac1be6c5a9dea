// The calls of WorkerService that carry a file, chunk by chunk between a file and the coordinator. What they
// promise stands with WorkerTransport (worker_client.h).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "athanor/v1/worker_service.pb.h"
#include "client/api/worker_client.h"

namespace athanor {

// `core` outlives the call. Null where the file cannot be opened: then `done` was called already.
std::unique_ptr<CancellableCall> StartCheckpointUpload(GrpcWorkerTransport::Core& core,
                                                       v1::UploadCheckpointRequest::Header header,
                                                       const std::string& path, std::function<void(absl::Status)> done);
std::unique_ptr<CancellableCall> StartArtifactUpload(GrpcWorkerTransport::Core& core,
                                                     v1::UploadArtifactRequest::Header header, const std::string& path,
                                                     std::function<void(absl::Status)> done);
std::unique_ptr<CancellableCall> StartCheckpointDownload(GrpcWorkerTransport::Core& core,
                                                         v1::DownloadCheckpointRequest request, const std::string& path,
                                                         std::function<void(absl::Status)> done);

}  // namespace athanor
