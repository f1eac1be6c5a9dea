// The trainer protocol (worker/TRAINER_PROTOCOL.md) as the worker speaks it: commands out, messages in. It never says
// `checkpoint`: periodic checkpoints are the trainer's own business, and every other one comes with a hold or a pause.
//
// Reading is strict: a line that is not one JSON object of a known type with every key of that type, of the right type
// and range, is INVALID_ARGUMENT. Unknown keys are ignored, so that trainers may grow. Pure; no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/value.h"

namespace athanor::session {

inline constexpr int64_t kTrainerProtocolVersion = 1;
inline constexpr size_t kMaxLineBytes = 1 << 20;  // of a line, its end not counted

enum class ResourceUnit { kEpoch, kStep };
enum class MetricGoal { kMaximize, kMinimize };

// Steps count the study's resource, finished ones: 1 is the first that is measured, 0 is untrained. Times are
// milliseconds.

// A checkpoint on this machine's disk that the trial may go on from.
struct CheckpointFile {
  std::string path;
  int64_t step = 0;  // after which it was saved
};

// What the trainer is to train now. It answers with started, failed or infeasible.
struct StartCommand {
  std::string trial;    // its name in every message about it, until the trainer is free again
  NamedValues options;  // the study's trainer table with the trial's parameters in it
  uint64_t seed = 0;    // the same for every attempt of the trial
  std::string device;   // "cpu" or "cuda:N"
  ResourceUnit resource = ResourceUnit::kEpoch;
  int64_t until = 0;             // train to the end of this step; >= 1
  std::vector<int64_t> hold_at;  // steps after which it waits for a command, its checkpoint saved; ascending
  std::string objective;         // the metric by which it tells its best model
  MetricGoal goal = MetricGoal::kMaximize;
  std::string checkpoint_dir;               // where its checkpoints go; exists
  int64_t checkpoint_interval_ms = 0;       // between periodic checkpoints; 0: only when told
  std::vector<CheckpointFile> checkpoints;  // newest first; it takes the first that it can read, else begins anew
  int64_t elapsed_ms = 0;                   // of training until the newest of them
  bool final_checkpoint = false;            // whether it saves one at the end, before it is done
};

enum class TrialCommand {
  kContinue,  // after a hold
  kPause,     // save a checkpoint and let go of the trial
  kStop,      // let go of it as it is
};

// Each is one line, its end included.
std::string FormatStart(const StartCommand& command);
std::string FormatCommand(TrialCommand command, std::string_view trial);
std::string FormatExit();

using Metrics = std::map<std::string, double>;

// Once, when the program has started: what it is and what it can use.
struct HelloMessage {
  int64_t protocol = 0;  // kTrainerProtocolVersion, or the worker does without it
  std::string trainer;
  std::string version;
  std::string libtorch;
  std::vector<std::string> devices;
  std::string option_table_hash;  // of the options that it knows
  std::string blas;
};
// Training begins.
struct StartedMessage {
  int64_t resumed_step = 0;  // of the checkpoint that it goes on from; 0: from the beginning
  int64_t threads = 0;
  std::string dataset_hash;  // SHA-256 in hex
  std::string device;
};
// A step is measured. At a hold the trainer now waits for a command.
struct MetricsMessage {
  int64_t step = 0;  // >= 1
  Metrics metrics;
  int64_t elapsed_ms = 0;  // of training, earlier attempts that count included
};
// Now and then between measurements; shown, never stored.
struct ProgressMessage {
  double fraction = 0;  // of the way to `until`, in [0, 1]
  int64_t optimizer_step = 0;
  double train_loss = 0;
  double examples_per_second = 0;
};
// A file is complete, synced and never changed afterwards.
struct CheckpointSavedMessage {
  int64_t step = 0;  // >= 0
  std::string path;
  std::string sha256;  // 64 lower-case hex digits
  int64_t size = 0;    // bytes
  bool best = false;   // it is of the best model so far, too
};
// A file about the training, complete, in the trial's checkpoint_dir; from now on the worker's.
struct ArtifactMessage {
  int64_t step = 0;  // >= 0
  std::string name;  // any: a bad one is left out, and no violation of the protocol
  std::string path;
  int64_t size = 0;  // bytes
};
// Each of the following ends the trial: the trainer is free for the next.
struct PausedMessage {
  int64_t step = 0;  // of the checkpoint that it saved
};
struct StoppedMessage {};
// It has come to `until`.
struct DoneMessage {
  int64_t step = 0;
  Metrics metrics;  // of the best model, such as test_accuracy; may be empty
};
// This attempt has failed; another may not.
struct FailedMessage {
  std::string reason;
};
// No attempt of this configuration can do better.
struct InfeasibleMessage {
  std::string reason;
};

struct TrainerMessage {
  std::string trial;  // empty for hello
  std::variant<HelloMessage, StartedMessage, MetricsMessage, ProgressMessage, CheckpointSavedMessage, ArtifactMessage,
               PausedMessage, StoppedMessage, DoneMessage, FailedMessage, InfeasibleMessage>
      body;

  // Whether the trainer is free after it: paused, stopped, done, failed or infeasible.
  bool EndsTrial() const;
};

// 1 to 100 of a-z0-9._-, the first no dot.
bool IsArtifactName(std::string_view name);

// `line` without its end. INVALID_ARGUMENT says what is wrong and quotes at most the first 120 bytes.
absl::StatusOr<TrainerMessage> ParseTrainerMessage(std::string_view line);

// Cuts what a pipe delivers into lines.
class LineSplitter {
 public:
  explicit LineSplitter(size_t max_line_bytes = kMaxLineBytes) : max_line_bytes_(max_line_bytes) {}

  // Appends to `lines` every line that `bytes` completes, without its end. INVALID_ARGUMENT once a line is longer than
  // the limit; the lines before it are delivered, and the splitter must not be used any more.
  absl::Status Append(std::string_view bytes, std::vector<std::string>* lines);

  // What came after the last line end.
  const std::string& rest() const { return rest_; }

 private:
  size_t max_line_bytes_;
  std::string rest_;
};

}  // namespace athanor::session
