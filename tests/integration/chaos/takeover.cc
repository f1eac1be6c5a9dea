#include "tests/integration/chaos/takeover.h"

#include <algorithm>

namespace athanor::chaos {
namespace {

// After a fault a worker or coordinator counts as out of order for so long: it may still be on its way back.
constexpr int64_t kSettleMs = 3000;

struct Death {
  std::string worker;
  int64_t begin_ms = 0;
  int64_t end_ms = 0;
};

struct Interval {
  int64_t begin_ms;
  int64_t end_ms;
};

bool Struck(const std::vector<Outage>& outages, int target, const Interval& interval) {
  return std::ranges::any_of(outages, [&](const Outage& outage) {
    return outage.target == target && outage.begin_ms <= interval.end_ms &&
           (outage.end_ms == 0 || outage.end_ms + kSettleMs >= interval.begin_ms);
  });
}

int FreeForCertain(const std::string& kind, const Interval& interval, const std::vector<Outage>& outages,
                   const TakeoverOptions& options) {
  int slots = 0;
  for (int i = 0; i < static_cast<int>(options.workers.size()); ++i) {
    const WorkerSpec& worker = options.workers[static_cast<size_t>(i)];
    if (worker.kind == kind && !Struck(outages, i, interval)) slots += worker.slots;
  }
  return slots - options.slots_in_use.at(kind);
}

// The place of the attempt under way at `when` on `worker`, or -1.
int FindAttempt(const v1::TrialDetail& trial, const std::string& worker, int64_t when) {
  for (int i = 0; i < trial.attempts_size(); ++i) {
    const v1::Attempt& attempt = trial.attempts(i);
    if (attempt.worker() == worker && attempt.outcome() == v1::ATTEMPT_OUTCOME_LOST &&
        attempt.started_unix_ms() <= when && attempt.ended_unix_ms() >= when) {
      return i;
    }
  }
  return -1;
}

void Measure(const v1::TrialDetail& trial, const std::string& kind, const Death& death,
             const std::vector<Outage>& outages, const TakeoverOptions& options, Takeovers& takeovers) {
  const int place = FindAttempt(trial, death.worker, death.begin_ms);
  if (place < 0 || place + 1 >= trial.attempts_size()) return;
  const int64_t next_ms = trial.attempts(place + 1).started_unix_ms();
  const Interval interval{death.begin_ms, next_ms};
  const bool came_back = death.end_ms != 0 && death.end_ms < next_ms;
  if (came_back || Struck(outages, kCoordinator, interval) || FreeForCertain(kind, interval, outages, options) < 0) {
    ++takeovers.left_out;
    return;
  }
  ++takeovers.measured;
  takeovers.worst_ms = std::max(takeovers.worst_ms, next_ms - death.begin_ms);
}

}  // namespace

Takeovers MeasureTakeovers(const Facts& facts, std::vector<Outage> outages, const std::vector<Silence>& silences,
                           const TakeoverOptions& options) {
  // A worker that is silent takes no trial either.
  for (const Silence& silence : silences) {
    const auto worker = std::ranges::find(options.workers, silence.worker, &WorkerSpec::name);
    outages.push_back(
        {FaultKind::kStopWorker, static_cast<int>(worker - options.workers.begin()), silence.begin_ms, silence.end_ms});
  }
  std::vector<Death> deaths;
  for (const Outage& outage : outages) {
    if (outage.kind != FaultKind::kKillWorker && outage.kind != FaultKind::kStopWorker) continue;
    deaths.push_back({options.workers[static_cast<size_t>(outage.target)].name, outage.begin_ms, outage.end_ms});
  }
  Takeovers takeovers;
  for (const auto& [name, study] : facts) {
    const std::string& kind = study.study.spec().requirements().labels().at("kind");
    for (const TrialFacts& trial : study.trials) {
      for (const Death& death : deaths) Measure(trial.detail, kind, death, outages, options, takeovers);
    }
  }
  return takeovers;
}

}  // namespace athanor::chaos
