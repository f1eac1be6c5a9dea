// What makes two attempts attempts of one trial.
#pragma once

#include <string>

#include "worker/training/data/dataset.h"
#include "worker/training/options/options.h"
#include "worker/training/run/trainer.h"

namespace athanor::training {

// A text equal for all attempts of a trial and for nothing else: its seed, data and options, and what is in the files
// that its options name, for the scripted module and the teacher are read again by every attempt. Where the data lie
// takes no part. Throws DataError if one of the files cannot be read.
std::string TrialIdentity(const TrialSpec& spec, const TrainingOptions& options, const Dataset& dataset);

// The part of it that tells of one such file. Throws DataError if it cannot be read or is no file.
std::string FileIdentity(const std::string& path);

}  // namespace athanor::training
