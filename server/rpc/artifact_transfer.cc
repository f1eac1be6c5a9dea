#include "server/rpc/artifact_transfer.h"

#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/rpc/convert_worker.h"

namespace athanor {
namespace {

// Finds the trial on the owner thread, then runs `next` with it on the pool of transfers; or answers `fail`.
void WithTrial(ServiceContext& context, const std::string& name, TrialNumber number,
               const std::function<void(absl::Status)>& fail, std::function<void(const TrialKey&)> next) {
  const auto find = [&context, name, number]() -> absl::StatusOr<TrialKey> {
    ATHANOR_ASSIGN_OR_RETURN(const LiveStudy* study, context.coordinator.state().FindStudy(name));
    ATHANOR_RETURN_IF_ERROR(State::CheckTrial(*study, number));
    return TrialKey{study->id(), number};
  };
  const absl::Status posted =
      context.owner.Post([&context, find, fail, next = std::move(next)](Transaction&) -> Owner::Reply {
        return [&context, fail, next, trial = find()](const absl::Status& commit) {
          if (!commit.ok() || !trial.ok()) return fail(commit.ok() ? trial.status() : commit);
          const absl::Status posted = context.transfers.Post([next, trial = *trial] { next(trial); });
          if (!posted.ok()) fail(Retryable(posted));
        };
      });
  if (!posted.ok()) fail(Retryable(posted));
}

}  // namespace

v1::Artifact ToProto(const Artifact& artifact) {
  v1::Artifact proto;
  proto.set_name(artifact.name);
  proto.set_step(artifact.step);
  proto.set_size_bytes(artifact.size_bytes);
  return proto;
}

void ArtifactUpload::Begin(const v1::UploadArtifactRequest::Header& header, StatusDone done) {
  if (slot_ == nullptr) return done(TooManyTransfers(slots_));
  const LeaseRef lease = FromProto(header.lease());
  trial_ = {lease.study, lease.trial};
  artifact_ = {
      .name = header.artifact().name(), .step = header.artifact().step(), .size_bytes = header.artifact().size_bytes()};
  if (const absl::Status usable = CheckArtifact(artifact_); !usable.ok()) return done(usable);
  FindAttempt(context_, lease, [self = shared_from_this(), lease, done = std::move(done)](const auto& attempt) {
    if (!attempt.ok()) return done(Retryable(attempt.status()));
    if (attempt->outcome == AttemptOutcome::kLost) {
      return done(absl::FailedPreconditionError(
          absl::StrCat("trial ", lease.trial, ": the lease with token ", lease.token,
                       " was lost, and what was trained under it since is not the trial's")));
    }
    self->attempt_ = *attempt;
    done(absl::OkStatus());
  });
}

void ArtifactUpload::Append(const std::string& chunk, StatusDone done) {
  if (chunk.size() > kMaxChunkBytes) {
    return done(
        absl::InvalidArgumentError(absl::StrCat("chunk: has ", chunk.size(), " bytes; want at most ", kMaxChunkBytes)));
  }
  if (static_cast<int64_t>(content_.size() + chunk.size()) > artifact_.size_bytes) {
    return done(absl::DataLossError(absl::StrCat("artifact \"", artifact_.name, "\" is larger than the ",
                                                 artifact_.size_bytes, " bytes announced")));
  }
  content_ += chunk;
  done(absl::OkStatus());
}

void ArtifactUpload::Finish(StatusDone done) {
  if (static_cast<int64_t>(content_.size()) != artifact_.size_bytes) {
    return done(absl::DataLossError(absl::StrCat("artifact \"", artifact_.name, "\": ", content_.size(), " of ",
                                                 artifact_.size_bytes, " bytes arrived")));
  }
  const absl::Status posted = context_.transfers.Post([self = shared_from_this(), done] {
    // What is there may be of the attempt that came after one that has ended.
    const auto same =
        self->attempt_.outcome == AttemptOutcome::kLive ? ArtifactFiles::Same::kReplace : ArtifactFiles::Same::kKeep;
    const absl::Status put =
        self->context_.artifacts.Put(self->trial_, self->artifact_, self->content_, self->attempt_.trial, same);
    // The study was deleted while this was under way: its leases are dead.
    done(absl::IsNotFound(put) ? absl::FailedPreconditionError(put.message()) : put);
  });
  if (!posted.ok()) done(Retryable(posted));
}

void ArtifactDownload::Begin(const v1::ReadArtifactRequest& request, StatusDone done) {
  if (slot_ == nullptr) return done(TooManyTransfers(slots_));
  std::optional<int64_t> step;
  if (request.has_step()) step = request.step();
  WithTrial(context_, request.study(), request.number(), done,
            [self = shared_from_this(), name = request.name(), step, done](const TrialKey& trial) {
              auto found = self->context_.artifacts.Read(trial, name, step);
              if (found.ok()) std::tie(self->artifact_, self->content_) = *std::move(found);
              done(found.status());
            });
}

void ArtifactDownload::Next(const Done<std::string>& done) {
  std::string piece = content_.substr(read_, kChunkBytes);
  read_ += piece.size();
  done(std::move(piece));
}

void ListArtifacts(ServiceContext& context, const v1::ListArtifactsRequest& request,
                   Done<v1::ListArtifactsResponse> done) {
  WithTrial(
      context, request.study(), request.number(), [done](const absl::Status& status) { done(status); },
      [&context, done](const TrialKey& trial) {
        const absl::StatusOr<std::vector<Artifact>> artifacts = context.artifacts.List(trial);
        if (!artifacts.ok()) return done(artifacts.status());
        v1::ListArtifactsResponse response;
        for (const Artifact& artifact : *artifacts) *response.add_artifacts() = ToProto(artifact);
        done(std::move(response));
      });
}

}  // namespace athanor
