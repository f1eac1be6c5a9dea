#include "client/cli/checkpoint_download.h"

#include <fmt/format.h>
#include <poll.h>

#include <atomic>
#include <thread>

namespace athanor::cli {

absl::StatusOr<v1::TrialCheckpoint> DownloadCheckpoint(Session& session, SignalPipe& signals,
                                                       const v1::DownloadTrialCheckpointRequest& request,
                                                       const std::string& path) {
  absl::StatusOr<v1::TrialCheckpoint> result = absl::CancelledError("the download was cancelled");
  StudyClient& client = session.client();
  std::atomic<bool> over = false;
  // On a thread of its own, because a stream cannot be polled together with signals.
  std::jthread download([&](const std::stop_token& stop) {
    result = client.DownloadTrialCheckpoint(request, path, stop);
    over = true;
    signals.Wake();
  });
  while (!over) {
    pollfd readable{.fd = signals.fd(), .events = POLLIN, .revents = 0};
    poll(&readable, 1, -1);
    if (signals.Take() != 0) download.request_stop();
  }
  download.join();
  return result;
}

void NoteIfBeforeBest(const Session& session, const v1::Trial& trial, const v1::TrialCheckpoint& checkpoint) {
  if (!trial.has_best_value() || checkpoint.step() >= trial.best_step()) return;
  session.surroundings().err << fmt::format(
      "athanor: trial {} was at its best at step {}, after its newest checkpoint: this is its model of step {}\n",
      trial.number(), trial.best_step(), checkpoint.step());
}

}  // namespace athanor::cli
