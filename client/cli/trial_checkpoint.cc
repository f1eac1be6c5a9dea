// trial checkpoint
#include <fmt/format.h>
#include <signal.h>

#include <string>

#include "base/status.h"
#include "client/cli/checkpoint_download.h"
#include "client/cli/format.h"
#include "client/cli/verb.h"

namespace athanor::cli {
namespace {

struct Options {
  std::string study;
  int64_t number = 0;
  bool newest = false;
  std::string out;
};

absl::Status Fetch(Session& session, const Options& options) {
  v1::DownloadTrialCheckpointRequest request;
  request.set_study(options.study);
  request.set_number(options.number);
  request.set_choice(options.newest ? v1::CHECKPOINT_CHOICE_NEWEST : v1::CHECKPOINT_CHOICE_BEST);
  v1::TrialDetail detail;
  if (!options.newest) {
    ATHANOR_ASSIGN_OR_RETURN(detail, session.client().GetTrial(options.study, options.number));
  }
  SignalPipe signals({SIGINT, SIGTERM, SIGHUP});
  const auto checkpoint = DownloadCheckpoint(session, signals, request, options.out);
  if (absl::IsCancelled(checkpoint.status())) {
    session.set_exit_code(kInterrupted);
    return absl::OkStatus();
  }
  ATHANOR_RETURN_IF_ERROR(checkpoint.status());
  if (!options.newest) NoteIfBeforeBest(session, detail.trial(), *checkpoint);
  Answer answer{.data = {{"number", options.number},
                         {"step", checkpoint->step()},
                         {"size_bytes", checkpoint->size_bytes()},
                         {"sha256", checkpoint->sha256()},
                         {"path", options.out}},
                .text = fmt::format("wrote {} (the checkpoint of step {}, {})\n", options.out, checkpoint->step(),
                                    FormatBytes(checkpoint->size_bytes())),
                .ids = {checkpoint->sha256()}};
  return session.Answer(answer);
}

}  // namespace

void AddTrialCheckpoint(CLI::App* parent, Session& session) {
  auto [verb, options] = session.AddVerb<Options>(
      parent, "checkpoint",
      "Fetch a checkpoint of a trial, verified by its SHA-256. The best `checkpoint.keep_best` trials of a study keep "
      "theirs when they have ended",
      "athanor trial checkpoint fashion-lenet 7 --out lenet.ckpt", Fetch);
  AddTrialArguments(verb, options.study, options.number);
  verb->add_flag("--newest", options.newest, "the newest; default: the one that holds the best model, else the newest");
  verb->add_option("--out", options.out, "the file to write")->required()->option_text("FILE");
}

}  // namespace athanor::cli
