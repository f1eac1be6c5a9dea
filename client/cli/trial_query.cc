// trial list, trial show
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/status.h"
#include "client/cli/format.h"
#include "client/cli/named_values.h"
#include "client/cli/trial_table.h"
#include "client/cli/verb.h"
#include "client/cli/wire_json.h"

namespace athanor::cli {
namespace {

struct ListOptions {
  std::string study;
  std::vector<std::string> states;
  std::vector<std::string> where;
  std::string order = "number";
  std::optional<double> min_value;
  std::optional<double> max_value;
  std::string worker;
  int64_t limit = 1000;
  int64_t top = 0;  // 0 = not given
};

absl::StatusOr<v1::ListTrialsRequest> ToRequest(const ListOptions& options) {
  v1::ListTrialsRequest request;
  request.set_study(options.study);
  for (const std::string& state : options.states) {
    v1::TrialState parsed = v1::TRIAL_STATE_UNSPECIFIED;
    v1::TrialState_Parse("TRIAL_STATE_" + Upper(state), &parsed);
    request.mutable_filter()->add_states(parsed);
  }
  ATHANOR_ASSIGN_OR_RETURN(const std::vector<v1::NamedValue> parameters, ParseNamedValues(options.where));
  request.mutable_filter()->mutable_parameters()->Add(parameters.begin(), parameters.end());
  if (options.min_value) request.mutable_filter()->set_min_best_value(*options.min_value);
  if (options.max_value) request.mutable_filter()->set_max_best_value(*options.max_value);
  request.mutable_filter()->set_worker(options.worker);
  request.set_order(options.order == "best" || options.top > 0 ? v1::TRIAL_ORDER_BEST
                    : options.order == "newest"                ? v1::TRIAL_ORDER_NUMBER_DESCENDING
                                                               : v1::TRIAL_ORDER_NUMBER);
  return request;
}

absl::Status List(Session& session, const ListOptions& options) {
  ATHANOR_ASSIGN_OR_RETURN(v1::ListTrialsRequest request, ToRequest(options));
  // The rungs' steps, to say where a trial was pruned.
  ATHANOR_ASSIGN_OR_RETURN(const v1::Study study, session.client().GetStudy(options.study));
  std::vector<v1::Trial> trials;
  const int64_t limit = options.top > 0 ? options.top : options.limit;
  bool more = false;
  do {
    const int64_t room = limit - static_cast<int64_t>(trials.size());
    request.set_page_size(static_cast<int32_t>(std::min<int64_t>(room, 1000)));
    ATHANOR_ASSIGN_OR_RETURN(const v1::ListTrialsResponse page, session.client().ListTrials(request));
    trials.insert(trials.end(), page.trials().begin(), page.trials().end());
    request.set_page_token(page.next_page_token());
    more = !request.page_token().empty();
  } while (more && static_cast<int64_t>(trials.size()) < limit);

  Answer answer = TrialsAnswer(trials, study, session.look());
  if (more && options.top == 0) answer.text += fmt::format("(the first {}; --limit for more)\n", trials.size());
  return session.Answer(answer);
}

struct ShowOptions {
  std::string study;
  int64_t number = 0;
};

// Of a reason: what happened. The last lines of a log may follow, which have no place in a table.
std::string FirstLine(const std::string& reason) { return reason.substr(0, reason.find('\n')); }

// What the log of the newest attempt that has one in its reason ended with.
std::string LastWords(const v1::TrialDetail& detail, const Look& look) {
  for (int i = detail.attempts_size() - 1; i >= 0; --i) {
    const std::string& reason = detail.attempts(i).reason();
    size_t end = reason.find('\n');
    if (end == std::string::npos) continue;
    std::string text = fmt::format("\nthe log of attempt {} ended with\n", detail.attempts(i).token());
    while (end != std::string::npos) {
      const size_t next = reason.find('\n', end + 1);
      text += StyledLine("  " + reason.substr(end + 1, next - end - 1), Style::kDim).Render(look) + "\n";
      end = next;
    }
    return text;
  }
  return "";
}

std::string ShowText(const v1::TrialDetail& detail, const v1::Study& study, const Look& look) {
  const v1::Trial& trial = detail.trial();
  StyledLine head(fmt::format("trial {} of {}", trial.number(), study.spec().name()), Style::kBold);
  head.Append("  ").Append(StateName(trial.state()), StateStyle(trial.state()));
  if (!trial.reason().empty()) head.Append("  " + FirstLine(trial.reason()), Style::kDim);
  std::string text = head.Render(look) + "\n";
  const auto add = [&](const char* name, const std::string& value) { text += fmt::format("{:<13} {}\n", name, value); };
  add("ended", FormatEnd(trial, study.rungs()));
  add("parameters", FormatParameters(trial.parameters()));
  if (trial.has_best_value())
    add("best", fmt::format("{} at step {}", FormatMetric(trial.best_value()), trial.best_step()));
  if (trial.has_final_value())
    add("final", fmt::format("{} at step {}", FormatMetric(trial.final_value()), trial.final_step()));
  for (const v1::Metric& metric : detail.last().metrics()) {
    add(metric.name().c_str(), fmt::format("{} at step {}", FormatMetric(metric.value()), detail.last().step()));
  }
  if (!trial.final_metrics().empty()) add("best model", FormatParameters(trial.final_metrics()));
  add("trained for", FormatDuration(trial.elapsed_ms()));
  add("seed", std::to_string(trial.seed()));
  if (trial.has_suggestion_index()) add("suggestion", std::to_string(trial.suggestion_index()));
  if (const std::string bracket = FormatBracket(trial, study); !bracket.empty()) add("bracket", bracket);
  if (trial.checkpoint_step() > 0) add("checkpoint", fmt::format("step {}", trial.checkpoint_step()));

  Table attempts({{"TOKEN", Align::kRight},
                  {"WORKER"},
                  {"DEVICE"},
                  {"STARTED"},
                  {"TOOK", Align::kRight},
                  {"FROM STEP", Align::kRight},
                  {"OUTCOME"},
                  {"REASON"}});
  for (const v1::Attempt& attempt : detail.attempts()) {
    const bool ended = attempt.ended_unix_ms() != 0;
    attempts.AddRow({StyledLine(std::to_string(attempt.token())), StyledLine(attempt.worker()),
                     StyledLine(attempt.environment().device()), StyledLine(FormatTime(attempt.started_unix_ms())),
                     StyledLine(ended ? FormatDuration(attempt.ended_unix_ms() - attempt.started_unix_ms()) : "-"),
                     StyledLine(std::to_string(attempt.resumed_step())), StyledLine(OutcomeName(attempt.outcome())),
                     StyledLine(FirstLine(attempt.reason()), Style::kDim)});
  }
  if (!attempts.empty()) text += "\n" + attempts.Text(look) + LastWords(detail, look);
  Table decisions({{"STEP", Align::kRight},
                   {"RUNG", Align::kRight},
                   {"RULE"},
                   {"VALUE", Align::kRight},
                   {"BOUND", Align::kRight},
                   {"OF", Align::kRight},
                   {"DECISION"}});
  for (const v1::Decision& decision : detail.decisions()) {
    decisions.AddRow({StyledLine(std::to_string(decision.step())),
                      StyledLine(decision.has_rung() ? std::to_string(decision.rung()) : ""),
                      StyledLine(decision.rule()), StyledLine(FormatMetric(decision.value())),
                      StyledLine(std::isnan(decision.bound()) ? "" : FormatMetric(decision.bound())),
                      StyledLine(std::to_string(decision.n())), StyledLine(ActionName(decision.action()))});
  }
  if (!decisions.empty()) text += "\n" + decisions.Text(look);
  return text;
}

absl::Status Show(Session& session, const ShowOptions& options) {
  ATHANOR_ASSIGN_OR_RETURN(const v1::TrialDetail detail, session.client().GetTrial(options.study, options.number));
  ATHANOR_ASSIGN_OR_RETURN(const v1::Study study, session.client().GetStudy(options.study));
  return session.Answer({ToJson(detail), ShowText(detail, study, session.look()), {std::to_string(options.number)}});
}

}  // namespace

void AddTrialQueries(CLI::App* parent, Session& session) {
  auto [list, options] = session.AddVerb<ListOptions>(
      parent, "list", "List the trials of a study",
      "athanor trial list fashion-lenet --order best --where optimizer=sgd --limit 20", List);
  AddStudyArgument(list, options.study);
  list->add_option("--state", options.states,
                   "only these: waiting, running, paused, completed, pruned, failed, infeasible, cancelled")
      ->check(
          CLI::IsMember({"waiting", "running", "paused", "completed", "pruned", "failed", "infeasible", "cancelled"},
                        CLI::ignore_case))
      ->delimiter(',')
      ->option_text("STATE,...");
  list->add_option("--where", options.where, "only trials with this parameter; may be repeated")
      ->option_text("NAME=VALUE");
  CLI::Option* order = list->add_option("--order", options.order, "number (default), newest or best")
                           ->check(CLI::IsMember({"number", "newest", "best"}))
                           ->option_text("ORDER");
  list->add_option("--min-value", options.min_value, "only a best value of at least this")->option_text("VALUE");
  list->add_option("--max-value", options.max_value, "only a best value of at most this")->option_text("VALUE");
  list->add_option("--worker", options.worker, "only those that run there")->option_text("NAME");
  CLI::Option* limit = list->add_option("--limit", options.limit, "at most so many; default 1000")
                           ->check(CLI::Range(int64_t{1}, int64_t{1'000'000'000}))
                           ->option_text("N");
  list->add_option("--top", options.top, "the best so many, best first")
      ->check(CLI::Range(int64_t{1}, int64_t{1'000'000'000}))
      ->excludes(order)
      ->excludes(limit)
      ->option_text("N");

  auto [show, trial] =
      session.AddVerb<ShowOptions>(parent, "show", "Show a trial, its attempts and what was decided about it",
                                   "athanor trial show fashion-lenet 7", Show);
  AddTrialArguments(show, trial.study, trial.number);
}

}  // namespace athanor::cli
