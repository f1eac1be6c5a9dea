// What users do with trials: enqueue, retry, cancel, list. SEMANTICS section 2. Owner thread only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/coordinator/state.h"
#include "server/coordinator/transaction.h"

namespace athanor {

enum class TrialOrder { kNumber, kNumberDescending, kBest };

struct TrialFilter {
  std::vector<TrialState> states = {};  // empty = any
  NamedValues parameters = {};          // all must be equal
  std::optional<double> min_best_value = {};
  std::optional<double> max_best_value = {};
  std::string worker = {};  // RUNNING there; empty = any
};

struct TrialPage {
  std::vector<TrialNumber> trials;
  std::optional<int64_t> next_offset;  // nothing follows without it
};

// A study and one of its trials.
struct FoundTrial {
  LiveStudy* study = nullptr;
  TrialNumber number = 0;
  bool repeated = false;  // the request was answered before: nothing was changed
};

class Trials {
 public:
  explicit Trials(State& state) : state_(state) {}

  // Queues a configuration, whole or partial; returns its position. INVALID_ARGUMENT names the parameter that is
  // unknown or refused, and for a grid; FAILED_PRECONDITION if the budget has no room left or the study has ended.
  absl::StatusOr<int64_t> Enqueue(Transaction& tx, const std::string& study, const NamedValues& parameters,
                                  const RequestKey& request);
  // FAILED or CANCELLED -> WAITING; takes a COMPLETED or FAILED study back to ACTIVE. One in which max_failures trials
  // still are FAILED then goes on until the next failure.
  absl::StatusOr<FoundTrial> Retry(Transaction& tx, const std::string& study, TrialNumber trial,
                                   const RequestKey& request);
  // No-op if CANCELLED already; FAILED_PRECONDITION in another finished state.
  absl::StatusOr<FoundTrial> Cancel(Transaction& tx, const std::string& study, TrialNumber trial,
                                    const RequestKey& request);

  // The matching trials of `order` from `offset` on, at most `limit`. O(trials looked at).
  static TrialPage List(const LiveStudy& study, const TrialFilter& filter, TrialOrder order, int64_t offset,
                        int64_t limit);

 private:
  absl::StatusOr<FoundTrial> Open(const std::string& study, TrialNumber trial, const RequestKey& request);
  State& state_;
};

}  // namespace athanor
