// The wire's messages as JSON for --output: names without prefixes, states in upper case as the documentation writes
// them ("WAITING"), values as they are, times in Unix milliseconds, what is absent left out. The keys are an interface
// for scripts: add, do not rename.
#pragma once

#include "athanor/v1/study_service.pb.h"
#include "client/cli/output.h"

namespace athanor::cli {

Json ToJson(const v1::Value& value);
// {"learning_rate": 0.01, ...}
Json ToJson(const google::protobuf::RepeatedPtrField<v1::NamedValue>& values);
// The layout of a study file (SEMANTICS section 1), so that its YAML can be submitted again.
Json ToJson(const v1::StudySpec& spec);
Json ToJson(const v1::Study& study);
Json ToJson(const v1::Trial& trial);
// The trial with its attempts, decisions and last metrics.
Json ToJson(const v1::TrialDetail& detail);
Json ToJson(const v1::StudyPlan& plan);
Json ToJson(const v1::Worker& worker);
Json ToJson(const v1::ServerStatus& status);
Json ToJson(const v1::GarbageCheckpoint& checkpoint);
Json ToJson(const v1::GarbageReport& report);
Json ToJson(const v1::Artifact& artifact);
Json ToJson(const v1::Importance& importance);
// One object a metric and step: {"number": .., "metric": .., "step": .., "value": .., "elapsed_ms": ..}.
Json ToJson(const v1::Curve& curve);

}  // namespace athanor::cli
