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

struct CheckpointFile {
  std::string path;
  int64_t step = 0;
};

struct StartCommand {
  std::string trial;
  NamedValues options;
  uint64_t seed = 0;
  std::string device;  // "cpu" or "cuda:N"
  ResourceUnit resource = ResourceUnit::kEpoch;
  int64_t until = 0;
  std::vector<int64_t> hold_at;  // ascending
  std::string objective;
  MetricGoal goal = MetricGoal::kMaximize;
  std::string checkpoint_dir;
  int64_t checkpoint_interval_ms = 0;
  std::vector<CheckpointFile> checkpoints;  // newest first
  int64_t elapsed_ms = 0;
};

enum class TrialCommand { kContinue, kPause, kStop };

// Each is one line, its end included.
std::string FormatStart(const StartCommand& command);
std::string FormatCommand(TrialCommand command, std::string_view trial);
std::string FormatExit();

using Metrics = std::map<std::string, double>;

struct HelloMessage {
  int64_t protocol = 0;
  std::string trainer;
  std::string version;
  std::string libtorch;
  std::vector<std::string> devices;
  std::string option_table_hash;
  std::string blas;
};
struct StartedMessage {
  int64_t resumed_step = 0;  // >= 0
  int64_t threads = 0;
  std::string dataset_hash;
  std::string device;
};
struct MetricsMessage {
  int64_t step = 0;  // >= 1
  Metrics metrics;
  int64_t elapsed_ms = 0;
};
struct ProgressMessage {
  double fraction = 0;
  int64_t optimizer_step = 0;
  double train_loss = 0;
  double examples_per_second = 0;
};
struct CheckpointSavedMessage {
  int64_t step = 0;  // >= 0
  std::string path;
  std::string sha256;  // 64 lower-case hex digits
  int64_t size = 0;
  bool best = false;
};
struct PausedMessage {
  int64_t step = 0;
};
struct StoppedMessage {};
struct DoneMessage {
  int64_t step = 0;
  Metrics metrics;
};
struct FailedMessage {
  std::string reason;
};
struct InfeasibleMessage {
  std::string reason;
};

struct TrainerMessage {
  std::string trial;  // empty for hello
  std::variant<HelloMessage, StartedMessage, MetricsMessage, ProgressMessage, CheckpointSavedMessage, PausedMessage,
               StoppedMessage, DoneMessage, FailedMessage, InfeasibleMessage>
      body;

  // After it the trainer is free: paused, stopped, done, failed or infeasible.
  bool EndsTrial() const;
};

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
