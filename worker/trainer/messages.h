// The messages of the trainer protocol (worker/TRAINER_PROTOCOL.md) as C++ values, and their JSON.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "worker/training/run/trainer.h"

namespace athanor {

constexpr int kTrainerProtocolVersion = 1;
constexpr size_t kMaxLineBytes = 1 << 20;  // the newline not counted

// The other side does not speak the protocol: nothing after this line can be trusted.
class ProtocolError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct StartMessage {
  std::string trial;
  training::TrialSpec spec;
};
// A `start` that names its trial but cannot be understood otherwise: answered with `failed`.
struct UnusableStart {
  std::string trial;
  std::string reason;
};
struct CommandMessage {
  std::string trial;
  training::Command command;
};
struct ExitMessage {};
using IncomingMessage = std::variant<StartMessage, UnusableStart, CommandMessage, ExitMessage>;

// Unknown keys are ignored. Throws ProtocolError if the line is not a JSON object, has an unknown or no `type`, or
// lacks its `trial`.
IncomingMessage ParseMessage(std::string_view line);

struct HelloMessage {
  std::string version;
  std::string libtorch;
  std::vector<std::string> devices;
  std::string option_table_hash;
  std::string blas;
};

// One line each, without the newline. Non-finite numbers become the strings "nan", "inf" and "-inf"; text that is not
// UTF-8 is mended.
std::string ToLine(const HelloMessage& hello);
std::string ToLine(const std::string& trial, const training::StartReport& report);
std::string ToLine(const std::string& trial, int64_t step, const training::Metrics& metrics, int64_t elapsed_ms);
// `train_loss` is "nan" while there is none.
std::string ToLine(const std::string& trial, const training::ProgressReport& report);
std::string ToLine(const std::string& trial, const training::CheckpointReport& report);
std::string ToLine(const std::string& trial, const training::ArtifactReport& report);
// `paused`, `stopped`, `done`, `failed` or `infeasible`.
std::string ToLine(const std::string& trial, const training::TrialResult& result);

}  // namespace athanor
