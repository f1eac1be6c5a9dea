#include "client/cli/simulate_policies.h"

#include <fmt/format.h>

#include <utility>

#include "base/status.h"
#include "client/api/study_file.h"
#include "server/rpc/convert_study_spec.h"

namespace athanor::cli {
namespace {

// What a study file must have besides, and a policy leaves to the task.
constexpr const char* kTask = "objective: {metric: m, goal: minimize}, parameters: {x: {type: float, min: 0, max: 1}}";

void LeaveOutFinalists(v1::EarlyStopping& stopping) {
  if (stopping.has_asha() && !stopping.asha().has_finalists()) stopping.mutable_asha()->set_finalists(0);
  if (stopping.has_hyperband() && !stopping.hyperband().has_finalists()) stopping.mutable_hyperband()->set_finalists(0);
}

absl::StatusOr<Policy> PolicyOf(const v1::StudySpec& wire) {
  ATHANOR_ASSIGN_OR_RETURN(StudySpec spec, FromProto(wire));
  Policy policy;
  policy.name = spec.name;
  policy.search = std::move(spec.search);
  policy.early_stopping = std::move(spec.early_stopping);
  policy.budget = std::move(spec.budget);
  return policy;
}

}  // namespace

absl::StatusOr<Policy> ParsePolicy(const std::string& text, Proposals without_search) {
  const std::string where = fmt::format("--policy \"{}\"", text);
  ATHANOR_ASSIGN_OR_RETURN(const YamlDocument document, YamlDocument::Parse("{" + text + "}", where));
  ATHANOR_ASSIGN_OR_RETURN(YamlMapReader map, YamlMapReader::Open(document.root()));
  const bool named = map.Find("name") != nullptr;
  const bool searched = map.Find("search") != nullptr;
  map.Find("early_stopping");
  map.Find("budget");
  ATHANOR_RETURN_IF_ERROR(map.Finish());

  const char* name = named ? "" : "name: p, ";
  ATHANOR_ASSIGN_OR_RETURN(StudyFile file, ParseStudyFile(fmt::format("{{{}{}, {}}}", name, kTask, text), where));
  LeaveOutFinalists(*file.spec.mutable_early_stopping());
  if (!searched) file.spec.mutable_search()->set_method("random");
  absl::StatusOr<Policy> policy = PolicyOf(file.spec);
  if (!policy.ok()) return Locate(file, policy.status());
  if (!searched) policy->proposals = without_search;
  if (!named) {
    const std::string search = policy->proposals == Proposals::kAsRecorded ? "recorded" : policy->search.method;
    const std::string rule(StoppingName(policy->early_stopping));
    policy->name = rule == "none" ? search : fmt::format("{} {}", search, rule);
  }
  return policy;
}

absl::StatusOr<Policy> ReadPolicyFile(const std::string& path) {
  ATHANOR_ASSIGN_OR_RETURN(const StudyFile file, ReadStudyFile(path));
  absl::StatusOr<Policy> policy = PolicyOf(file.spec);
  return policy.ok() ? policy : Locate(file, policy.status());
}

}  // namespace athanor::cli
