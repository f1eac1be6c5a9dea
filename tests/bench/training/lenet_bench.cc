// Images per second of LeNet training through the trainer's own loop, on Fashion-MNIST. compare.py sets it against
// PyTorch.
//
// usage: lenet_bench [steps] [threads] [batch size]
//
// Prints one JSON object: images a second by the clock and by processor time (which other load on the machine disturbs
// less), and how long gathering one batch takes.
#include <ATen/ops/randint.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>

#include "worker/training/data/dataset.h"
#include "worker/training/run/runtime.h"
#include "worker/training/run/trainer.h"

namespace athanor::training {
namespace {

constexpr int64_t kWarmUpSteps = 10;

struct Reading {
  double wall = 0;       // s
  double processor = 0;  // s, all threads
};

Reading ReadClocks() {
  timespec processor;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &processor);
  return {std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(),
          static_cast<double>(processor.tv_sec) + 1e-9 * static_cast<double>(processor.tv_nsec)};
}

// The trainer asks for a command after every optimiser step: that is where this takes the time, and where it stops.
class Stopwatch final : public TrainingEvents, public TrainingControl {
 public:
  explicit Stopwatch(int64_t steps) : steps_(steps) {}

  void OnStarted(const StartReport&) override {}
  void OnMetrics(int64_t, const Metrics&, int64_t) override {}
  void OnProgress(const ProgressReport&) override {}
  void OnCheckpointSaved(const CheckpointReport&) override {}
  void OnArtifact(const ArtifactReport&) override {}
  void OnWarning(const std::string& message) override { std::fprintf(stderr, "%s\n", message.c_str()); }
  Command Poll() override {
    ++polls_;
    if (polls_ == kWarmUpSteps) start = ReadClocks();
    if (polls_ < kWarmUpSteps + steps_) return Command::kNone;
    end = ReadClocks();
    return Command::kStop;
  }
  Command AwaitAnswer() override { return Command::kStop; }

  Reading start;
  Reading end;

 private:
  int64_t steps_;
  int64_t polls_ = 0;
};

double GatherMilliseconds(const DataOptions& options, int64_t batch_size) {
  DatasetCache cache;
  const auto dataset = cache.Get(options, TaskKind::kClassification, at::kCPU, 1, [] {});
  constexpr int kRepeats = 500;
  const Reading start = ReadClocks();
  for (int i = 0; i < kRepeats; ++i) {
    const at::Tensor indices = at::randint(dataset->training_part.count(), {batch_size}, at::kLong);
    GatherBatch(*dataset, dataset->training_part, indices, at::kCPU);
  }
  return 1000 * (ReadClocks().processor - start.processor) / kRepeats;
}

int Run(int64_t steps, int64_t threads, int64_t batch_size) {
  KeepFreedMemory();
  TrialSpec spec;
  spec.options = {{"learning_rate", 0.05}, {"momentum", 0.9}, {"batch_size", batch_size}, {"threads", threads}};
  spec.resource = Resource::kStep;
  spec.until = kWarmUpSteps + steps + 1;  // stopped before it is reached, and so never evaluated
  spec.options["steps"] = spec.until;
  spec.options["evaluation_interval"] = spec.until;
  spec.checkpoint_dir = std::filesystem::temp_directory_path();
  Stopwatch stopwatch(steps);
  const SystemClock clock;
  Trainer trainer(clock);
  const TrialResult result = trainer.Run(spec, stopwatch, stopwatch);
  if (result.ending != Ending::kStopped) {
    std::fprintf(stderr, "lenet_bench: %s\n", result.reason.c_str());
    return 1;
  }
  const auto images = static_cast<double>(steps * batch_size);
  std::printf(
      "{\"loop\": \"athanor\", \"images_per_second\": %.0f, \"images_per_cpu_second\": %.0f, \"gather_ms\": %.3f, "
      "\"blas\": \"%s\"}\n",
      images / (stopwatch.end.wall - stopwatch.start.wall),
      images / (stopwatch.end.processor - stopwatch.start.processor), GatherMilliseconds({}, batch_size),
      BlasName().c_str());
  return 0;
}

int64_t Argument(int argc, char** argv, int index, int64_t otherwise) {
  const int64_t value = index < argc ? std::atoll(argv[index]) : otherwise;
  if (value < 1) {
    std::fprintf(stderr, "usage: lenet_bench [steps] [threads] [batch size]\n");
    std::exit(2);
  }
  return value;
}

}  // namespace
}  // namespace athanor::training

int main(int argc, char** argv) {
  using athanor::training::Argument;
  return athanor::training::Run(Argument(argc, argv, 1, 200), Argument(argc, argv, 2, 1), Argument(argc, argv, 3, 128));
}
