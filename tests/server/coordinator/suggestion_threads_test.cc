// Slow suggestions with a pool, an owner and workers that are real threads.
#include <gmock/gmock.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <future>
#include <set>
#include <thread>

#include "tests/testing/coordinator_fixture.h"

namespace athanor::testing {
namespace {

constexpr int kWorkers = 8;
constexpr int64_t kTrials = 200;

// Computes where it is asked to, from the space that it refers to: the index-th of kTrials learning rates.
class PooledMethod final : public SearchMethod {
 public:
  explicit PooledMethod(const SearchSpace& space) : space_(space) {}
  std::string_view name() const override { return "pooled"; }
  bool IsSlow() const override { return true; }
  Configuration Suggest(const SearchView&, int64_t index, const Configuration&) const override {
    return {AtFraction(space_.parameters()[0], (static_cast<double>(index) + 0.5) / kTrials)};
  }
  Work Prepare(const SearchView& view, int64_t index, const Configuration& fixed) const override {
    return [this, trials = std::vector<Trial>(view.trials.begin(), view.trials.end()), index, fixed] {
      SearchView copy;
      copy.trials = trials;
      return Suggest(copy, index, fixed);
    };
  }

 private:
  const SearchSpace& space_;
};

class SuggestionThreadsTest : public ::testing::Test {
 protected:
  static CoordinatorOptions Options() {
    CoordinatorOptions options;
    options.create_search = [](const StudySpec&, const SearchSpace& space) {
      return absl::StatusOr<std::unique_ptr<SearchMethod>>(std::make_unique<PooledMethod>(space));
    };
    return options;
  }

  SuggestionThreadsTest() : coordinator_(Options()), pool_(2) {
    coordinator_.coordinator().UseSearchPool(
        {.run = [this](std::function<void()> work) { boost::asio::post(pool_, std::move(work)); },
         .wake = [this] { Post([](Transaction&) {}); }});
  }

  void Post(std::function<void(Transaction&)> operation) {
    (void)coordinator_.owner().Post([operation = std::move(operation)](Transaction& tx) -> Owner::Reply {
      operation(tx);
      return nullptr;
    });
  }

  // One long poll after the other, each trial reported and finished, until there is no more. Returns how many.
  int64_t Pull(const std::string& worker) {
    for (uint64_t sequence = 1;; ++sequence) {
      std::promise<absl::StatusOr<Grants>> promise;
      Post([&, sequence](Transaction& tx) {
        coordinator_.coordinator().dispatch().Acquire(
            tx, {worker, 1, sequence, 1, std::chrono::hours(1)},
            [&](absl::StatusOr<Grants> grants) { promise.set_value(std::move(grants)); });
      });
      const absl::StatusOr<Grants> grants = promise.get_future().get();
      if (!grants.ok() || grants->empty()) return static_cast<int64_t>(sequence) - 1;
      FinishOptions finish;
      finish.lease = grants->at(0).ref;
      finish.start = AttemptStart{0, {}};
      Post([&, lease = finish.lease](Transaction& tx) {
        TrialReport report;
        report.lease = lease;
        report.start = AttemptStart{0, {}};
        report.measurements = {{1, 1000, {{"accuracy", 0.5}}}};
        coordinator_.coordinator().reports().Report(tx, report);
      });
      std::promise<void> finished;
      Post([&](Transaction& tx) {
        EXPECT_TRUE(coordinator_.coordinator().leases().Finish(tx, finish).ok());
        tx.replies.push_back([&](const absl::Status&) { finished.set_value(); });
      });
      finished.get_future().get();
    }
  }

  TestCoordinator coordinator_;
  boost::asio::thread_pool pool_;
};

TEST_F(SuggestionThreadsTest, EightPullersSpendTheBudgetExactlyAndNobodyIsLeftWaiting) {
  const StudyId first = coordinator_.Create(SmallStudy("first", kTrials));
  const StudyId second = coordinator_.Create(SmallStudy("second", kTrials));
  for (int worker = 0; worker < kWorkers; ++worker) coordinator_.Register(std::to_string(worker));
  std::thread owner([this] { coordinator_.owner().Run(); });
  std::atomic<int> finished = 0;
  std::atomic<int64_t> pulled = 0;
  std::vector<std::thread> pullers;
  for (int worker = 0; worker < kWorkers; ++worker) {
    pullers.emplace_back([&, worker] {
      pulled += Pull(std::to_string(worker));
      ++finished;
    });
  }
  // Those who wait when all is done wait for nothing; before that, nobody is helped.
  while (finished.load() < kWorkers) {
    std::promise<void> looked;
    Post([&](Transaction& tx) {
      const bool over =
          coordinator_.state(first) == StudyState::kCompleted && coordinator_.state(second) == StudyState::kCompleted;
      if (over) coordinator_.coordinator().ReleaseWaiting(tx);
      looked.set_value();
    });
    looked.get_future().get();
  }
  for (std::thread& puller : pullers) puller.join();
  coordinator_.owner().Stop();
  owner.join();
  pool_.stop();
  pool_.join();
  EXPECT_EQ(pulled.load(), 2 * kTrials);
  for (const StudyId study : {first, second}) {
    std::set<int64_t> suggestions;
    for (const Trial& trial : coordinator_.study(study).trials()) {
      ASSERT_TRUE(trial.suggestion_index.has_value());
      suggestions.insert(*trial.suggestion_index);
      EXPECT_EQ(trial.state, TrialState::kCompleted);
    }
    EXPECT_EQ(suggestions.size(), static_cast<size_t>(kTrials));
    EXPECT_EQ(*suggestions.rbegin(), kTrials - 1);
  }
}

}  // namespace
}  // namespace athanor::testing
