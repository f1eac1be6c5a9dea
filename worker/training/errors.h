// What can go wrong in training, by what the caller should do about it. This library throws these and LibTorch's own;
// Trainer::Run catches all of them, so that only tests and other tools of the library see them.
#pragma once

#include <stdexcept>
#include <string>

namespace athanor::training {

// The configuration itself cannot work, on any machine: trying again is of no use.
class InfeasibleError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A data file is missing, truncated or not what it should be. The message names the file and, where there is one, the
// offset.
class DataError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A checkpoint cannot be written, or cannot be read back whole. The message names the file.
class CheckpointError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace athanor::training
