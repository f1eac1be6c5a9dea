#include "worker/session/report_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace athanor::session {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const LeaseKey kA(1, 0, 10);
const LeaseKey kB(1, 1, 11);

v1::Measurement At(int64_t step) {
  v1::Measurement measurement;
  measurement.set_step(step);
  return measurement;
}

void Add(ReportQueue& queue, const LeaseKey& lease, int64_t step, MeasurementKind kind = MeasurementKind::kObjective) {
  queue.AddMeasurement(lease, At(step), kind, std::nullopt);
}

v1::FinishRequest FinishOf(const LeaseKey& lease) {
  v1::FinishRequest finish;
  *finish.mutable_lease() = lease.ToProto();
  return finish;
}

std::vector<int64_t> Steps(const v1::TrialReport& report) {
  std::vector<int64_t> steps;
  for (const v1::Measurement& measurement : report.measurements()) steps.push_back(measurement.step());
  return steps;
}

TEST(ReportQueueTest, IntroducesTheWorkerEvenWithNothingToSayAndThenIsSilent) {
  ReportQueue queue({});
  const auto first = queue.Take();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->sequence(), 1u);
  EXPECT_TRUE(queue.empty());
  EXPECT_FALSE(queue.Take().has_value());
}

TEST(ReportQueueTest, GroupsByLeaseAndKeepsTheOrderWithin) {
  ReportQueue queue({});
  Add(queue, kA, 1);
  Add(queue, kB, 1);
  Add(queue, kA, 2);
  queue.AddFinish(FinishOf(kB));
  const auto request = queue.Take();
  ASSERT_EQ(request->reports_size(), 2);
  EXPECT_THAT(Steps(request->reports(0)), ElementsAre(1, 2));
  EXPECT_THAT(Steps(request->reports(1)), ElementsAre(1));
  EXPECT_EQ(request->finishes_size(), 1);
}

TEST(ReportQueueTest, OwesAMeasurementUntilItIsAcknowledged) {
  ReportQueue queue({});
  Add(queue, kA, 2);
  EXPECT_FALSE(queue.Owes(kA, 1));
  EXPECT_TRUE(queue.Owes(kA, 2));
  EXPECT_FALSE(queue.Owes(kB, 2));
  queue.Take();
  Add(queue, kA, 3);
  EXPECT_TRUE(queue.Owes(kA, 2)) << "sent, not acknowledged";
  queue.Acknowledge(1);
  EXPECT_FALSE(queue.Owes(kA, 2));
  EXPECT_TRUE(queue.Owes(kA, 3));
}

TEST(ReportQueueTest, SplitsRequestsAtTheirLimitAndNumbersThem) {
  ReportQueue queue({.capacity = 100, .max_request_items = 2, .max_in_flight = 10});
  for (int step = 1; step <= 3; ++step) Add(queue, kA, step);
  EXPECT_THAT(Steps(queue.Take()->reports(0)), ElementsAre(1, 2));
  const auto second = queue.Take();
  EXPECT_EQ(second->sequence(), 2u);
  EXPECT_THAT(Steps(second->reports(0)), ElementsAre(3));
}

TEST(ReportQueueTest, StopsAtTheWindowUntilAnAcknowledgement) {
  ReportQueue queue({.capacity = 100, .max_request_items = 1, .max_in_flight = 2});
  for (int step = 1; step <= 3; ++step) Add(queue, kA, step);
  EXPECT_TRUE(queue.Take().has_value());
  EXPECT_TRUE(queue.Take().has_value());
  EXPECT_FALSE(queue.Take().has_value());
  queue.Acknowledge(1);
  EXPECT_THAT(Steps(queue.Take()->reports(0)), ElementsAre(3));
}

TEST(ReportQueueTest, AcknowledgesCumulativelyAndNamesTheFinishedLeases) {
  ReportQueue queue({.capacity = 100, .max_request_items = 1, .max_in_flight = 10});
  Add(queue, kA, 1);
  queue.AddFinish(FinishOf(kA));
  queue.AddFinish(FinishOf(kB));
  for (int i = 0; i < 3; ++i) queue.Take();
  EXPECT_THAT(queue.Acknowledge(2), ElementsAre(kA));
  EXPECT_FALSE(queue.empty());
  EXPECT_THAT(queue.Acknowledge(2), IsEmpty());
  EXPECT_THAT(queue.Acknowledge(99), ElementsAre(kB));
  EXPECT_TRUE(queue.empty());
}

TEST(ReportQueueTest, SendsTheUnacknowledgedAgainInOrderFromSequenceOne) {
  ReportQueue queue({.capacity = 100, .max_request_items = 1, .max_in_flight = 10});
  for (int step = 1; step <= 4; ++step) Add(queue, kA, step);
  for (int i = 0; i < 3; ++i) queue.Take();
  queue.Acknowledge(1);
  queue.Rewind();
  for (int step = 2; step <= 4; ++step) {
    const auto request = queue.Take();
    EXPECT_EQ(request->sequence(), static_cast<uint64_t>(step - 1));
    EXPECT_THAT(Steps(request->reports(0)), ElementsAre(step));
  }
}

TEST(ReportQueueTest, DropsADeadLeaseButStillAwaitsItsNumbers) {
  ReportQueue queue({.capacity = 100, .max_request_items = 1, .max_in_flight = 10});
  Add(queue, kA, 1);
  queue.Take();
  Add(queue, kA, 2);
  Add(queue, kB, 1);
  queue.Drop(kA);
  EXPECT_EQ(queue.measurements(), 1u);
  const auto request = queue.Take();
  EXPECT_EQ(request->sequence(), 2u);
  EXPECT_THAT(Steps(request->reports(0)), ElementsAre(1));
  queue.Acknowledge(2);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.measurements(), 0u);
}

TEST(ReportQueueTest, SendsTheNewestProgressOnceAndNeverAgain) {
  ReportQueue queue({});
  v1::Progress progress;
  progress.set_fraction(0.25);
  queue.SetProgress(kA, progress);
  progress.set_fraction(0.5);
  queue.SetProgress(kA, progress);
  const auto request = queue.Take();
  ASSERT_EQ(request->reports_size(), 1);
  EXPECT_EQ(request->reports(0).progress().fraction(), 0.5);
  queue.Rewind();
  EXPECT_EQ(queue.Take()->reports_size(), 0);
}

TEST(ReportQueueTest, ThinsOldestTrainingMeasurementsFirstAndNeverObjectiveValues) {
  ReportQueue queue({.capacity = 8, .max_request_items = 100, .max_in_flight = 10});
  // Objective at 1 and 5; the rest training only. At the eighth the queue thins to 6.
  for (int step = 1; step <= 8; ++step) {
    Add(queue, kA, step, step % 4 == 1 ? MeasurementKind::kObjective : MeasurementKind::kTrainingOnly);
  }
  EXPECT_FALSE(queue.full());
  EXPECT_THAT(Steps(queue.Take()->reports(0)), ElementsAre(1, 4, 5, 6, 7, 8));
}

TEST(ReportQueueTest, KeepsTheLastMeasurementOfALease) {
  ReportQueue queue({.capacity = 4, .max_request_items = 100, .max_in_flight = 10});
  Add(queue, kB, 1, MeasurementKind::kTrainingOnly);
  for (int step = 1; step <= 3; ++step) Add(queue, kA, step);
  EXPECT_TRUE(queue.full());
  EXPECT_EQ(queue.measurements(), 4u);
}

TEST(ReportQueueTest, IsFullOfObjectiveValuesUntilSomeAreAcknowledged) {
  ReportQueue queue({.capacity = 2, .max_request_items = 1, .max_in_flight = 10});
  Add(queue, kA, 1);
  EXPECT_FALSE(queue.full());
  Add(queue, kA, 2);
  EXPECT_TRUE(queue.full());
  queue.Take();
  EXPECT_TRUE(queue.full());
  queue.Acknowledge(1);
  EXPECT_FALSE(queue.full());
}

TEST(ReportQueueTest, MovesTheOpeningOfAThinnedMeasurementToTheNextOne) {
  ReportQueue queue({.capacity = 4, .max_request_items = 100, .max_in_flight = 10});
  queue.AddMeasurement(kA, At(8), MeasurementKind::kTrainingOnly, AttemptOpening{.resumed_step = 7, .environment = {}});
  for (int step = 9; step <= 11; ++step) Add(queue, kA, step, MeasurementKind::kTrainingOnly);
  const auto request = queue.Take();
  EXPECT_THAT(Steps(request->reports(0)), ElementsAre(9, 10, 11));
  EXPECT_EQ(request->reports(0).resumed_step(), 7);
}

}  // namespace
}  // namespace athanor::session
