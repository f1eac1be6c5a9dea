// Workers, leases and what workers say, wire <-> domain. Pure, except where State is taken: owner thread only.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "athanor/v1/worker_service.pb.h"
#include "server/coordinator/coordinator.h"

namespace athanor {

LeaseRef FromProto(const v1::LeaseRef& lease);
v1::LeaseRef ToProto(const LeaseRef& lease);

Registration FromProto(const v1::RegisterRequest& request);
AcquireOptions FromProto(const v1::AcquireRequest& request);
v1::Lease ToProto(const LeaseGrant& grant);
Checkpoint FromProto(const v1::CheckpointRef& checkpoint);
v1::CheckpointRef ToProto(const Checkpoint& checkpoint);

Environment FromProto(const v1::Environment& environment);
Progress FromProto(const v1::Progress& progress);
Measurement FromProto(const v1::Measurement& measurement);
TrialReport FromProto(const v1::TrialReport& report);
// INVALID_ARGUMENT: an outcome that a worker cannot state, or a reason of more than 64 KiB.
absl::StatusOr<FinishOptions> FromProto(const v1::FinishRequest& finish);

v1::Verdict ToProto(const Verdict& verdict);
v1::Command ToProto(const Command& command);

// As ONLINE, DRAINING, OFFLINE or QUARANTINED; a quarantine shows even while the worker is away.
v1::WorkerState StateOf(const State& state, const WorkerInMemory& worker, MonotonicTime now);
v1::Worker ToProto(const State& state, const WorkerInMemory& worker, MonotonicTime now);

}  // namespace athanor
