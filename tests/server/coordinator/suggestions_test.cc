// Slow search methods: their suggestions are computed elsewhere, and nobody waits for them but those who need one.
#include "server/coordinator/suggestions.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>

#include "absl/strings/str_cat.h"
#include "tests/testing/coordinator_fixture.h"

namespace athanor::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Suggests learning_rate = 0.1 + index / 1000 + 0.0001 for every trial that there was when it was prepared.
class SlowMethod final : public SearchMethod {
 public:
  explicit SlowMethod(const SearchSpace& space) : space_(space) {}
  std::string_view name() const override { return "slow"; }
  bool IsSlow() const override { return true; }
  Configuration Suggest(const SearchView& view, int64_t index, const Configuration& fixed) const override {
    Configuration configuration = fixed.empty() ? Configuration(space_.size()) : fixed;
    if (!configuration[0].has_value()) {
      configuration[0] = 0.1 + static_cast<double>(index) / 1000 + 0.0001 * static_cast<double>(view.trials.size());
    }
    if (space_.size() > 1 && !configuration[1].has_value()) configuration[1] = std::string("sgd");
    return configuration;
  }

 private:
  const SearchSpace& space_;
};

// Threads that do their work when the test says so, first in, first out.
class ManualPool {
 public:
  SearchPool Hooks() {
    return {.run = [this](std::function<void()> work) { queue_.push_back(std::move(work)); },
            .wake = [this] { ++woken_; }};
  }
  size_t queued() const { return queue_.size(); }
  int woken() const { return woken_; }
  void RunOne() {
    ASSERT_FALSE(queue_.empty());
    const auto work = std::move(queue_.front());
    queue_.pop_front();
    work();
  }

 private:
  std::deque<std::function<void()>> queue_;
  int woken_ = 0;
};

CoordinatorOptions WithSlowMethods() {
  CoordinatorOptions options;
  options.create_search = [](const StudySpec& spec,
                             const SearchSpace& space) -> absl::StatusOr<std::unique_ptr<SearchMethod>> {
    if (spec.description != "slow") return CreateSearchMethod(spec, space);
    return std::make_unique<SlowMethod>(space);
  };
  return options;
}

StudySpec Slow(StudySpec spec) {
  spec.description = "slow";
  return spec;
}

class SuggestionsTest : public ::testing::Test {
 protected:
  SuggestionsTest() : coordinator_(WithSlowMethods()) { UsePool(); }
  void UsePool() { coordinator_.coordinator().UseSearchPool(pool_.Hooks()); }
  // The pool does its oldest work, and the owner has a group.
  void Compute() {
    pool_.RunOne();
    ASSERT_TRUE(coordinator_.Tick().ok());
  }
  double LearningRate(StudyId study, TrialNumber trial) {
    return std::get<double>(*coordinator_.trial(study, trial).configuration[0]);
  }

  ManualPool pool_;
  TestCoordinator coordinator_;
};

TEST_F(SuggestionsTest, WaitingWorkerIsServedWhenTheSuggestionArrives) {
  const StudyId study = coordinator_.Create(Slow(SmallStudy("a", 5)));
  coordinator_.Register("w");
  const auto poll = coordinator_.Park("w", std::chrono::seconds(20));
  EXPECT_FALSE(poll->answer.has_value());
  ASSERT_EQ(pool_.queued(), 1);
  EXPECT_EQ(pool_.woken(), 0);
  Compute();
  EXPECT_EQ(pool_.woken(), 1);
  ASSERT_TRUE(poll->leased());
  EXPECT_EQ(coordinator_.trial(study, 0).suggestion_index, 0);
  EXPECT_DOUBLE_EQ(LearningRate(study, 0), 0.1);
  EXPECT_EQ(pool_.queued(), 0);  // nobody needs another
}

TEST_F(SuggestionsTest, WorkerThatDoesNotWaitFindsTheSuggestionLater) {
  const StudyId study = coordinator_.Create(Slow(SmallStudy("a", 5)));
  coordinator_.Register("w");
  EXPECT_THAT(coordinator_.Acquire("w"), IsEmpty());
  Compute();
  EXPECT_EQ(coordinator_.study(study).trials().size(), 0);  // it is kept until somebody asks
  EXPECT_THAT(coordinator_.Acquire("w"), SizeIs(1));
}

TEST_F(SuggestionsTest, OneSuggestionOfAStudyIsUnderWayWhoeverAsks) {
  const StudyId study = coordinator_.Create(Slow(SmallStudy("a", 5)));
  std::vector<std::shared_ptr<Poll>> polls;
  for (const char* worker : {"u", "v", "w"}) {
    coordinator_.Register(worker);
    polls.push_back(coordinator_.Park(worker, std::chrono::seconds(20)));
    EXPECT_EQ(pool_.queued(), 1);
  }
  for (size_t served = 1; served <= 3; ++served) {
    Compute();
    EXPECT_EQ(std::ranges::count_if(polls, [](const auto& poll) { return poll->leased(); }),
              static_cast<int64_t>(served));
    EXPECT_EQ(pool_.queued(), served < 3 ? 1 : 0);
  }
  // Each was prepared after the one before had become a trial.
  EXPECT_DOUBLE_EQ(LearningRate(study, 2), 0.1 + 0.002 + 0.0002);
}

TEST_F(SuggestionsTest, OtherWorkOfTheStudyGoesOnMeanwhile) {
  const StudyId study = coordinator_.Create(Slow(AshaStudy("a", 9)));
  coordinator_.Register("u");
  coordinator_.Register("v");
  std::vector<LeaseGrant> leases;
  for (int i = 0; i < 3; ++i) {
    const auto poll = coordinator_.Park("u", std::chrono::seconds(20));
    Compute();
    ASSERT_TRUE(poll->leased());
    leases.push_back((**poll->answer)[0]);
  }
  const auto waiting = coordinator_.Park("v", std::chrono::seconds(20));
  ASSERT_EQ(pool_.queued(), 1);
  // Three trials at rung 0: the best of them is promoted, suggestion or not.
  for (const LeaseGrant& lease : leases) {
    ASSERT_TRUE(coordinator_.Checkpoint(lease, 1).ok());
    EXPECT_EQ(coordinator_.Report(lease, 1, static_cast<double>(lease.ref.trial)), Action::kPause);
  }
  ASSERT_TRUE(waiting->leased());
  EXPECT_EQ((**waiting->answer)[0].ref.trial, 2);
  EXPECT_EQ(pool_.queued(), 1);
  // A trial that is given back is leased again at once, too.
  EXPECT_EQ(coordinator_.Finish((**waiting->answer)[0], AttemptOutcome::kPreempted), TrialState::kWaiting);
  EXPECT_THAT(coordinator_.Acquire("u"), SizeIs(1));
  EXPECT_EQ(coordinator_.study(study).trials().size(), 3);
}

TEST_F(SuggestionsTest, OtherStudiesAreServedMeanwhileAndTheNextSuggestionIsReadyForItsTurn) {
  StudySpec first = Slow(SmallStudy("first", 5));
  first.priority = 1;
  const StudyId slow = coordinator_.Create(first);
  const StudyId fast = coordinator_.Create(SmallStudy("fast", 5));
  coordinator_.Register("w");
  EXPECT_EQ(coordinator_.Acquire("w").at(0).ref.study, fast);
  Compute();
  EXPECT_EQ(coordinator_.Acquire("w").at(0).ref.study, slow);
  ASSERT_EQ(pool_.queued(), 1);  // the next, before anybody asks: another study would take the worker
  Compute();
  EXPECT_EQ(coordinator_.Acquire("w").at(0).ref.study, slow);
}

TEST_F(SuggestionsTest, TrialThatFailedOnTheWorkerStillWaitsForAnother) {
  coordinator_.Create(Slow(SmallStudy("a", 5)));
  coordinator_.Register("u");
  coordinator_.Register("v");
  const auto poll = coordinator_.Park("u", std::chrono::seconds(20));
  Compute();
  ASSERT_TRUE(poll->leased());
  EXPECT_EQ(coordinator_.Finish((**poll->answer)[0], AttemptOutcome::kFailed), TrialState::kWaiting);
  EXPECT_THAT(coordinator_.Acquire("u"), IsEmpty());  // but asks for a new one
  EXPECT_EQ(pool_.queued(), 1);
  EXPECT_EQ(coordinator_.Acquire("v").at(0).ref.trial, 0);
}

TEST_F(SuggestionsTest, EnqueuedConfigurationsAreTriedFirst) {
  StudySpec spec = Slow(SmallStudy("a", 5));
  spec.parameters.push_back(
      {.name = "optimizer", .type = ParameterType::kCategorical, .values = {std::string("sgd"), std::string("adam")}});
  const StudyId study = coordinator_.Create(spec);
  coordinator_.Register("w");
  EXPECT_THAT(coordinator_.Acquire("w"), IsEmpty());
  // A whole one needs no suggestion; a partial one needs another than what is under way.
  ASSERT_TRUE(coordinator_.Enqueue(study, {{"learning_rate", 0.5}, {"optimizer", std::string("adam")}}).ok());
  ASSERT_TRUE(coordinator_.Enqueue(study, {{"optimizer", std::string("adam")}}).ok());
  EXPECT_THAT(coordinator_.Acquire("w"), SizeIs(1));
  EXPECT_EQ(coordinator_.trial(study, 0).suggestion_index, std::nullopt);
  const auto poll = coordinator_.Park("w", std::chrono::seconds(20));
  ASSERT_EQ(pool_.queued(), 1);
  Compute();  // for nothing fixed: dropped
  EXPECT_FALSE(poll->answer.has_value());
  ASSERT_EQ(pool_.queued(), 1);
  Compute();
  ASSERT_TRUE(poll->leased());
  EXPECT_EQ(coordinator_.trial(study, 1).suggestion_index, 0);
  EXPECT_EQ(coordinator_.trial(study, 1).configuration[1], std::optional<Value>(std::string("adam")));
  EXPECT_DOUBLE_EQ(LearningRate(study, 1), 0.1 + 0.0001);
}

TEST_F(SuggestionsTest, FailedCommitDropsWhatWasUnderWayAndTheStudyGoesOn) {
  const StudyId study = coordinator_.Create(Slow(SmallStudy("a", 5)));
  coordinator_.Register("w");
  const auto poll = coordinator_.Park("w", std::chrono::seconds(20));
  ASSERT_EQ(pool_.queued(), 1);
  coordinator_.memory_store().SetCommitStatus(absl::InternalError("no"));
  EXPECT_FALSE(coordinator_.Steer(&Studies::Pause, study).ok());  // and the study is read again
  coordinator_.memory_store().SetCommitStatus(absl::OkStatus());
  Compute();  // the old one: not for this study any more
  EXPECT_FALSE(poll->answer.has_value());
  ASSERT_EQ(pool_.queued(), 1);
  Compute();
  ASSERT_TRUE(poll->leased());
  EXPECT_EQ(coordinator_.trial(study, 0).suggestion_index, 0);
  EXPECT_EQ(coordinator_.MemoryText(), coordinator_.StoreText());
}

TEST_F(SuggestionsTest, TrialWhoseCommitFailsIsSuggestedAgain) {
  const StudyId study = coordinator_.Create(Slow(SmallStudy("a", 5)));
  coordinator_.Register("w");
  EXPECT_THAT(coordinator_.Acquire("w"), IsEmpty());
  Compute();
  coordinator_.memory_store().SetCommitStatus(absl::InternalError("no"));
  EXPECT_FALSE(coordinator_.TryAcquire(coordinator_.NextAcquire("w")).ok());
  coordinator_.memory_store().SetCommitStatus(absl::OkStatus());
  EXPECT_THAT(coordinator_.Acquire("w"), IsEmpty());
  Compute();
  EXPECT_THAT(coordinator_.Acquire("w"), SizeIs(1));
  EXPECT_EQ(coordinator_.study(study).trials().size(), 1);
  EXPECT_EQ(coordinator_.trial(study, 0).suggestion_index, 0);
}

TEST_F(SuggestionsTest, NothingIsAskedForWhileNothingCanBeWritten) {
  const StudyId study = coordinator_.Create(Slow(SmallStudy("a", 5)));
  coordinator_.Register("w");
  coordinator_.memory_store().SetCommitStatus(absl::ResourceExhaustedError("disk full"));
  EXPECT_FALSE(coordinator_.Enqueue(study, {{"learning_rate", 0.5}}).ok());  // closes the gate
  const auto poll = coordinator_.Park("w", std::chrono::seconds(20));
  EXPECT_EQ(pool_.queued(), 0);
  coordinator_.memory_store().SetCommitStatus(absl::OkStatus());
  for (int second = 0; second < 3; ++second) coordinator_.Advance(std::chrono::seconds(1));
  ASSERT_EQ(pool_.queued(), 1);
  Compute();
  EXPECT_TRUE(poll->leased());
}

TEST_F(SuggestionsTest, AnswerForAStudyThatHasEndedOrIsGoneIsDropped) {
  const StudyId ended = coordinator_.Create(Slow(SmallStudy("ended", 5)));
  const StudyId gone = coordinator_.Create(Slow(SmallStudy("gone", 5)));
  coordinator_.Register("w");
  EXPECT_THAT(coordinator_.Acquire("w"), IsEmpty());
  ASSERT_EQ(pool_.queued(), 2);
  for (const StudyId study : {ended, gone}) {
    ASSERT_TRUE(coordinator_.Steer(&Studies::Cancel, study).ok());
  }
  ASSERT_TRUE(
      coordinator_
          .Run([&](Transaction& tx) { return coordinator_.coordinator().studies().Delete(tx, absl::StrCat(gone), {}); })
          .ok());
  Compute();
  Compute();
  EXPECT_EQ(pool_.queued(), 0);
  EXPECT_THAT(coordinator_.Acquire("w"), IsEmpty());
  EXPECT_EQ(coordinator_.study(ended).trials().size(), 0);
}

TEST_F(SuggestionsTest, RestartComputesWhatWasUnderWayAgain) {
  const StudyId study = coordinator_.Create(Slow(SmallStudy("a", 5)));
  coordinator_.Register("w");
  EXPECT_THAT(coordinator_.Acquire("w"), IsEmpty());
  coordinator_.Reopen();
  UsePool();
  pool_.RunOne();  // its coordinator is gone
  const auto poll = coordinator_.Park("w", std::chrono::seconds(20));
  EXPECT_FALSE(poll->answer.has_value());
  Compute();
  ASSERT_TRUE(poll->leased());
  EXPECT_EQ(coordinator_.trial(study, 0).suggestion_index, 0);
}

TEST_F(SuggestionsTest, BudgetIsExactAndTheStudyEndsOnlyWhenItIsSpent) {
  const StudyId study = coordinator_.Create(Slow(SmallStudy("a", 3)));
  coordinator_.Register("w");
  for (int trial = 0; trial < 3; ++trial) {
    const auto poll = coordinator_.Park("w", std::chrono::seconds(20));
    EXPECT_EQ(coordinator_.state(study), StudyState::kActive);
    Compute();
    ASSERT_TRUE(poll->leased());
    coordinator_.Train((**poll->answer)[0], [](int64_t) { return 0.5; });
  }
  EXPECT_EQ(coordinator_.state(study), StudyState::kCompleted);
  EXPECT_THAT(coordinator_.Acquire("w"), IsEmpty());
  EXPECT_EQ(pool_.queued(), 0);
}

TEST_F(SuggestionsTest, WithoutAPoolTheAnswerIsTheSame) {
  TestCoordinator inline_coordinator(WithSlowMethods());
  for (TestCoordinator* each : {&inline_coordinator, &coordinator_}) {
    each->Create(Slow(SmallStudy("a", 2)));
    each->Register("w");
  }
  for (int trial = 0; trial < 2; ++trial) {
    EXPECT_THAT(inline_coordinator.Acquire("w"), SizeIs(1));
    const auto poll = coordinator_.Park("w", std::chrono::seconds(20));
    Compute();
    ASSERT_TRUE(poll->leased());
  }
  EXPECT_EQ(inline_coordinator.trial(1, 1).configuration, coordinator_.trial(1, 1).configuration);
}

}  // namespace
}  // namespace athanor::testing
