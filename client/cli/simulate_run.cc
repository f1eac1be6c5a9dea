#include "client/cli/simulate_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <thread>
#include <utility>

#include "base/mutex.h"

namespace athanor::cli {
namespace {

// Hands simulations out and takes results in. Thread-safe.
class Board {
 public:
  Board(std::span<const std::unique_ptr<Task>> tasks, std::span<const Policy> policies, const RunOptions& options)
      : tasks_(tasks), policies_(policies), options_(options) {
    for (const int64_t workers : options.workers) {
      for (size_t policy = 0; policy < policies.size(); ++policy) {
        for (size_t task = 0; task < tasks.size(); ++task) cells_.push_back({task, policy, workers, {}});
      }
    }
    for (Cell& cell : cells_) cell.by_seed.resize(static_cast<size_t>(options.seeds));
  }

  // Until nothing is left, or something failed.
  void Work() {
    const int64_t seeds = options_.seeds;
    const int64_t all = static_cast<int64_t>(cells_.size()) * seeds;
    for (int64_t index; !failed_ && (index = next_++) < all;) {
      Cell& cell = cells_[static_cast<size_t>(index / seeds)];
      SimulationOptions simulation = options_.simulation;
      simulation.cluster.workers = cell.workers;
      simulation.seed = static_cast<uint64_t>(index % seeds);
      std::string log;
      absl::StatusOr<SimulationResult> result =
          Simulate(*tasks_[cell.task], policies_[cell.policy], simulation, options_.log == nullptr ? nullptr : &log);
      if (result.ok()) cell.by_seed[simulation.seed] = *std::move(result);
      Done(index, all, result.status(), Title(cell, simulation.seed) + std::move(log));
    }
  }

  absl::StatusOr<std::vector<Cell>> Result() && {
    const MutexLock lock(mutex_);
    if (!errors_.empty()) return errors_.begin()->second;
    return std::move(cells_);
  }

 private:
  std::string Title(const Cell& cell, uint64_t seed) const {
    return fmt::format("simulation {} {} workers {} seed {}\n", tasks_[cell.task]->name(), policies_[cell.policy].name,
                       cell.workers, seed);
  }

  void Done(int64_t index, int64_t all, const absl::Status& status, std::string log) {
    const MutexLock lock(mutex_);
    ++done_;
    if (!status.ok()) {
      failed_ = true;
      errors_.emplace(index, status);
      return;
    }
    if (options_.log != nullptr) {
      logs_.emplace(index, std::move(log));
      for (; !logs_.empty() && logs_.begin()->first == next_log_; ++next_log_) {
        *options_.log << logs_.begin()->second;
        logs_.erase(logs_.begin());
      }
    }
    if (options_.progress) options_.progress(done_, all);
  }

  const std::span<const std::unique_ptr<Task>> tasks_;
  const std::span<const Policy> policies_;
  const RunOptions& options_;
  std::vector<Cell> cells_;  // each result is written by one thread, and read when all have ended
  std::atomic<int64_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  Mutex mutex_;
  int64_t done_ ATHANOR_GUARDED_BY(mutex_) = 0;
  std::map<int64_t, absl::Status> errors_ ATHANOR_GUARDED_BY(mutex_);
  std::map<int64_t, std::string> logs_ ATHANOR_GUARDED_BY(mutex_);  // that wait for earlier ones
  int64_t next_log_ ATHANOR_GUARDED_BY(mutex_) = 0;
};

}  // namespace

absl::StatusOr<std::vector<Cell>> RunAll(std::span<const std::unique_ptr<Task>> tasks, std::span<const Policy> policies,
                                         const RunOptions& options) {
  Board board(tasks, policies, options);
  {
    std::vector<std::jthread> threads;
    for (int job = 1; job < options.jobs; ++job) threads.emplace_back([&board] { board.Work(); });
    board.Work();
  }
  return std::move(board).Result();
}

}  // namespace athanor::cli
