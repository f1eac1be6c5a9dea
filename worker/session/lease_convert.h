// Between the wire's leases and the trainer protocol. Pure.
#pragma once

#include <string>
#include <vector>

#include "athanor/v1/worker_service.pb.h"
#include "worker/session/trainer_protocol.h"

namespace athanor::session {

// `device` is left to the slot. An option without a value, which the wire can express but no study can hold, is left
// out.
StartCommand ToStartCommand(const v1::Lease& lease, std::string trial, std::string checkpoint_dir,
                            std::vector<CheckpointFile> checkpoints);

v1::Measurement ToProto(const MetricsMessage& message);
v1::Progress ToProto(const ProgressMessage& message);
v1::Environment ToEnvironment(const HelloMessage& hello, const StartedMessage& started);

// FAILED, INFEASIBLE and the like; `reason` is cut at 60 KiB, at the end of a character.
v1::FinishRequest ToFinishRequest(const v1::LeaseRef& lease, v1::AttemptOutcome outcome, const std::string& reason,
                                  const Metrics& final_metrics);

}  // namespace athanor::session
