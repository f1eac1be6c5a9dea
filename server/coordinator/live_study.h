// One study in memory: every fact that decisions need, kept up to date change by change. Each transition of a trial or
// of the study is one method here that changes memory and, in the same breath, appends the change for the store;
// nothing else writes either.
//
// Rebuilt from a StudyImage at start and after a failed commit. Owner thread only.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "boost/container/flat_set.hpp"
#include "server/coordinator/checkpoint_index.h"
#include "server/coordinator/live_attempts.h"
#include "server/coordinator/transaction.h"
#include "server/core/history.h"
#include "server/core/ladder.h"
#include "server/core/order_statistics.h"
#include "server/core/search_space.h"
#include "server/core/trial.h"
#include "server/core/trial_map.h"
#include "server/search/search_method.h"
#include "server/stopping/stopping_rule.h"
#include "server/store/store.h"

namespace athanor {

// A finished state that `trial retry` leads out of.
constexpr bool MayBeRetried(TrialState state) {
  return state == TrialState::kFailed || state == TrialState::kCancelled;
}

// How a worker has done with a study lately. In a row means: in order of tokens, which is how the store tells it too.
struct WorkerFailures {
  Token last_success = 0;
  std::map<Token, TrialNumber> since;  // FAILED attempts with larger tokens that are not forgiven
};

// Makes the method of a study: CreateSearchMethod, or something around it.
using SearchMethodFactory =
    std::function<absl::StatusOr<std::unique_ptr<SearchMethod>>(const StudySpec& spec, const SearchSpace& space)>;

// What a study asks of its search method for its next new trial.
struct SuggestionRequest {
  int64_t index = 0;
  Configuration fixed;  // what an enqueued configuration prescribes; empty: nothing
  bool operator==(const SuggestionRequest&) const = default;
};

class LiveStudy {
 public:
  // `store` is read for the curves of unfinished trials and, if the rule compares with history, of completed ones. Live
  // attempts get a full `lease` from `now` on. INTERNAL if the image contradicts itself.
  static absl::StatusOr<std::unique_ptr<LiveStudy>> Load(StudyImage image, Store& store, MonotonicTime now,
                                                         Duration lease, const SearchMethodFactory& create_search);

  // ---- Facts ----
  const StudyRecord& record() const { return record_; }
  StudyId id() const { return record_.id; }
  const StudySpec& spec() const { return record_.spec; }
  const SearchSpace& space() const { return searcher_->space; }
  const StoppingRule* rule() const { return rule_.get(); }  // null without early stopping
  std::span<const Trial> trials() const { return trials_; }
  const Trial& trial(TrialNumber number) const { return trials_[static_cast<size_t>(number)]; }
  bool HasTrial(TrialNumber number) const { return number >= 0 && number < static_cast<int64_t>(trials_.size()); }
  int64_t Count(TrialState state) const { return counts_[static_cast<size_t>(state)]; }
  // nullptr unless the trial is RUNNING.
  const LiveAttempt* live(TrialNumber number) const { return live_.Find(number); }
  const LiveAttempts& live_attempts() const { return live_; }
  const Ladder& ladder() const { return ladder_; }
  // A rung of the ladder that the trial climbs.
  const Rung& rung(const Trial& trial, int64_t rung) const { return ladder_.rung(LadderOf(trial), rung); }
  StoppingView stopping_view() const {
    return {ladder_, history_, static_cast<int64_t>(trials_.size()), TrialsTotal()};
  }
  SearchView search_view() const;
  // Trials of earlier studies that it started from.
  std::span<const PriorTrial> prior() const { return prior_; }
  // Registered checkpoints of a trial, newest first.
  const std::vector<Checkpoint>& checkpoints(TrialNumber number) const { return checkpoints_.of(number); }
  const CheckpointIndex& checkpoint_index() const { return checkpoints_; }
  // Of a trial that is unfinished or may be retried; empty for others.
  std::span<const CurvePointInMemory> curve(TrialNumber number) const;
  // The best value until each point of the curve, oriented. Empty unless the rule compares a trial with itself.
  std::span<const double> bests(TrialNumber number) const;
  // Starts to fetch the trial and its live attempt into the processor's cache.
  void Prefetch(TrialNumber number) const;
  // Trials that have a value, best first.
  const OrderStatistics& ranking() const { return ranking_; }
  // Those of them that have ended.
  const OrderStatistics& ended_ranking() const { return ended_ranking_; }
  const std::deque<EnqueuedConfiguration>& enqueued() const { return enqueued_; }
  const boost::container::flat_set<TrialNumber>& waiting() const { return waiting_; }
  // The worker whose attempt of this trial failed last; empty if none.
  const std::string& failed_on(TrialNumber number) const;
  bool IsBarred(const std::string& worker) const;
  // RUNNING trials that are finalists.
  int64_t running_finalists() const { return running_finalists_; }
  // Trials COMPLETED at max_resource.
  int64_t completed_at_max() const { return completed_at_max_; }
  int64_t max_resource() const { return max_resource_; }
  // Steps that this trial trains for: its own `epochs` (or `steps`) where tuned, at most max_resource().
  int64_t UntilStep(const Trial& trial) const;
  // Trials it will create; nullopt = no end but time or target.
  std::optional<int64_t> TrialsTotal() const;
  // Trials that may still be created, enqueued ones included.
  bool MayCreateTrial() const;
  // Nothing if the next configuration is enqueued whole.
  std::optional<SuggestionRequest> NextSuggestion() const;
  bool SuggestsSlowly() const { return searcher_->method->IsSlow(); }
  // What computes the answer to `request` from what the study knows now: once, on any thread, whatever becomes of the
  // study meanwhile. A light pass over the trials.
  SearchMethod::Work PrepareSuggestion(const SuggestionRequest& request) const;

  // ---- The study ----
  void SetState(Transaction& tx, StudyState state, std::string reason);
  // Milliseconds ACTIVE until `now`, those not yet written included.
  int64_t ActiveMs(MonotonicTime now) const;
  // Has them written. Does not count as a change: the revision stays.
  void CountActiveTime(Transaction& tx);
  // Returns its position in the queue, 0 = next.
  int64_t Enqueue(Transaction& tx, Configuration fixed);
  // Puts another budget and priority in force. What that means for its state is up to the caller.
  void Update(Transaction& tx, const BudgetOptions& budget, int64_t priority);
  // Reads the curves of completed trials that a rule compares with, which a study that has ended does not keep: before
  // it goes back to ACTIVE. No-op if they are there, or not needed.
  absl::Status LoadHistory(Store& store);
  // Writes out what became dirty: one row of the study and one of each trial. Once a group.
  void Flush(Transaction& tx);

  // ---- Trials ----
  // A new trial, WAITING: from the queue of enqueued configurations if there is one, else the next suggestion.
  // `suggested`: the answer to NextSuggestion() if it was computed elsewhere; without it, it is computed here.
  TrialNumber CreateTrial(Transaction& tx, std::optional<Configuration> suggested = std::nullopt);
  // Who is given a trial, under which token and until when.
  struct Holder {
    Token token = 0;
    std::string worker;
    uint64_t acquire_sequence = 0;
    MonotonicTime expires{};
  };
  void StartAttempt(Transaction& tx, TrialNumber number, const Holder& holder);
  LiveAttempt* mutable_live(TrialNumber number) { return live_.Find(number); }
  // Its first report: the step it goes on from. Archives rows past it, and removes earlier attempts' checkpoints past
  // it.
  void ResumeAttempt(Transaction& tx, TrialNumber number, int64_t resumed_step, Environment environment);
  // Stores a measurement of the live attempt, or the metrics of it that are new.
  void AddMeasurement(Transaction& tx, TrialNumber number, const Measurement& measurement);
  void RecordDecision(Transaction& tx, TrialNumber number, const ObjectiveValue& value,
                      const StoppingDecision& decision);
  // The decision that a paused trial goes on; it is leased already.
  void RecordPromotion(Transaction& tx, const Promotion& promotion);
  void EnterRungs(Transaction& tx, TrialNumber number, Token token, const std::vector<EnteredRung>& entered);
  // Ends the live attempt and puts the trial into `next`. `reason` goes to the attempt, and to the trial if `next` is a
  // finished state.
  void EndAttempt(Transaction& tx, TrialNumber number, AttemptOutcome outcome, TrialState next, std::string reason);
  // Of a trial that is not RUNNING.
  void SetTrialState(Transaction& tx, TrialNumber number, TrialState next, std::string reason);
  // The live attempt is about to end as FAILED: counts against the trial, unless it moved the newest checkpoint
  // forward, and against the worker, unless its token is below `trusted_from`.
  void CountFailure(Transaction& tx, TrialNumber number, Token trusted_from);
  // The worker's attempt with this token is about to end as a success.
  void CountSuccess(const std::string& worker, Token token);
  // Failures of the worker with tokens below `trusted_from` count no longer. Whether there were any.
  bool ForgiveFailures(const std::string& worker, Token trusted_from);
  // PAUSED -> WAITING to be leased at once: promoted from its rung, or as a finalist that pauses no more.
  enum class Resumption { kPromotion, kFinalist };
  void Resume(Transaction& tx, const Promotion& promotion, Resumption kind);
  // Nobody is promoted any more: every PAUSED trial is about to end. Saves ending each of them a search among all.
  void StopPromoting() { ladder_.StopAllWaiting(); }
  // FAILED or CANCELLED -> WAITING.
  void Retry(Transaction& tx, TrialNumber number);
  void PutFinalMetrics(Transaction& tx, TrialNumber number, std::vector<Metric> metrics);
  void AddCheckpoint(Transaction& tx, const Checkpoint& checkpoint);
  void RemoveCheckpoint(Transaction& tx, const Checkpoint& checkpoint);

 private:
  LiveStudy() = default;
  void Touch(Transaction& tx);
  void TouchTrial(Transaction& tx, TrialNumber number);
  void MoveTrial(TrialNumber number, TrialState next);
  void IndexPause(const Trial& trial);
  void IndexEnd(const Trial& trial);
  void Index(const Trial& trial);
  // nullptr if it has none.
  const CurveInMemory* FindCurve(TrialNumber number) const;
  void AddPoint(CurveInMemory& curve, const CurvePointInMemory& point) const;
  void AddValue(Trial& trial, CurveInMemory& curve, const CurvePointInMemory& point);
  int64_t LadderOf(const Trial& trial) const { return rule_ == nullptr ? 0 : rule_->LadderOf(trial.bracket); }
  // A trial is there that will climb the rungs, if the rule has any.
  void JoinLadder(const Trial& trial);
  bool ComparesWithHistory() const { return rule_ != nullptr && rule_->ComparesWithCompleted(); }
  static bool Forgive(WorkerFailures& failures, Token trusted_from);
  // A trial has COMPLETED; its curve is still in memory.
  void AddToHistory(TrialNumber number);
  absl::Status LoadCurves(Store& store);
  absl::Status LoadAttempts(StudyImage& image, MonotonicTime now, Duration lease);
  Trial& mutable_trial(TrialNumber number) { return trials_[static_cast<size_t>(number)]; }
  double Oriented(double value) const;
  double Unoriented(double oriented) const;  // NaN stays NaN

  StudyRecord record_;
  MonotonicTime counted_until_{};  // while ACTIVE: record_.active_ms holds the time until then
  // A method and the space that it refers to, shared with the work that it prepared.
  struct Searcher {
    SearchSpace space;
    std::unique_ptr<SearchMethod> method;
  };
  std::shared_ptr<const Searcher> searcher_;
  std::unique_ptr<StoppingRule> rule_;
  std::vector<int64_t> rungs_;  // steps of the rule's rungs, lowest first
  std::vector<PriorTrial> prior_;
  int64_t max_resource_ = 0;

  std::vector<Trial> trials_;  // by number
  std::array<int64_t, 8> counts_ = {};
  boost::container::flat_set<TrialNumber> waiting_;
  LiveAttempts live_;
  TrialMap<CurveInMemory> curves_;  // of trials that are not leased
  CheckpointIndex checkpoints_;
  std::unordered_map<TrialNumber, std::string> failed_on_;
  absl::flat_hash_map<std::string, WorkerFailures> failures_;  // by worker
  Ladder ladder_;
  CompletedHistory history_;
  bool history_is_loaded_ = false;  // what had COMPLETED before Load is in it
  OrderStatistics ranking_;
  OrderStatistics ended_ranking_;
  std::deque<EnqueuedConfiguration> enqueued_;
  int64_t next_suggestion_ = 0;
  int64_t next_enqueued_ = 1;
  int64_t running_finalists_ = 0;
  int64_t completed_at_max_ = 0;

  std::vector<TrialNumber> dirty_trials_;  // in the order in which they changed, with repeats
  bool dirty_ = false;
};

}  // namespace athanor
