// The owner thread itself: groups, their commits, the bounded queue, the end.
#include "server/coordinator/owner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <thread>

#include "tests/testing/coordinator_fixture.h"

namespace athanor {
namespace {

using ::testing::ElementsAre;
using testing::FakeClock;

// Counts what the owner asks of it.
class CountingState final : public OwnedState {
 public:
  void FinishGroup(Transaction&) override { ++finished; }
  void Rebuild(const Transaction&) override { ++rebuilt; }

  int finished = 0;
  int rebuilt = 0;
};

// One durable change.
Change SomeChange(uint64_t incarnation) {
  WorkerRecord worker;
  worker.name = "w";
  worker.incarnation = incarnation;
  return PutWorker{worker};
}

class OwnerTest : public ::testing::Test {
 protected:
  // An operation that writes a change and notes under `name` how it ended.
  Owner::Operation Write(const std::string& name) {
    return [this, name](Transaction& tx) -> Owner::Reply {
      tx.changes.push_back(SomeChange(1));
      return [this, name](const absl::Status& commit) { log.push_back(name + (commit.ok() ? " ok" : " failed")); };
    };
  }

  // Of the worker that the store holds.
  std::string Incarnation() {
    const auto workers = store.LoadWorkers();
    return workers->empty() ? "none" : std::to_string(workers->front().incarnation);
  }

  MemoryStore store;
  CountingState state;
  FakeClock clock;
  std::vector<std::string> log;
};

TEST_F(OwnerTest, AnswersAGroupAfterOneCommitInOrder) {
  Owner owner(store, state, clock);
  EXPECT_FALSE(owner.RunOnce());
  for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(owner.Post(Write(name)).ok());
  EXPECT_TRUE(log.empty());
  EXPECT_TRUE(owner.RunOnce());
  EXPECT_THAT(log, ElementsAre("a ok", "b ok", "c ok"));
  EXPECT_EQ(owner.statistics().commits, 1);
  EXPECT_EQ(owner.statistics().operations, 3);
  EXPECT_EQ(state.finished, 1);
  EXPECT_FALSE(owner.RunOnce());
}

TEST_F(OwnerTest, LetsNothingOutBeforeTheCommit) {
  Owner owner(store, state, clock);
  ASSERT_TRUE(owner
                  .Post([this](Transaction& tx) -> Owner::Reply {
                    tx.changes.push_back(SomeChange(7));
                    tx.after_commit.push_back([this] { log.push_back("pushed " + Incarnation()); });
                    tx.replies.push_back([this](const absl::Status&) { log.push_back("poll " + Incarnation()); });
                    log.push_back("applied " + Incarnation());
                    return [this](const absl::Status&) { log.push_back("reply " + Incarnation()); };
                  })
                  .ok());
  owner.RunOnce();
  EXPECT_THAT(log, ElementsAre("applied none", "pushed 7", "reply 7", "poll 7"));
}

TEST_F(OwnerTest, TellsEveryCallerWhenTheCommitFailsAndPushesNothing) {
  Owner owner(store, state, clock);
  store.SetCommitStatus(absl::ResourceExhaustedError("disk full"));
  for (const char* name : {"a", "b"}) ASSERT_TRUE(owner.Post(Write(name)).ok());
  ASSERT_TRUE(owner
                  .Post([this](Transaction& tx) -> Owner::Reply {
                    tx.after_commit.push_back([this] { log.push_back("pushed"); });
                    tx.replies.push_back([this](const absl::Status& commit) {
                      log.push_back(std::string("poll ") + (commit.ok() ? "ok" : "failed"));
                    });
                    return {};
                  })
                  .ok());
  owner.RunOnce();
  EXPECT_THAT(log, ElementsAre("a failed", "b failed", "poll failed"));
  EXPECT_EQ(state.rebuilt, 1);
  store.SetCommitStatus(absl::OkStatus());
  ASSERT_TRUE(owner.Post(Write("c")).ok());
  owner.RunOnce();
  EXPECT_EQ(log.back(), "c ok");
  EXPECT_EQ(state.rebuilt, 1);
}

TEST_F(OwnerTest, CommitsNothingForAGroupThatOnlyReads) {
  Owner owner(store, state, clock);
  store.SetCommitStatus(absl::ResourceExhaustedError("disk full"));
  ASSERT_TRUE(owner
                  .Post([this](Transaction&) -> Owner::Reply {
                    return [this](const absl::Status& commit) { log.push_back(commit.ok() ? "ok" : "failed"); };
                  })
                  .ok());
  owner.RunOnce();
  EXPECT_THAT(log, ElementsAre("ok"));
  EXPECT_EQ(owner.statistics().commits, 0);
}

TEST_F(OwnerTest, RefusesWhatDoesNotFitIntoTheQueue) {
  Owner owner(store, state, clock, {.queue_limit = 2});
  EXPECT_TRUE(owner.Post(Write("a")).ok());
  EXPECT_TRUE(owner.Post(Write("b")).ok());
  EXPECT_EQ(owner.Post(Write("c")).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(owner.statistics().queued, 2);
  absl::Status refused;
  owner.Submit<int>([](Transaction&) { return 1; }, [&](absl::StatusOr<int> answer) { refused = answer.status(); });
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  owner.RunOnce();
  EXPECT_TRUE(owner.Post(Write("d")).ok());
  owner.RunOnce();
  EXPECT_THAT(log, ElementsAre("a ok", "b ok", "d ok"));
}

TEST_F(OwnerTest, SplitsWhatIsMoreThanAGroup) {
  Owner owner(store, state, clock, {.group_limit = 2});
  for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(owner.Post(Write(name)).ok());
  EXPECT_TRUE(owner.RunOnce());
  EXPECT_THAT(log, ElementsAre("a ok", "b ok"));
  EXPECT_TRUE(owner.RunOnce());
  EXPECT_THAT(log, ElementsAre("a ok", "b ok", "c ok"));
}

TEST_F(OwnerTest, AnswersWhatWasQueuedBeforeStopAndRefusesTheRest) {
  Owner owner(store, state, clock);
  ASSERT_TRUE(owner.Post(Write("a")).ok());
  owner.Stop();
  EXPECT_EQ(owner.Post(Write("b")).code(), absl::StatusCode::kUnavailable);
  owner.Run();
  EXPECT_THAT(log, ElementsAre("a ok"));
}

TEST_F(OwnerTest, AppliesEveryOperationOfManyThreadsOnceAndInTheOrderOfEach) {
  constexpr int kThreads = 4, kOperations = 500;
  Owner owner(store, state, clock);
  std::thread runner([&] { owner.Run(); });
  std::vector<std::vector<int>> applied(kThreads);  // owner thread only
  std::atomic<int> answered = 0;
  std::latch all_answered(kThreads * kOperations);
  std::vector<std::thread> posters;
  for (int thread = 0; thread < kThreads; ++thread) {
    posters.emplace_back([&, thread] {
      for (int i = 0; i < kOperations; ++i) {
        owner.Submit<int>(
            [&, thread, i](Transaction& tx) -> absl::StatusOr<int> {
              applied[static_cast<size_t>(thread)].push_back(i);
              tx.changes.push_back(SomeChange(static_cast<uint64_t>(i)));
              return i;
            },
            [&, i](absl::StatusOr<int> answer) {
              if (answer.ok() && *answer == i) ++answered;
              all_answered.count_down();
            });
      }
    });
  }
  for (std::thread& poster : posters) poster.join();
  all_answered.wait();
  owner.Stop();
  runner.join();
  EXPECT_EQ(answered, kThreads * kOperations);
  std::vector<int> in_order;
  for (int i = 0; i < kOperations; ++i) in_order.push_back(i);
  for (const std::vector<int>& one : applied) EXPECT_EQ(one, in_order);
  EXPECT_EQ(owner.statistics().operations, kThreads * kOperations);
  EXPECT_GE(owner.statistics().commits, 1);
}

TEST_F(OwnerTest, DrainReturnsWhenWhatWasPostedIsAnsweredAndDropped) {
  Owner owner(store, state, clock);
  owner.Drain();  // nothing to wait for
  auto held = std::make_shared<int>();
  const std::weak_ptr<int> watched = held;
  std::atomic<bool> answered = false;
  ASSERT_TRUE(owner
                  .Post([&, held = std::move(held)](Transaction&) -> Owner::Reply {
                    return [&](const absl::Status&) { answered = true; };
                  })
                  .ok());
  std::thread runner([&owner] { owner.Run(); });
  owner.Drain();
  EXPECT_TRUE(answered.load());
  EXPECT_TRUE(watched.expired());
  owner.Stop();
  runner.join();
}

}  // namespace
}  // namespace athanor
