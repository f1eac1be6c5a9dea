// Time of an optimiser step through the trainer's own loop, on Fashion-MNIST, and where it goes. compare.py sets it
// against PyTorch.
//
// usage: training_bench [model] [steps] [threads] [batch size]
//
// Prints one JSON object: milliseconds a step by the clock and by processor time (which other load on the machine
// disturbs less), and the same of the parts of a step.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/bench/training/step_parts.h"
#include "tests/bench/training/stopwatch.h"
#include "worker/training/run/runtime.h"
#include "worker/training/run/trainer.h"

namespace athanor::training {
namespace {

constexpr int64_t kWarmUpSteps = 10;

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
    if (polls_ == kWarmUpSteps) start_ = ReadClocks();
    if (polls_ < kWarmUpSteps + steps_) return Command::kNone;
    taken_ = ReadClocks() - start_;
    return Command::kStop;
  }
  Command AwaitAnswer() override { return Command::kStop; }

  const Reading& taken() const { return taken_; }

 private:
  int64_t steps_;
  int64_t polls_ = 0;
  Reading start_;
  Reading taken_;
};

void PrintPart(const char* name, const Reading& sum, int64_t steps) {
  std::printf(", \"%s_ms\": %.4f, \"%s_cpu_ms\": %.4f", name, 1000 * sum.wall / static_cast<double>(steps), name,
              1000 * sum.processor / static_cast<double>(steps));
}

int Run(const std::string& model, int64_t steps, int64_t threads, int64_t batch_size) {
  KeepFreedMemory();
  TrialSpec spec;
  spec.options = {
      {"model", model}, {"learning_rate", 0.05}, {"momentum", 0.9}, {"batch_size", batch_size}, {"threads", threads}};
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
    std::fprintf(stderr, "training_bench: %s\n", result.reason.c_str());
    return 1;
  }
  const StepParts parts = MeasureStepParts(spec.options, steps);
  std::printf("{\"loop\": \"athanor\", \"blas\": \"%s\", \"parameters\": %lld", BlasName().c_str(),
              static_cast<long long>(parts.parameters));
  PrintPart("step", stopwatch.taken(), steps);
  PrintPart("gather", parts.gather, steps);
  PrintPart("augment", parts.augment, steps);
  PrintPart("forward", parts.forward, steps);
  PrintPart("backward", parts.backward, steps);
  PrintPart("update", parts.update, steps);
  std::printf("}\n");
  return 0;
}

int64_t Argument(int argc, char** argv, int index, int64_t otherwise) {
  const int64_t value = index < argc ? std::atoll(argv[index]) : otherwise;
  if (value < 1) {
    std::fprintf(stderr, "usage: training_bench [model] [steps] [threads] [batch size]\n");
    std::exit(2);
  }
  return value;
}

}  // namespace
}  // namespace athanor::training

int main(int argc, char** argv) {
  using athanor::training::Argument;
  return athanor::training::Run(argc > 1 ? argv[1] : "lenet", Argument(argc, argv, 2, 200), Argument(argc, argv, 3, 2),
                                Argument(argc, argv, 4, 128));
}
