#include "worker/training/run/trainer.h"

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <new>
#include <string_view>
#include <utility>

#include "worker/training/data/dataset.h"
#include "worker/training/errors.h"
#include "worker/training/options/options.h"
#include "worker/training/run/runtime.h"
#include "worker/training/run/training_run.h"

namespace athanor::training {
namespace {

// One line that says what went wrong. LibTorch's errors say it first and where it was asked for below; those from
// inside a scripted module the other way round.
std::string Line(std::string text) {
  constexpr std::string_view kFromAModule = "The following operation failed in the TorchScript interpreter";
  while (text.ends_with('\n')) text.pop_back();
  if (text.find(kFromAModule) == std::string::npos) return text.substr(0, text.find('\n'));
  return "the TorchScript module fails: " + text.substr(text.rfind('\n') + 1);
}

TrialResult Ended(Ending ending, const std::string& reason) { return {.ending = ending, .reason = Line(reason)}; }

}  // namespace

struct Trainer::Shared {
  DatasetCache datasets;
};

Trainer::Trainer(const Clock& clock) : clock_(clock), shared_(std::make_unique<Shared>()) {}
Trainer::~Trainer() = default;

TrialResult Trainer::Run(const TrialSpec& spec, TrainingEvents& events, TrainingControl& control) {
  try {
    const TrainingOptions options = ParseTrainingOptions(spec.options);
    const at::Device device = FindDevice(spec.device);
    UseThreads(options.threads);
    TrainingRun run(spec, options, device, shared_->datasets, clock_, events, control);
    return run.Run();
  } catch (const InfeasibleError& error) {
    return Ended(Ending::kInfeasible, error.what());
  } catch (const c10::Error& error) {
    if (IsOutOfMemory(error)) {
      return Ended(Ending::kInfeasible, std::string("out of memory: ") + error.what_without_backtrace());
    }
    return Ended(Ending::kFailed, std::string("LibTorch: ") + error.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    return Ended(Ending::kFailed, "out of memory on the host");
  } catch (const std::exception& error) {
    return Ended(Ending::kFailed, error.what());
  }
}

}  // namespace athanor::training
