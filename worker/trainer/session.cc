#include "worker/trainer/session.h"

#include <unistd.h>

#include <cstdio>
#include <exception>
#include <thread>

#include "base/clock.h"
#include "base/trainer_options.h"
#include "worker/trainer/channel.h"
#include "worker/trainer/messages.h"
#include "worker/trainer/trial_queue.h"
#include "worker/training/run/runtime.h"
#include "worker/training/run/trainer.h"

namespace athanor {
namespace {

constexpr int kBrokenProtocol = 2;

void Log(const std::string& message) { std::fprintf(stderr, "athanor-trainer: %s\n", message.c_str()); }

std::string Text(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.5g", number);
  return text;
}

std::string Text(const training::Metrics& metrics) {
  std::string text;
  for (const auto& [name, value] : metrics) text += " " + name + "=" + Text(value);
  return text;
}

// Without destructors: another thread may be in the middle of LibTorch.
[[noreturn]] void Leave(int status) {
  std::fflush(nullptr);
  _exit(status);
}

// Answers in the name of one trial. A worker that is gone ends the process.
class Answers final : public training::TrainingEvents, public training::TrainingControl {
 public:
  Answers(LineWriter& writer, TrialQueue& queue, const std::string& trial)
      : writer_(writer), queue_(queue), trial_(trial) {}

  void OnStarted(const training::StartReport& report) override {
    Log("trial " + trial_ + ": training on " + report.device + " from step " + std::to_string(report.resumed_step));
    Send(ToLine(trial_, report));
  }
  void OnMetrics(int64_t step, const training::Metrics& metrics, int64_t elapsed_ms) override {
    Log("trial " + trial_ + ": step " + std::to_string(step) + " after " +
        Text(static_cast<double>(elapsed_ms) / 1000) + " s:" + Text(metrics));
    Send(ToLine(trial_, step, metrics, elapsed_ms));
  }
  void OnProgress(const training::ProgressReport& report) override { Send(ToLine(trial_, report)); }
  void OnCheckpointSaved(const training::CheckpointReport& report) override { Send(ToLine(trial_, report)); }
  void OnArtifact(const training::ArtifactReport& report) override { Send(ToLine(trial_, report)); }
  void OnWarning(const std::string& message) override { Log("trial " + trial_ + ": " + message); }
  void OnEnd(const training::TrialResult& result) {
    if (!result.reason.empty()) Log("trial " + trial_ + ": " + result.reason);
    Send(ToLine(trial_, result));
  }

  training::Command Poll() override { return queue_.Poll(); }
  training::Command AwaitAnswer() override { return queue_.Await(); }

 private:
  void Send(const std::string& line) {
    if (!writer_.Write(line)) Leave(0);
  }

  LineWriter& writer_;
  TrialQueue& queue_;
  const std::string& trial_;
};

[[noreturn]] void TrainForever(TrialQueue& queue, LineWriter& writer) {
  const SystemClock clock;
  training::Trainer trainer(clock);
  for (;;) {
    const TrialQueue::Job& job = queue.Next();
    Answers answers(writer, queue, job.trial);
    const training::TrialResult result =
        job.refusal.empty() ? trainer.Run(job.spec, answers, answers)
                            : training::TrialResult{.ending = training::Ending::kFailed, .reason = job.refusal};
    // The queue forgets the trial before the worker hears of its end, so that the next start of the same trial is a new
    // one.
    const std::string trial = job.trial;
    queue.Finish();
    training::ReturnFreedMemory();
    Answers(writer, queue, trial).OnEnd(result);
  }
}

// Returns false on `exit`.
bool Dispatch(IncomingMessage message, TrialQueue& queue) {
  if (auto* start = std::get_if<StartMessage>(&message)) {
    queue.Start(std::move(*start));
  } else if (auto* unusable = std::get_if<UnusableStart>(&message)) {
    queue.Start(std::move(*unusable));
  } else if (const auto* command = std::get_if<CommandMessage>(&message)) {
    if (!queue.Tell(*command)) Log("trial " + command->trial + ": ended before a command for it came");
  } else {
    return false;
  }
  return true;
}

}  // namespace

void RunSession(int read_descriptor, int write_descriptor, const std::string& version) {
  // Never destroyed: the training thread uses them until the process ends.
  auto& queue = *new TrialQueue;
  auto& writer = *new LineWriter(write_descriptor);
  try {
    const std::string blas = training::BlasName();
    if (!training::IsOptimisedBlas(blas)) {
      Log("LibTorch runs on the reference BLAS, several times slower than need be; install libopenblas0-openmp");
    }
    if (!writer.Write(ToLine(HelloMessage{.version = version,
                                          .libtorch = training::LibtorchVersion(),
                                          .devices = training::Devices(),
                                          .option_table_hash = TrainerOptionsHash(),
                                          .blas = blas}))) {
      Log("cannot write to the worker");
      Leave(kBrokenProtocol);
    }
    std::thread([&queue, &writer] { TrainForever(queue, writer); }).detach();
    LineReader reader(read_descriptor);
    while (const std::optional<std::string> line = reader.Read()) {
      if (!Dispatch(ParseMessage(*line), queue)) break;
    }
  } catch (const std::exception& error) {
    Log(error.what());
    Leave(kBrokenProtocol);
  }
  Leave(0);
}

}  // namespace athanor
