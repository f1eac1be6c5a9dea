// Artifacts of trials on their way to the disk of the coordinator and back, without their carrier, as
// checkpoint_transfer.h has it for checkpoints. An artifact is small: it is held in memory until it is complete. One
// step at a time: the next only when the one before has answered. None blocks; steps run on the pools and answer from
// there, from the owner thread, or before they return.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "athanor/v1/study_service.pb.h"
#include "athanor/v1/worker_service.pb.h"
#include "server/rpc/attempt_check.h"
#include "server/rpc/checkpoint_transfer.h"
#include "server/rpc/service_context.h"

namespace athanor {

// Of artifacts that workers upload.
inline constexpr int kMaxArtifactUploads = 32;

v1::Artifact ToProto(const Artifact& artifact);

// An artifact that arrives. Until Finish has answered OK it does not exist. Create with std::make_shared.
class ArtifactUpload : public std::enable_shared_from_this<ArtifactUpload> {
 public:
  static constexpr size_t kMaxChunkBytes = 1 << 20;
  using StatusDone = std::function<void(absl::Status)>;

  ArtifactUpload(ServiceContext& context, TransferSlots& slots)
      : context_(context), slots_(slots), slot_(slots.Take()) {}

  // First. INVALID_ARGUMENT as CheckArtifact; FAILED_PRECONDITION as FindAttempt, and if the lease was lost;
  // UNAVAILABLE when too many uploads run.
  void Begin(const v1::UploadArtifactRequest::Header& header, StatusDone done);
  // INVALID_ARGUMENT if it is larger than kMaxChunkBytes, DATA_LOSS if it is more than was announced.
  void Append(const std::string& chunk, StatusDone done);
  // Last: DATA_LOSS if it is less than was announced, FAILED_PRECONDITION if the study was deleted meanwhile,
  // RESOURCE_EXHAUSTED if the disk is full. OK without a change if the attempt had ended and the trial has one of this
  // name and step.
  void Finish(StatusDone done);

 private:
  ServiceContext& context_;
  const TransferSlots& slots_;
  std::shared_ptr<void> slot_;
  TrialKey trial_;
  KnownAttempt attempt_;
  Artifact artifact_;
  std::string content_;
};

// An artifact that a client fetches. Create with std::make_shared.
class ArtifactDownload : public std::enable_shared_from_this<ArtifactDownload> {
 public:
  static constexpr size_t kChunkBytes = 256 << 10;
  using StatusDone = std::function<void(absl::Status)>;

  ArtifactDownload(ServiceContext& context, TransferSlots& slots)
      : context_(context), slots_(slots), slot_(slots.Take()) {}

  // First. NOT_FOUND naming study, trial or artifact; INVALID_ARGUMENT for a name or step that no artifact has;
  // UNAVAILABLE when too many downloads run.
  void Begin(const v1::ReadArtifactRequest& request, StatusDone done);
  // Which it is, once Begin has answered OK.
  const Artifact& artifact() const { return artifact_; }
  // The next bytes; empty at the end.
  void Next(const Done<std::string>& done);

 private:
  ServiceContext& context_;
  const TransferSlots& slots_;
  std::shared_ptr<void> slot_;
  Artifact artifact_;
  std::string content_;
  size_t read_ = 0;  // bytes of it that Next has handed out
};

// Answers with the artifacts of a trial, by step, then by name. NOT_FOUND naming the study or the trial.
void ListArtifacts(ServiceContext& context, const v1::ListArtifactsRequest& request,
                   Done<v1::ListArtifactsResponse> done);

}  // namespace athanor
