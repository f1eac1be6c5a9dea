// The checkpoint of a trial in a file, or what interrupted its download.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "client/cli/live_screen.h"
#include "client/cli/verb.h"

namespace athanor::cli {

// Downloads to `path`, as StudyClient::DownloadTrialCheckpoint does, until one of `signals` comes: CANCELLED then.
// Blocks.
absl::StatusOr<v1::TrialCheckpoint> DownloadCheckpoint(Session& session, SignalPipe& signals,
                                                       const v1::DownloadTrialCheckpointRequest& request,
                                                       const std::string& path);

// One line on standard error, for people, where the best model of `trial` is not in `checkpoint`, because it was
// stopped after it: what it is then. Nothing where it is.
void NoteIfBeforeBest(const Session& session, const v1::Trial& trial, const v1::TrialCheckpoint& checkpoint);

}  // namespace athanor::cli
