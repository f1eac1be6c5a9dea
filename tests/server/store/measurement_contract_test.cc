// What every store does with measurements and curves.
#include <limits>
#include <string>
#include <vector>

#include "tests/server/store/store_fixture.h"

namespace athanor {
namespace {

using ::testing::IsEmpty;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

class MeasurementContractTest : public StoreContractTest {
 protected:
  void SetUp() override {
    StoreContractTest::SetUp();
    MustCommit({PutStudy{SmallStudy(1, "a")}, InsertTrial{1, SmallTrial(0)}, InsertAttempt{1, SmallAttempt(1, 0)}});
  }

  // Adds `loss` to trial 0 at steps first..last; the value of step s is `base` + s, after 10 s ms.
  void AddLosses(Token token, int64_t first, int64_t last, double base) {
    ChangeBatch batch;
    for (int64_t step = first; step <= last; ++step) {
      batch.push_back(AddMeasurement{1, 0, token, {step, 10 * step, {{"loss", base + static_cast<double>(step)}}}});
    }
    MustCommit(batch);
  }

  std::string Curves(Archived archived, const std::vector<std::string>& metrics = {}) {
    const auto curves = store().ReadCurves(1, 0, metrics, archived);
    return curves.ok() ? Text(*curves) : curves.status().ToString();
  }
};
ATHANOR_FOR_EVERY_STORE(MeasurementContractTest);

// "loss: 1=101/10 2=102/20" from its points.
std::string Loss(const std::vector<CurvePoint>& points) { return Text(std::vector{MetricCurve{"loss", points}}); }

TEST_P(MeasurementContractTest, CurvesComeByMetricNameAndStep) {
  MustCommit({AddMeasurement{1, 0, 1, {2, 25, {{"loss", 0.5}, {"accuracy", 0.7}}}}});
  MustCommit({AddMeasurement{1, 0, 1, {1, 12, {{"loss", 0.9}, {"accuracy", 0.4}}}}});
  Reopen();
  const MetricCurve accuracy{"accuracy", {{1, 0.4, 12}, {2, 0.7, 25}}};
  const MetricCurve loss{"loss", {{1, 0.9, 12}, {2, 0.5, 25}}};
  EXPECT_EQ(Curves(Archived::kLeaveOut), Text(std::vector{accuracy, loss}));
  EXPECT_EQ(Curves(Archived::kLeaveOut, {"loss"}), Text(std::vector{loss}));
  EXPECT_EQ(Curves(Archived::kLeaveOut, {"loss", "accuracy", "loss", "unknown"}), Text(std::vector{accuracy, loss}));
  EXPECT_EQ(Curves(Archived::kLeaveOut, {"unknown"}), "");
}

TEST_P(MeasurementContractTest, EveryDoubleSurvives) {
  const double values[] = {
      kNan, kInfinity, -kInfinity, 1.0 / 3, 1e308, std::numeric_limits<double>::denorm_min(), 9007199254740993.0,
      -42.0};
  ChangeBatch batch;
  std::vector<CurvePoint> expected;
  for (const double value : values) {
    const int64_t step = std::ssize(expected) + 1;
    batch.push_back(AddMeasurement{1, 0, 1, {step, 0, {{"loss", value}}}});
    expected.push_back({step, value, 0});
  }
  MustCommit(batch);
  Reopen();
  EXPECT_EQ(Curves(Archived::kLeaveOut), Loss(expected));
}

TEST_P(MeasurementContractTest, LargestStepAndTimeSurvive) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  MustCommit({AddMeasurement{1, 0, 1, {kMost, kMost, {{"loss", 1}}}}});
  EXPECT_EQ(Curves(Archived::kLeaveOut), Loss({{kMost, 1, kMost}}));
}

TEST_P(MeasurementContractTest, SameMetricOfAStepTwiceIsRefused) {
  AddLosses(1, 1, 2, 100);
  EXPECT_EQ(Commit({AddMeasurement{1, 0, 1, {2, 20, {{"loss", 102}}}}}).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Commit({AddMeasurement{1, 0, 1, {3, 30, {{"loss", 103}, {"loss", 103}}}}}).code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Curves(Archived::kInclude), Loss({{1, 101, 10}, {2, 102, 20}}));
}

TEST_P(MeasurementContractTest, FurtherMetricsOfAStepMayComeLater) {
  AddLosses(1, 1, 1, 100);
  MustCommit({AddMeasurement{1, 0, 1, {1, 11, {{"accuracy", 0.5}, {"f1", 0.25}}}}});
  EXPECT_EQ(Curves(Archived::kLeaveOut),
            "accuracy: 1=" + Text(0.5) + "/11\nf1: 1=" + Text(0.25) + "/11\n" + Loss({{1, 101, 10}}));
}

TEST_P(MeasurementContractTest, MeasurementWithoutMetricsAddsNothing) {
  MustCommit({AddMeasurement{1, 0, 1, {1, 10, {}}}});
  EXPECT_EQ(Curves(Archived::kInclude), "");
  EXPECT_THAT(store().LoadStudy(1)->live_measurements, IsEmpty());
}

TEST_P(MeasurementContractTest, ResumedTrainingArchivesWhatLiesPastItsStep) {
  AddLosses(1, 1, 4, 100);
  MustCommit({InsertAttempt{1, SmallAttempt(2, 0)}, ArchiveMeasurements{1, 0, 2, 2}});
  EXPECT_EQ(Curves(Archived::kLeaveOut), Loss({{1, 101, 10}, {2, 102, 20}}));
  AddLosses(2, 3, 5, 200);
  Reopen();
  EXPECT_EQ(Curves(Archived::kLeaveOut), Loss({{1, 101, 10}, {2, 102, 20}, {3, 203, 30}, {4, 204, 40}, {5, 205, 50}}));
  EXPECT_EQ(Curves(Archived::kInclude),
            Loss({{1, 101, 10}, {2, 102, 20}, {3, 103, 30}, {3, 203, 30}, {4, 104, 40}, {4, 204, 40}, {5, 205, 50}}));
}

TEST_P(MeasurementContractTest, ArchivedRowsNeverCountAgain) {
  AddLosses(1, 1, 3, 100);
  MustCommit({InsertAttempt{1, SmallAttempt(2, 0)}, ArchiveMeasurements{1, 0, 1, 2}});
  AddLosses(2, 2, 4, 200);
  // The third goes on from further along than the second did: the first's steps 2 and 3 stay archived.
  MustCommit({InsertAttempt{1, SmallAttempt(3, 0)}, ArchiveMeasurements{1, 0, 3, 3}});
  AddLosses(3, 4, 4, 300);
  Reopen();
  EXPECT_EQ(Curves(Archived::kLeaveOut), Loss({{1, 101, 10}, {2, 202, 20}, {3, 203, 30}, {4, 304, 40}}));
}

TEST_P(MeasurementContractTest, AttemptKeepsWhatItReportedHoweverOthersWentOn) {
  AddLosses(1, 1, 3, 100);
  MustCommit({InsertAttempt{1, SmallAttempt(2, 0)}, ArchiveMeasurements{1, 0, 1, 2}});
  AddLosses(2, 2, 2, 200);
  MustCommit({AddMeasurement{1, 0, 2, {2, 20, {{"accuracy", kNan}}}}});
  Reopen();
  const auto read = [&](TrialNumber trial, Token token) { return store().ReadMeasurements(1, trial, token); };
  EXPECT_EQ(Text(*read(0, 1)), Text(std::vector<Measurement>{
                                   {1, 10, {{"loss", 101}}}, {2, 20, {{"loss", 102}}}, {3, 30, {{"loss", 103}}}}));
  EXPECT_EQ(Text(*read(0, 2)), Text(std::vector<Measurement>{{2, 20, {{"accuracy", kNan}, {"loss", 202}}}}));
  EXPECT_THAT(*read(0, 3), IsEmpty());
  EXPECT_EQ(read(1, 1).status().code(), absl::StatusCode::kNotFound);
}

TEST_P(MeasurementContractTest, StartingOverArchivesEverythingButTheNewAttempt) {
  AddLosses(1, 1, 2, 100);
  MustCommit({InsertAttempt{1, SmallAttempt(2, 0)}});
  AddLosses(2, 1, 1, 200);
  MustCommit({ArchiveMeasurements{1, 0, 0, 2}});
  EXPECT_EQ(Curves(Archived::kLeaveOut), Loss({{1, 201, 10}}));
}

TEST_P(MeasurementContractTest, ArchivingLeavesOtherTrialsAlone) {
  MustCommit({InsertTrial{1, SmallTrial(1)}, InsertAttempt{1, SmallAttempt(2, 1)},
              AddMeasurement{1, 1, 2, {1, 10, {{"loss", 1}}}}});
  AddLosses(1, 1, 1, 100);
  MustCommit({ArchiveMeasurements{1, 0, 0, 3}});
  EXPECT_EQ(Curves(Archived::kLeaveOut), "");
  EXPECT_EQ(Text(*store().ReadCurves(1, 1, {}, Archived::kLeaveOut)), Loss({{1, 1, 10}}));
}

TEST_P(MeasurementContractTest, CompletedCurvesLeaveOutOtherStatesAndArchivedRows) {
  AddLosses(1, 1, 2, 100);
  MustCommit({InsertAttempt{1, SmallAttempt(2, 0)}, ArchiveMeasurements{1, 0, 1, 2}});
  AddLosses(2, 2, 2, 200);
  MustCommit({UpdateTrial{1, SmallTrial(0, TrialState::kCompleted)}, InsertTrial{1, SmallTrial(1, TrialState::kPruned)},
              InsertTrial{1, SmallTrial(2, TrialState::kCompleted)},
              InsertTrial{1, SmallTrial(3, TrialState::kCompleted)}, InsertAttempt{1, SmallAttempt(3, 1)},
              InsertAttempt{1, SmallAttempt(5, 2)}, InsertAttempt{1, SmallAttempt(4, 3)},
              AddMeasurement{1, 1, 3, {1, 10, {{"loss", 1}}}},
              AddMeasurement{1, 2, 5, {1, 10, {{"loss", kNan}, {"accuracy", 2}}}},
              AddMeasurement{1, 3, 4, {1, 10, {{"accuracy", 3}}}}});
  Reopen();
  EXPECT_EQ(Text(*store().ReadCompletedCurves(1, "loss")),
            Text(std::vector<Store::TrialCurve>{{0, {{1, 101, 0}, {2, 202, 0}}}, {2, {{1, kNan, 0}}}}));
  EXPECT_THAT(*store().ReadCompletedCurves(1, "unknown"), IsEmpty());
}

TEST_P(MeasurementContractTest, LiveAttemptsBringWhatTheyReported) {
  MustCommit({InsertTrial{1, SmallTrial(1)}, InsertTrial{1, SmallTrial(2)}, InsertAttempt{1, SmallAttempt(3, 1)},
              InsertAttempt{1, SmallAttempt(2, 2)}});
  MustCommit({AddMeasurement{1, 1, 3, {2, 20, {{"loss", 0.5}, {"accuracy", 0.7}}}},
              AddMeasurement{1, 1, 3, {1, 10, {{"loss", 0.9}}}}, AddMeasurement{1, 1, 3, {1, 15, {{"accuracy", 0.6}}}},
              AddMeasurement{1, 0, 1, {1, 10, {{"loss", 1}}}}});
  Attempt ended = SmallAttempt(1, 0);
  ended.outcome = AttemptOutcome::kLost;
  MustCommit({UpdateAttempt{1, ended}, ArchiveMeasurements{1, 1, 0, 9}});
  Reopen();
  const auto image = store().LoadStudy(1);
  EXPECT_EQ(Text(image->live_attempts), Text(std::vector{SmallAttempt(2, 2), SmallAttempt(3, 1)}));
  ASSERT_EQ(image->live_measurements.size(), 1);
  EXPECT_EQ(image->live_measurements[0].token, 3);
  EXPECT_EQ(Text(image->live_measurements[0].measurements),
            Text(std::vector<Measurement>{{1, 15, {{"accuracy", 0.6}, {"loss", 0.9}}},
                                          {2, 20, {{"accuracy", 0.7}, {"loss", 0.5}}}}));
}

TEST_P(MeasurementContractTest, CurvesOfAnUnknownTrialAreNotFound) {
  EXPECT_EQ(store().ReadCurves(1, 5, {}, Archived::kLeaveOut).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store().ReadCurves(2, 0, {}, Archived::kLeaveOut).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store().ReadAttempts(1, 5).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store().ReadCompletedCurves(2, "loss").status().code(), absl::StatusCode::kNotFound);
}

TEST_P(MeasurementContractTest, NamesOfMetricsAreAnyText) {
  const std::string names[] = {"", "val accuracy", "précision", "a'b\"c", std::string("a\0b", 3)};
  ChangeBatch batch;
  for (const std::string& name : names) batch.push_back(AddMeasurement{1, 0, 1, {1, 1, {{name, 1}}}});
  MustCommit(batch);
  Reopen();
  for (const std::string& name : names) {
    EXPECT_EQ(Curves(Archived::kLeaveOut, {name}), Text(std::vector{MetricCurve{name, {{1, 1, 1}}}}));
  }
}

}  // namespace
}  // namespace athanor
