// study update
#include <fmt/format.h>

#include <optional>
#include <string>

#include "base/status.h"
#include "base/yaml_reader.h"
#include "client/cli/format.h"
#include "client/cli/verb.h"
#include "client/cli/wire_json.h"

namespace athanor::cli {
namespace {

struct Options {
  std::string study;
  std::optional<std::string> trials, parallel, wall_clock, max_failures, target;
  std::optional<int64_t> priority;
};

// A limit as a study file has it, or "none". INVALID_ARGUMENT naming the option.
template <typename T>
absl::StatusOr<std::optional<T>> ReadLimit(const char* option, const std::string& text,
                                           absl::StatusOr<T> (YamlNode::*read)() const, const char* wanted) {
  if (text == "none") return std::optional<T>();
  if (const auto document = YamlDocument::Parse(text, ""); document.ok()) {
    if (const absl::StatusOr<T> value = (document->root().*read)(); value.ok()) return std::optional<T>(*value);
  }
  return absl::InvalidArgumentError(fmt::format("{}: \"{}\" is no limit; want {} or none", option, text, wanted));
}

absl::StatusOr<v1::UpdateStudyRequest> ToRequest(const Options& options) {
  v1::UpdateStudyRequest request;
  request.set_study(options.study);
  v1::Budget& budget = *request.mutable_budget();
  const auto change = [&](const char* path) { request.mutable_update_mask()->add_paths(path); };
  if (options.trials) {
    change("budget.trials");
    ATHANOR_ASSIGN_OR_RETURN(const auto limit, ReadLimit("--trials", *options.trials, &YamlNode::Int, "an int"));
    if (limit) budget.set_trials(*limit);
  }
  if (options.parallel) {
    change("budget.parallel");
    ATHANOR_ASSIGN_OR_RETURN(const auto limit, ReadLimit("--parallel", *options.parallel, &YamlNode::Int, "an int"));
    budget.set_parallel(limit.value_or(0));
  }
  if (options.wall_clock) {
    change("budget.wall_clock_ms");
    ATHANOR_ASSIGN_OR_RETURN(const auto limit, ReadLimit("--wall-clock", *options.wall_clock, &YamlNode::DurationMs,
                                                         "a duration such as 90m or 2h"));
    if (limit) budget.set_wall_clock_ms(*limit);
  }
  if (options.max_failures) {
    change("budget.max_failures");
    ATHANOR_ASSIGN_OR_RETURN(const auto limit,
                             ReadLimit("--max-failures", *options.max_failures, &YamlNode::Int, "an int"));
    if (limit) budget.set_max_failures(*limit);
  }
  if (options.target) {
    change("budget.target");
    ATHANOR_ASSIGN_OR_RETURN(const auto limit, ReadLimit("--target", *options.target, &YamlNode::Float, "a number"));
    if (limit) budget.set_target(*limit);
  }
  if (options.priority) {
    change("priority");
    request.set_priority(*options.priority);
  }
  if (request.update_mask().paths().empty()) {
    return absl::InvalidArgumentError(
        "nothing to change; want some of --trials, --parallel, --wall-clock, --max-failures, --target, --priority");
  }
  return request;
}

absl::Status Update(Session& session, const Options& options) {
  ATHANOR_ASSIGN_OR_RETURN(const v1::UpdateStudyRequest request, ToRequest(options));
  ATHANOR_ASSIGN_OR_RETURN(const v1::Study study, session.client().UpdateStudy(request));
  const std::string reason = study.reason().empty() ? "" : ": " + study.reason();
  return session.Answer({ToJson(study),
                         fmt::format("study {} is {}{}\n", study.spec().name(), StateName(study.state()), reason),
                         {std::to_string(study.id())}});
}

}  // namespace

void AddStudyUpdate(CLI::App* parent, Session& session) {
  auto [verb, options] = session.AddVerb<Options>(
      parent, "update", "Change the budget or the priority of a study; more room takes one that has ended back to work",
      "athanor study update fashion-lenet --trials 200 --wall-clock none", Update);
  AddStudyArgument(verb, options.study);
  verb->add_option("--trials", options.trials, "trials in all, those created so far included")->option_text("N|none");
  verb->add_option("--parallel", options.parallel, "trials at a time; ends none that runs")->option_text("N|none");
  verb->add_option("--wall-clock", options.wall_clock, "time ACTIVE, the time so far included")->option_text("2h|none");
  verb->add_option("--max-failures", options.max_failures, "FAILED trials that make the study FAILED")
      ->option_text("N|none");
  verb->add_option("--target", options.target, "value that completes the study")->option_text("X|none");
  verb->add_option("--priority", options.priority, "higher is served first")->option_text("N");
}

}  // namespace athanor::cli
