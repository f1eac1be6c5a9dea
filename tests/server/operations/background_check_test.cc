// What the check beside a coordinator tells, and that a corrupt file is not written to any more.
#include "server/operations/background_check.h"

#include <string>

#include "server/store/refusing_store.h"
#include "tests/server/operations/database_fixture.h"

namespace athanor {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class BackgroundCheckTest : public DatabaseTest {
 protected:
  using Need = BackgroundCheck::Need;

  std::string Run(Need need, const std::stop_token& stop = {}) {
    BackgroundCheck check(database(), need, [this](const absl::Status& why) { refusals_.push_back(why.ToString()); });
    EXPECT_EQ(check.Integrity(), need == Need::kNone ? "ok" : "checking");
    check.Run(stop);
    return check.Integrity();
  }

  std::vector<std::string> refusals_;
};

TEST_F(BackgroundCheckTest, FileThatWasClosedIsTakenForSound) {
  Damage(database());
  EXPECT_EQ(Run(Need::kNone), "ok");
}

TEST_F(BackgroundCheckTest, SoundFileIsOkWhileItIsServed) {
  const auto store = MustOpen(database());
  EXPECT_EQ(Run(Need::kWholeFile), "ok");
  EXPECT_THAT(refusals_, IsEmpty());
  EXPECT_TRUE(store->Commit({DeleteStudy{2}}).ok());
}

TEST_F(BackgroundCheckTest, CorruptFileIsNamedAndWritesAreRefusedOnce) {
  Damage(database());
  EXPECT_THAT(Run(Need::kWholeFile), AllOf(HasSubstr(database()), testing::ContainsRegex("corrupt|malformed")));
  ASSERT_EQ(refusals_.size(), 1);
  EXPECT_THAT(refusals_[0], AllOf(HasSubstr("DATA_LOSS"), HasSubstr(database())));
}

TEST_F(BackgroundCheckTest, ContradictionIsToldAndWrittenOn) {
  const auto store = MustOpen(database());
  ASSERT_TRUE(store
                  ->Commit({InsertTrial{1, SmallTrial(6, TrialState::kWaiting)},
                            InsertTrial{1, SmallTrial(9, TrialState::kRunning)}})
                  .ok());
  EXPECT_THAT(Run(Need::kWholeFile), AllOf(HasSubstr("want dense from 0"), HasSubstr("more findings")));
  EXPECT_THAT(refusals_, IsEmpty());
}

TEST_F(BackgroundCheckTest, StoppedCheckSaysThatThereWasNone) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THAT(Run(Need::kWholeFile, stop.get_token()), HasSubstr("not checked"));
  EXPECT_THAT(refusals_, IsEmpty());
}

TEST_F(BackgroundCheckTest, RefusingStoreReadsButNeverWritesAgain) {
  RefusingStore store(MustOpen(database()));
  EXPECT_TRUE(store.Commit({InsertTrial{1, SmallTrial(5, TrialState::kWaiting)}}).ok());
  store.Refuse(absl::DataLossError(database() + ": corrupt: page 3"));
  store.Refuse(absl::DataLossError("another"));
  const absl::Status refused = store.Commit({InsertTrial{1, SmallTrial(6, TrialState::kWaiting)}});
  EXPECT_EQ(refused.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(refused.message()), AllOf(HasSubstr(database()), HasSubstr("page 3")));
  EXPECT_EQ(store.LoadStudy(1)->trials.size(), 6);
}

}  // namespace
}  // namespace athanor
