#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "server/rpc/convert_stopping.h"
#include "server/rpc/convert_study.h"
#include "server/rpc/convert_study_spec.h"
#include "server/rpc/convert_value.h"
#include "server/rpc/convert_worker.h"
#include "server/rpc/status.h"
#include "tests/testing/study_specs.h"

namespace athanor {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Every field of the spec shows in its message, so equal messages of a spec and of what was read back from it mean that
// nothing was lost; the variants, which have no operator==, are compared this way too.
void ExpectRoundTrip(const StudySpec& spec) {
  const v1::StudySpec proto = ToProto(spec);
  v1::StudySpec parsed;
  ASSERT_TRUE(parsed.ParseFromString(proto.SerializeAsString()));
  const absl::StatusOr<StudySpec> read = FromProto(parsed);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(ToProto(*read).DebugString(), proto.DebugString());
  EXPECT_EQ(read->parameters, spec.parameters);
  EXPECT_EQ(read->trainer, spec.trainer);
  EXPECT_EQ(read->early_stopping.index(), spec.early_stopping.index());
  EXPECT_EQ(read->search.seed, spec.search.seed);
  EXPECT_EQ(read->labels, spec.labels);
}

// What `auto` has picked is the coordinator's to say: it leaves and does not come in.
TEST(StudySpecConversion, KeepsEveryFieldOfARichSpecButWhatWasPicked) {
  StudySpec rich = RichStudySpec("rich");
  const v1::StudySpec proto = ToProto(rich);
  EXPECT_EQ(proto.search().picked(), rich.search.picked);
  EXPECT_EQ(proto.search().picked_reason(), rich.search.picked_reason);
  EXPECT_EQ(FromProto(proto)->search.picked, "");
  rich.search.picked.clear();
  rich.search.picked_reason.clear();
  ExpectRoundTrip(rich);
}

TEST(StudySpecConversion, KeepsEveryStoppingMethod) {
  StudySpec spec = SmallStudySpec("s");
  ExpectRoundTrip(spec);
  MedianStopping median;
  median.startup_trials = 0;
  median.warmup_steps = 4;
  spec.early_stopping = median;
  ExpectRoundTrip(spec);
  PercentileStopping percentile;
  percentile.percentile = 12.5;
  percentile.interval_steps = 3;
  percentile.min_trials = 2;
  spec.early_stopping = percentile;
  ExpectRoundTrip(spec);
  AshaStopping asha;
  asha.max_resource = 81;
  asha.startup_trials = 7;
  spec.early_stopping = asha;
  ExpectRoundTrip(spec);
  AshaPromotion brackets;
  brackets.brackets = 3;
  spec.early_stopping = brackets;
  ExpectRoundTrip(spec);
  Hyperband hyperband;
  hyperband.max_resource = 81;
  hyperband.finalists = 0;
  hyperband.synchronous = true;
  spec.early_stopping = hyperband;
  ExpectRoundTrip(spec);
  const ThresholdStopping threshold = {{.lower = 0, .warmup_steps = 2, .interval_steps = 3}};
  spec.early_stopping = threshold;
  ExpectRoundTrip(spec);
  for (const InnerStopping& inner :
       {InnerStopping(NoStopping{}), InnerStopping(median), InnerStopping(percentile), InnerStopping(threshold)}) {
    spec.early_stopping = PatienceStopping{.patience = 0, .min_delta = 0.5, .inner = inner};
    ExpectRoundTrip(spec);
  }
}

TEST(StudySpecConversion, RefusesAnInnerRuleThatPatienceCannotAsk) {
  v1::EarlyStopping proto;
  proto.mutable_patience()->mutable_inner()->mutable_asha();
  EXPECT_EQ(FromProto(proto).status().message(),
            "early_stopping.inner.method: a rule with rungs cannot be asked; want median, percentile or threshold");
  proto.mutable_patience()->mutable_inner()->mutable_patience();
  EXPECT_EQ(FromProto(proto).status().message(),
            "early_stopping.inner.method: patience itself cannot be asked; want median, percentile or threshold");
  proto.mutable_asha_stopping()->set_brackets(2);
  EXPECT_EQ(FromProto(proto).status().message(),
            "early_stopping.brackets: 2 is given to asha_stopping; only asha has it");
}

TEST(StudySpecConversion, TakesDefaultsForWhatIsAbsent) {
  v1::StudySpec proto;
  proto.mutable_early_stopping()->mutable_asha();
  const absl::StatusOr<StudySpec> spec = FromProto(proto);
  ASSERT_TRUE(spec.ok()) << spec.status();
  const auto& asha = std::get<AshaPromotion>(spec->early_stopping);
  EXPECT_EQ(asha.min_resource, 1);
  EXPECT_EQ(asha.reduction_factor, 3);
  EXPECT_EQ(asha.finalists, 1);
  EXPECT_EQ(spec->search.method, "auto");
  EXPECT_EQ(spec->retry.max_attempts, 3);
  EXPECT_EQ(spec->retry.stall_timeout_ms, 600'000);
  EXPECT_EQ(spec->checkpoint.interval_ms, 300'000);
  EXPECT_EQ(spec->checkpoint.keep_best, 1);
  EXPECT_EQ(spec->requirements.device, "any");
  EXPECT_EQ(spec->requirements.devices, 1);
  EXPECT_FALSE(spec->budget.trials.has_value());
}

TEST(StudySpecConversion, KeepsZerosThatWereSet) {
  v1::StudySpec proto;
  proto.mutable_early_stopping()->mutable_asha()->set_finalists(0);
  proto.mutable_checkpoint()->set_interval_ms(0);
  proto.mutable_checkpoint()->set_keep_best(0);
  proto.mutable_budget()->set_max_failures(0);
  const absl::StatusOr<StudySpec> spec = FromProto(proto);
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(std::get<AshaPromotion>(spec->early_stopping).finalists, 0);
  EXPECT_EQ(spec->checkpoint.interval_ms, 0);
  EXPECT_EQ(spec->checkpoint.keep_best, 0);
  EXPECT_EQ(spec->budget.max_failures, 0);
}

struct RefusedSpec {
  const char* name;
  std::function<void(v1::StudySpec&)> change;
  const char* message;  // how it starts
};

class StudySpecRefusal : public ::testing::TestWithParam<RefusedSpec> {};

v1::Parameter& AddParameter(v1::StudySpec& spec, v1::ParameterType type) {
  v1::Parameter& parameter = *spec.add_parameters();
  parameter.set_name("p");
  parameter.set_type(type);
  return parameter;
}

TEST_P(StudySpecRefusal, StartsWithTheKeyPath) {
  v1::StudySpec spec;
  GetParam().change(spec);
  const absl::Status status = FromProto(spec).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), StartsWith(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    All, StudySpecRefusal,
    ::testing::Values(
        RefusedSpec{"NoType", [](auto& spec) { AddParameter(spec, v1::PARAMETER_TYPE_UNSPECIFIED); },
                    "parameters.p.type: is missing"},
        RefusedSpec{"NoMin", [](auto& spec) { AddParameter(spec, v1::PARAMETER_TYPE_FLOAT); },
                    "parameters.p.min: is missing"},
        RefusedSpec{"NoMax",
                    [](auto& spec) { AddParameter(spec, v1::PARAMETER_TYPE_FLOAT).mutable_min()->set_float_value(0); },
                    "parameters.p.max: is missing"},
        RefusedSpec{"TextAsMin",
                    [](auto& spec) {
                      auto& parameter = AddParameter(spec, v1::PARAMETER_TYPE_FLOAT);
                      parameter.mutable_min()->set_string_value("low");
                      parameter.mutable_max()->set_float_value(1);
                    },
                    "parameters.p.min: string low; want float"},
        RefusedSpec{"FloatAsIntMax",
                    [](auto& spec) {
                      auto& parameter = AddParameter(spec, v1::PARAMETER_TYPE_INT);
                      parameter.mutable_min()->set_int_value(0);
                      parameter.mutable_max()->set_float_value(1.5);
                    },
                    "parameters.p.max: float 1.5; want int"},
        RefusedSpec{"EmptyStep",
                    [](auto& spec) {
                      auto& parameter = AddParameter(spec, v1::PARAMETER_TYPE_FLOAT);
                      parameter.mutable_min()->set_float_value(0);
                      parameter.mutable_max()->set_float_value(1);
                      parameter.mutable_step();
                    },
                    "parameters.p.step: has no value"},
        RefusedSpec{
            "CategoricalWithMin",
            [](auto& spec) { AddParameter(spec, v1::PARAMETER_TYPE_CATEGORICAL).mutable_min()->set_float_value(0); },
            "parameters.p.min: given"},
        RefusedSpec{"ChoiceWithoutValue",
                    [](auto& spec) { AddParameter(spec, v1::PARAMETER_TYPE_CATEGORICAL).add_values(); },
                    "parameters.p.values[0]: has no value"},
        RefusedSpec{"ConditionWithoutValue",
                    [](auto& spec) {
                      auto& when = *AddParameter(spec, v1::PARAMETER_TYPE_CATEGORICAL).add_when();
                      when.set_parent("q");
                      when.add_values();
                    },
                    "parameters.p.when.q[0]: has no value"},
        RefusedSpec{"NoGoal", [](auto& spec) { spec.add_objectives()->set_metric("loss"); },
                    "objective.goal: is missing"},
        RefusedSpec{"MaxResourceZero",
                    [](auto& spec) { spec.mutable_early_stopping()->mutable_asha()->set_max_resource(0); },
                    "early_stopping.max_resource: 0 is too small"},
        RefusedSpec{"OptionTwice",
                    [](auto& spec) {
                      for (int i = 0; i < 2; ++i) {
                        auto& option = *spec.add_trainer();
                        option.set_name("epochs");
                        option.mutable_value()->set_int_value(3);
                      }
                    },
                    "trainer.epochs: is given twice"},
        RefusedSpec{"OptionWithoutValue", [](auto& spec) { spec.add_trainer()->set_name("epochs"); },
                    "trainer.epochs: has no value"}),
    [](const auto& info) { return info.param.name; });

TEST(ValueConversion, KeepsTypeAndValue) {
  for (const Value& value : {Value(true), Value(int64_t{1}), Value(1.0), Value(std::string("1")),
                             Value(std::numeric_limits<int64_t>::min()), Value(kInfinity), Value(-kInfinity)}) {
    const auto read = FromProto(ToProto(value), "v");
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(*read, value) << ToString(value);
  }
  const auto nan = FromProto(ToProto(Value(std::nan(""))), "v");
  ASSERT_TRUE(nan.ok());
  EXPECT_TRUE(std::isnan(std::get<double>(*nan)));
}

TEST(WorkerConversion, KeepsLargestNumbersOfARegistration) {
  v1::RegisterRequest request;
  request.set_worker("node-1");
  request.set_incarnation(std::numeric_limits<uint64_t>::max());
  request.set_protocol_version(7);
  request.set_slots(3);
  request.add_datasets("fashion-mnist");
  v1::Device& device = *request.add_devices();
  device.set_kind("cuda");
  device.set_memory_bytes(int64_t{80} << 30);
  const Registration registration = FromProto(request);
  EXPECT_EQ(registration.worker.name, "node-1");
  EXPECT_EQ(registration.worker.incarnation, std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(registration.protocol_version, 7);
  EXPECT_EQ(registration.worker.slots, 3);
  EXPECT_THAT(registration.worker.datasets, ElementsAre("fashion-mnist"));
  ASSERT_EQ(registration.worker.devices.size(), 1u);
  EXPECT_EQ(registration.worker.devices[0].memory_bytes, int64_t{80} << 30);
}

TEST(WorkerConversion, KeepsNonFiniteMetricsOfAReport) {
  v1::TrialReport proto;
  proto.mutable_lease()->set_token(std::numeric_limits<int64_t>::max());
  for (const double value : {std::nan(""), kInfinity, -kInfinity}) {
    v1::Measurement& measurement = *proto.add_measurements();
    measurement.set_step(proto.measurements_size());
    v1::Metric& metric = *measurement.add_metrics();
    metric.set_name("loss");
    metric.set_value(value);
  }
  v1::TrialReport parsed;
  ASSERT_TRUE(parsed.ParseFromString(proto.SerializeAsString()));
  const TrialReport report = FromProto(parsed);
  EXPECT_EQ(report.lease.token, std::numeric_limits<int64_t>::max());
  ASSERT_EQ(report.measurements.size(), 3u);
  EXPECT_TRUE(std::isnan(report.measurements[0].metrics[0].value));
  EXPECT_EQ(report.measurements[1].metrics[0].value, kInfinity);
  EXPECT_EQ(report.measurements[2].metrics[0].value, -kInfinity);
  EXPECT_FALSE(report.start.has_value());
}

TEST(WorkerConversion, TellsAStepZeroFromNoStep) {
  v1::TrialReport proto;
  proto.set_resumed_step(0);
  proto.mutable_environment()->set_threads(2);
  const TrialReport report = FromProto(proto);
  ASSERT_TRUE(report.start.has_value());
  EXPECT_EQ(report.start->resumed_step, 0);
  EXPECT_EQ(report.start->environment.threads, 2);
}

TEST(WorkerConversion, RefusesAFinishWithoutOutcomeOrWithALongReason) {
  v1::FinishRequest finish;
  EXPECT_EQ(FromProto(finish).status().code(), absl::StatusCode::kInvalidArgument);
  finish.set_outcome(v1::ATTEMPT_OUTCOME_FAILED);
  finish.set_reason(std::string(64 * 1024, 'x'));
  EXPECT_TRUE(FromProto(finish).ok());
  finish.set_reason(std::string(64 * 1024 + 1, 'x'));
  EXPECT_EQ(FromProto(finish).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(WorkerConversion, PutsEveryFieldOfALeaseOnTheWire) {
  LeaseGrant grant;
  grant.ref = {3, 4, 5};
  grant.study_name = "s";
  grant.options = {{"epochs", Value(int64_t{9})}};
  grant.seed = std::numeric_limits<uint64_t>::max();
  grant.resource = Resource::kStep;
  grant.until_step = 9;
  grant.hold_at = {1, 3};
  grant.pauses_at_hold = true;
  grant.checkpoints = {{.trial = 4, .token = 2, .step = 3, .sha256 = "ab", .size_bytes = 17}};
  grant.checkpoint_interval_ms = 11;
  grant.stall_timeout_ms = 12;
  grant.objective = {"loss", Goal::kMinimize};
  grant.elapsed_ms = 13;
  const v1::Lease lease = ToProto(grant);
  EXPECT_EQ(lease.ref().study_id(), 3);
  EXPECT_EQ(lease.ref().trial_number(), 4);
  EXPECT_EQ(lease.ref().token(), 5);
  EXPECT_EQ(lease.seed(), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(lease.resource(), v1::RESOURCE_STEP);
  EXPECT_THAT(lease.hold_at(), ElementsAre(1, 3));
  EXPECT_TRUE(lease.pauses_at_hold());
  ASSERT_EQ(lease.checkpoints_size(), 1);
  EXPECT_EQ(lease.checkpoints(0).size_bytes(), 17);
  EXPECT_EQ(lease.goal(), v1::GOAL_MINIMIZE);
  EXPECT_EQ(lease.objective_metric(), "loss");
  EXPECT_EQ(lease.elapsed_ms(), 13);
  EXPECT_EQ(lease.options(0).value().int_value(), 9);
}

TEST(CurveConversion, ThinsEvenlyAndKeepsBothEnds) {
  EXPECT_THAT(ThinnedIndices(0, 4), ElementsAre());
  EXPECT_THAT(ThinnedIndices(1, 4), ElementsAre(0));
  EXPECT_THAT(ThinnedIndices(4, 4), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(ThinnedIndices(10, 4), ElementsAre(0, 3, 6, 9));
  EXPECT_THAT(ThinnedIndices(5, 2), ElementsAre(0, 4));
}

TEST(StatusConversion, KeepsEveryCode) {
  for (int code = 0; code <= 16; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), "why");
    EXPECT_EQ(static_cast<int>(ToGrpc(status).error_code()), code);
    EXPECT_EQ(ToGrpc(status).error_message(), code == 0 ? "" : "why");
  }
}

}  // namespace
}  // namespace athanor
