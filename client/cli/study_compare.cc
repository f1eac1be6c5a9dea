// study compare
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/status.h"
#include "client/cli/format.h"
#include "client/cli/study_progress.h"
#include "client/cli/table.h"
#include "client/cli/verb.h"
#include "client/cli/wire_json.h"

namespace athanor::cli {
namespace {

struct Options {
  std::string first;
  std::string second;
};

// One side of the comparison.
struct Side {
  v1::Study study;
  StudyProgress progress;
  const Improvement* level = nullptr;  // where it was as good as the other's best; null: never
};

const v1::Objective& ObjectiveOf(const Side& side) { return side.study.spec().objectives(0); }

std::string Text(const v1::Objective& objective) {
  return fmt::format("{} {}", objective.goal() == v1::GOAL_MINIMIZE ? "minimize" : "maximize", objective.metric());
}

absl::StatusOr<Side> Read(StudyClient& client, const std::string& name) {
  Side side;
  ATHANOR_ASSIGN_OR_RETURN(side.study, client.GetStudy(name));
  ATHANOR_ASSIGN_OR_RETURN(side.progress, ReadProgress(client, side.study));
  return side;
}

Json ToJson(const Spent& spent, const v1::Study& study) {
  return {{"trials", spent.trials}, {StepsName(study), spent.steps}, {"seconds", static_cast<double>(spent.ms) / 1000}};
}

Json ToJson(const Side& side) {
  Json json = {{"study", side.study.spec().name()}, {"state", StateName(side.study.state())}};
  json["search"] = EffectiveMethod(side.study.spec().search());
  json["stopping"] = FormatStopping(side.study.spec().early_stopping(), side.study.max_resource());
  json.update(ToJson(side.progress.spent, side.study));
  if (!side.progress.improvements.empty()) {
    const Improvement& best = side.progress.improvements.back();
    json["best"] = {{"value", best.value}, {"trial", best.trial}, {"step", best.step}};
    json["best"].update(ToJson(best.spent, side.study));
  }
  if (side.level != nullptr) json["as_good_as_the_other"] = ToJson(side.level->spent, side.study);
  for (const v1::TrialCount& count : side.study.trial_counts())
    json["states"][StateName(count.state())] = count.count();
  json["parameters"] = cli::ToJson(side.study.best().parameters());
  return json;
}

std::string Text(const Spent& spent, const v1::Study& study) {
  return fmt::format("{} trials, {} {}, {}", spent.trials, spent.steps, StepsName(study), FormatDuration(spent.ms));
}

std::string BestText(const Side& side) {
  if (side.progress.improvements.empty()) return "none yet";
  const Improvement& best = side.progress.improvements.back();
  return fmt::format("{} (trial {}, step {})", FormatMetric(best.value), best.trial, best.step);
}

std::string StatesText(const v1::Study& study) {
  std::string text;
  for (const v1::TrialCount& count : study.trial_counts()) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count.count(), Lower(StateName(count.state())));
  }
  return text;
}

// "-" where the best trial does not have it.
std::string ParameterText(const Side& side, const std::string& name) {
  for (const v1::NamedValue& value : side.study.best().parameters()) {
    if (value.name() == name) return FormatValue(value.value());
  }
  return "-";
}

std::string CompareText(const std::array<Side, 2>& sides, const Look& look) {
  Table table({{""}, {sides[0].study.spec().name()}, {sides[1].study.spec().name()}});
  const auto row = [&](const std::string& name, auto text) {
    table.AddRow({StyledLine(name, Style::kDim), StyledLine(text(sides[0])), StyledLine(text(sides[1]))});
  };
  row("state", [](const Side& side) { return StateName(side.study.state()); });
  row("search", [](const Side& side) { return EffectiveMethod(side.study.spec().search()); });
  row("stopping",
      [](const Side& side) { return FormatStopping(side.study.spec().early_stopping(), side.study.max_resource()); });
  row("trials", [](const Side& side) { return StatesText(side.study); });
  row("spent", [](const Side& side) { return Text(side.progress.spent, side.study); });
  row("best " + ObjectiveOf(sides[0]).metric(), BestText);
  row("reached after", [](const Side& side) {
    return side.progress.improvements.empty() ? "-" : Text(side.progress.improvements.back().spent, side.study);
  });
  row("the other's after",
      [](const Side& side) { return side.level == nullptr ? "never" : Text(side.level->spent, side.study); });
  std::vector<std::string> names;
  for (const Side& side : sides) {
    for (const v1::Parameter& parameter : side.study.spec().parameters()) {
      if (std::ranges::find(names, parameter.name()) == names.end()) names.push_back(parameter.name());
    }
  }
  for (const std::string& name : names) row(name, [&](const Side& side) { return ParameterText(side, name); });
  return table.Text(look);
}

absl::Status Compare(Session& session, const Options& options) {
  std::array<Side, 2> sides;
  ATHANOR_ASSIGN_OR_RETURN(sides[0], Read(session.client(), options.first));
  ATHANOR_ASSIGN_OR_RETURN(sides[1], Read(session.client(), options.second));
  const std::string first = Text(ObjectiveOf(sides[0])), second = Text(ObjectiveOf(sides[1]));
  if (first != second) {
    return absl::InvalidArgumentError(fmt::format("{} is to {}, {} to {}: their values cannot be compared",
                                                  options.first, first, options.second, second));
  }
  for (size_t i = 0; i < 2; ++i) {
    const std::vector<Improvement>& other = sides[1 - i].progress.improvements;
    if (!other.empty()) {
      sides[i].level = FirstAsGoodAs(sides[i].progress, other.back().value, ObjectiveOf(sides[i]).goal());
    }
  }
  return session.Answer({Json::array({ToJson(sides[0]), ToJson(sides[1])}),
                         CompareText(sides, session.look()),
                         {sides[0].study.spec().name(), sides[1].study.spec().name()}});
}

}  // namespace

void AddStudyCompare(CLI::App* parent, Session& session) {
  auto [verb, options] = session.AddVerb<Options>(
      parent, "compare",
      "Set two studies of one objective side by side: best values, what they cost, and what each needed to get as good "
      "as the other",
      "athanor study compare lenet-random lenet-tpe", Compare);
  verb->add_option("first", options.first, "name or id")->required();
  verb->add_option("second", options.second, "name or id")->required();
}

}  // namespace athanor::cli
