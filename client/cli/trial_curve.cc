// trial curve
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/status.h"
#include "client/cli/bars.h"
#include "client/cli/format.h"
#include "client/cli/table.h"
#include "client/cli/verb.h"
#include "client/cli/wire_json.h"

namespace athanor::cli {
namespace {

constexpr size_t kSparklineWidth = 40;

struct Options {
  std::string study;
  int64_t number = 0;
  std::vector<std::string> metrics;
  int max_points = 1000;
  bool archived = false;
};

// A sparkline for each metric.
std::string CurveText(const v1::Curve& curve, const Look& look) {
  Table table({{"METRIC"},
               {"POINTS", Align::kRight},
               {"STEPS", Align::kRight},
               {"FIRST", Align::kRight},
               {"LEAST", Align::kRight},
               {"GREATEST", Align::kRight},
               {"LAST", Align::kRight},
               {"CURVE"}});
  for (const v1::MetricCurve& metric : curve.metrics()) {
    if (metric.values().empty()) continue;
    const std::vector<double> values(metric.values().begin(), metric.values().end());
    const auto less = [](double a, double b) { return a < b || (std::isnan(b) && !std::isnan(a)); };  // NaN last
    const auto more = [](double a, double b) { return a > b || (std::isnan(b) && !std::isnan(a)); };
    table.AddRow({StyledLine(metric.metric()), StyledLine(std::to_string(values.size())),
                  StyledLine(fmt::format("{}-{}", metric.steps(0), metric.steps(metric.steps_size() - 1))),
                  StyledLine(FormatMetric(values.front())),
                  StyledLine(FormatMetric(*std::min_element(values.begin(), values.end(), less))),
                  StyledLine(FormatMetric(*std::min_element(values.begin(), values.end(), more))),
                  StyledLine(FormatMetric(values.back())),
                  StyledLine(Sparkline(values, kSparklineWidth, look.charset), Style::kActive)});
  }
  return table.empty() ? "no measurements\n" : table.Text(look);
}

absl::Status Show(Session& session, const Options& options) {
  v1::GetCurveRequest request;
  request.set_study(options.study);
  request.set_number(options.number);
  request.mutable_metrics()->Add(options.metrics.begin(), options.metrics.end());
  request.set_max_points(options.max_points);
  request.set_include_archived(options.archived);
  ATHANOR_ASSIGN_OR_RETURN(const v1::Curve curve, session.client().GetCurve(request));
  Answer answer{ToJson(curve), CurveText(curve, session.look()), {}};
  for (const v1::MetricCurve& metric : curve.metrics()) answer.ids.push_back(metric.metric());
  return session.Answer(answer);
}

}  // namespace

void AddTrialCurve(CLI::App* parent, Session& session) {
  auto [verb, options] =
      session.AddVerb<Options>(parent, "curve", "Show the measurements of a trial; every point with --output",
                               "athanor trial curve fashion-lenet 7 --metric val_accuracy --output csv", Show);
  AddTrialArguments(verb, options.study, options.number);
  verb->add_option("--metric", options.metrics, "only these; default all")->delimiter(',')->option_text("NAME,...");
  verb->add_option("--max-points", options.max_points, "thin each metric evenly to so many; default 1000")
      ->check(CLI::Range(1, 100'000))
      ->option_text("N");
  verb->add_flag("--archived", options.archived, "include steps that a later attempt trained again");
}

}  // namespace athanor::cli
