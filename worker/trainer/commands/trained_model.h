// What the commands share: the model of a checkpoint, and where its data are.
#pragma once

#include <string>
#include <vector>

#include "worker/trainer/commands/arguments.h"
#include "worker/training/run/saved_model.h"

namespace athanor {

struct TrainedModel {
  training::SavedModel saved;
  at::Device device;
  training::DataOptions data;
};

// What the model is for: kApply runs it where --device or the trial says, as mixed as in training; kExport hands it on,
// on the CPU in 32 bits.
enum class Use { kApply, kExport };

// Reads --checkpoint, --trial, --data-dir and --device. The trial's file (JSON: `options`, `device`) is what the client
// knows of the trial: where its data are, and by its options that the checkpoint is the trial's. Sets the threads that
// the options name. Throws UsageError, std::runtime_error with a message for people, and the errors of LoadSavedModel.
TrainedModel LoadTrainedModel(const Arguments& arguments, Use use);

// Prints "athanor-trainer COMMAND: what" of the exception that is being handled and returns 1; lets UsageError pass.
int ReportException(const char* command);

// Runs a command. An error of its body becomes a line on standard error and exit status 1; UsageError passes.
int Guarded(const char* command, const auto& body) {
  try {
    body();
    return 0;
  } catch (...) {
    return ReportException(command);
  }
}

}  // namespace athanor
