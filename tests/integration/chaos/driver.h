// Workers that are threads of the test: they speak the worker service by hand, through networks that fail, and write
// down everything that the coordinator acknowledged.
//
// They are worse company than athanor-worker: they say things twice, and old things after newer ones, and some of them
// fall silent in the middle of a trial and come back when their lease has gone to another.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"

namespace athanor::chaos {

struct DriverOptions {
  std::vector<std::string> addresses;  // of the coordinator, one for each worker
  uint64_t seed = 0;
  Duration lease{};
  Duration step{};  // pause between two reports
  // How often (0 ... 1) a call is made twice, and a trial is left without a word.
  double repeats = 0;
  double silences = 0;
};

// The label `kind` that studies require to be run by the driver, and the metric that tells whose report a row is.
inline constexpr char kDrivenKind[] = "driven";
inline constexpr char kTokenMetric[] = "token";

// Of the driver's worker number `number`, from 0.
std::string DrivenName(int number);

struct AcknowledgedReport {
  int64_t trial = 0;
  int64_t token = 0;
  int64_t step = 0;
  double value = 0;
};

// A worker fell silent. Unix milliseconds.
struct Silence {
  std::string worker;
  int64_t begin_ms = 0;
  int64_t end_ms = 0;
};

struct DriverLog {
  std::vector<AcknowledgedReport> reports;
  std::vector<int64_t> completed;  // trials whose finish was acknowledged
  std::vector<Silence> silences;
  int64_t repeats = 0;                 // calls made again although they were answered
  int64_t fenced = 0;                  // late reports and finishes refused
  std::vector<std::string> surprises;  // answers that no coordinator may give
};

class Driver {
 public:
  // Starts a thread for each address.
  explicit Driver(const DriverOptions& options);
  ~Driver();

  // Ends the threads, within seconds, and returns what they wrote down.
  DriverLog Stop();

 private:
  class Worker;

  const DriverOptions options_;
  std::atomic<bool> stopping_ = false;
  Mutex mutex_;
  DriverLog log_ ATHANOR_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace athanor::chaos
