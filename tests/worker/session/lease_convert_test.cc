#include "worker/session/lease_convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace athanor::session {
namespace {

using ::testing::ElementsAre;

TEST(ToStartCommandTest, CarriesEverythingTheTrainerNeeds) {
  v1::Lease lease;
  const auto add = [&](const char* name) -> v1::Value& {
    v1::NamedValue& option = *lease.add_options();
    option.set_name(name);
    return *option.mutable_value();
  };
  add("batch_size").set_int_value(32);
  add("learning_rate").set_float_value(1.0);
  add("nesterov").set_bool_value(true);
  add("optimizer").set_string_value("1");
  lease.set_seed(5);
  lease.set_resource(v1::RESOURCE_STEP);
  lease.set_until_step(27);
  lease.add_hold_at(3);
  lease.add_hold_at(9);
  lease.set_checkpoint_interval_ms(100);
  lease.set_objective_metric("val_loss");
  lease.set_goal(v1::GOAL_MINIMIZE);
  lease.set_elapsed_ms(44);
  lease.set_final_checkpoint(true);

  const StartCommand command = ToStartCommand(lease, "1-2-3", "/dir", {{.path = "/p", .step = 2}});
  EXPECT_EQ(
      command.options,
      (NamedValues{
          {"batch_size", int64_t{32}}, {"learning_rate", 1.0}, {"nesterov", true}, {"optimizer", std::string("1")}}));
  EXPECT_EQ(command.trial, "1-2-3");
  EXPECT_EQ(command.seed, 5u);
  EXPECT_EQ(command.resource, ResourceUnit::kStep);
  EXPECT_EQ(command.until, 27);
  EXPECT_THAT(command.hold_at, ElementsAre(3, 9));
  EXPECT_EQ(command.objective, "val_loss");
  EXPECT_EQ(command.goal, MetricGoal::kMinimize);
  EXPECT_EQ(command.checkpoint_dir, "/dir");
  EXPECT_EQ(command.checkpoint_interval_ms, 100);
  EXPECT_EQ(command.elapsed_ms, 44);
  EXPECT_TRUE(command.final_checkpoint);
  ASSERT_EQ(command.checkpoints.size(), 1u);
  EXPECT_EQ(command.checkpoints[0].path, "/p");
}

TEST(ToStartCommandTest, ReadsAnUnspecifiedResourceAsEpochs) {
  EXPECT_EQ(ToStartCommand({}, "", "", {}).resource, ResourceUnit::kEpoch);
}

TEST(ToProtoTest, KeepsNonFiniteMetrics) {
  const v1::Measurement measurement =
      ToProto(MetricsMessage{.step = 3, .metrics = {{"loss", std::nan("")}}, .elapsed_ms = 12});
  EXPECT_EQ(measurement.step(), 3);
  EXPECT_EQ(measurement.elapsed_ms(), 12);
  ASSERT_EQ(measurement.metrics_size(), 1);
  EXPECT_TRUE(std::isnan(measurement.metrics(0).value()));
}

TEST(ToFinishRequestTest, CutsALongReasonBetweenCharacters) {
  std::string reason = "x";
  while (reason.size() < (100u << 10)) reason += "\xc3\xa4";
  const v1::FinishRequest finish = ToFinishRequest({}, v1::ATTEMPT_OUTCOME_FAILED, reason, {{"a", 1.0}});
  EXPECT_EQ(finish.reason().size(), (60u << 10) - 1);
  EXPECT_EQ(finish.reason().substr(finish.reason().size() - 2), "\xc3\xa4");
  EXPECT_EQ(finish.final_metrics(0).name(), "a");
}

}  // namespace
}  // namespace athanor::session
