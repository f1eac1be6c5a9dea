#include "tests/integration/crash/disturbed_run.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/integration/crash/stored_facts.h"

namespace athanor {
namespace {

class DisturbedRun {
 public:
  DisturbedRun(const Reference& reference, const Death& death, Durable durable)
      : reference_(reference), death_(death), durable_(durable) {
    Start();
  }

  int Run() {
    for (size_t i = 0; i < reference_.calls.size() && !::testing::Test::HasFailure(); ++i) {
      SCOPED_TRACE(reference_.calls[i].name + ", dying at " + death_.point + ", passing " +
                   std::to_string(death_.passing));
      const auto passings = reference_.passings[i].find(death_.point);
      if (passings != reference_.passings[i].end() && passings->second >= death_.passing) {
        DieIn(i);
      } else {
        Expect(reference_.calls[i].run(server_->wire()), i);
      }
    }
    if (::testing::Test::HasFailure()) return deaths_;
    EXPECT_EQ(FirstDifference(StoredFacts(folder_.database()), reference_.stored.back()), "");
    EXPECT_EQ(FirstDifference(ServedFacts(server_->wire()), reference_.served.back()), "");
    return deaths_;
  }

 private:
  void Start() {
    server_ = std::make_unique<FaultyServer>(folder_, death_);
    ASSERT_TRUE(server_->serves()) << server_->log();
  }

  // Call `i` is answered as it was undisturbed.
  void Expect(const Answer& answer, size_t i) const {
    EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
    EXPECT_EQ(FirstDifference(answer.text, reference_.answers[i]), "");
  }

  void DieIn(size_t i) {
    Settle(folder_, server_->wire());
    folder_.Arm();
    const Answer answer = reference_.calls[i].run(server_->wire());
    ASSERT_EQ(server_->Wait(), FaultyServer::kDied) << server_->log();
    folder_.Disarm();
    ++deaths_;
    if (answer.status.ok()) {
      EXPECT_NE(durable_, Durable::kNo) << "acknowledged before it was on disk";
      Expect(answer, i);
    }
    ASSERT_NO_FATAL_FAILURE(Start());
    const std::string stored = StoredFacts(folder_.database());
    const bool took_effect =
        durable_ == Durable::kYes || (durable_ == Durable::kEither && stored != reference_.stored[i]);
    EXPECT_TRUE(took_effect || !answer.status.ok()) << "acknowledged and lost";
    const size_t state = took_effect ? i + 1 : i;
    EXPECT_EQ(FirstDifference(stored, reference_.stored[state]), "") << "after the restart";
    EXPECT_EQ(FirstDifference(ServedFacts(server_->wire()), reference_.served[state]), "") << "after the restart";
    EXPECT_EQ(FileNames(folder_.checkpoints()), CheckpointRows(folder_.database()));
    Repeat(i, state, took_effect);
  }

  // All calls before `i`, then `i` twice.
  void Repeat(size_t i, size_t state, bool took_effect) {
    for (size_t j = 0; j < i; ++j) {
      if (!reference_.calls[j].momentary) reference_.calls[j].run(server_->wire());
    }
    EXPECT_EQ(FirstDifference(StoredFacts(folder_.database()), reference_.stored[state]), "") << "calls repeated";
    const bool refused = reference_.calls[i].repeat == Call::Repeat::kRefused;
    for (const bool again : {took_effect, true}) {
      const Answer answer = reference_.calls[i].run(server_->wire());
      if (again && refused) {
        EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::FAILED_PRECONDITION) << answer.status.error_message();
      } else {
        Expect(answer, i);
      }
      EXPECT_EQ(FirstDifference(StoredFacts(folder_.database()), reference_.stored[i + 1]), "") << "call repeated";
    }
    EXPECT_EQ(FirstDifference(ServedFacts(server_->wire()), reference_.served[i + 1]), "") << "call repeated";
  }

  const Reference& reference_;
  const Death death_;
  const Durable durable_;
  const Folder folder_;
  std::unique_ptr<FaultyServer> server_;
  int deaths_ = 0;
};

}  // namespace

int RunDisturbed(const Reference& reference, const Death& death, Durable durable) {
  return DisturbedRun(reference, death, durable).Run();
}

}  // namespace athanor
