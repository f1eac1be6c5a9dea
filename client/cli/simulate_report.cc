#include "client/cli/simulate_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "client/cli/format.h"
#include "client/cli/table.h"

namespace athanor::cli {
namespace {

StyledLine Text(std::string text) { return StyledLine(std::move(text)); }
StyledLine Share(double share) { return Text(fmt::format("{:.1f}%", 100 * share)); }

// The cells of one (workers, policy), by task.
std::span<const Cell> RowOf(const Simulated& simulated, size_t workers, size_t policy) {
  const size_t tasks = simulated.tasks.size();
  return simulated.cells.subspan((workers * simulated.policies.size() + policy) * tasks, tasks);
}
size_t WorkerCounts(const Simulated& simulated) {
  return simulated.cells.size() / (simulated.tasks.size() * simulated.policies.size());
}

std::vector<std::vector<double>> TimesOf(std::span<const Cell> row, size_t target, double cut_off) {
  std::vector<std::vector<double>> times;
  for (const Cell& cell : row) times.push_back(TimesTo(cell, target, cut_off));
  return times;
}

double MeanOf(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

Json SpeedUpRecord(int64_t workers, const std::string& policy, const std::string& target, const std::string& task,
                   const SpeedUp& speed_up) {
  return {{"workers", workers},         {"policy", policy},    {"target", target},     {"task", task},
          {"speed_up", speed_up.ratio}, {"low", speed_up.low}, {"high", speed_up.high}};
}

std::string SpeedUpText(const SpeedUp& speed_up) {
  return fmt::format("{:.2f} [{:.2f}, {:.2f}]", speed_up.ratio, speed_up.low, speed_up.high);
}

double MeanIdle(std::span<const Cell> row) {
  double sum = 0;
  for (const Cell& cell : row) sum += TotalsOf(cell, 0).idle_share;
  return sum / static_cast<double>(row.size());
}

// The speed-ups of every policy on every task, at one target.
Table PerTaskTable(const Simulated& simulated, size_t workers, size_t target) {
  std::vector<Column> columns = {{fmt::format("TO {}, {} WORKERS", simulated.tasks.front()->targets()[target].name,
                                              RowOf(simulated, workers, 0).front().workers)}};
  for (const Policy& policy : simulated.policies) columns.push_back({Upper(policy.name), Align::kRight});
  Table table(std::move(columns));
  for (size_t task = 0; task < simulated.tasks.size(); ++task) {
    const auto times = [&](size_t policy) {
      return TimesTo(RowOf(simulated, workers, policy)[task], target, simulated.cut_off);
    };
    std::vector<StyledLine> row = {Text(simulated.tasks[task]->name())};
    for (size_t policy = 0; policy < simulated.policies.size(); ++policy) {
      row.push_back(Text(fmt::format("{:.2f}", MeanOf(times(0)) / MeanOf(times(policy)))));
    }
    table.AddRow(std::move(row));
  }
  return table;
}

// By policy: on how many tasks no other has a lower mean regret.
std::vector<int> CountWins(const Simulated& simulated, size_t workers) {
  std::vector<int> wins(simulated.policies.size(), 0);
  for (size_t task = 0; task < simulated.tasks.size(); ++task) {
    std::vector<double> regrets;
    for (size_t policy = 0; policy < wins.size(); ++policy) {
      const Cell& cell = RowOf(simulated, workers, policy)[task];
      regrets.push_back(TotalsOf(cell, simulated.tasks[task]->optimum()).regret);
    }
    const double least = *std::ranges::min_element(regrets);
    for (size_t policy = 0; policy < wins.size(); ++policy) wins[policy] += regrets[policy] == least ? 1 : 0;
  }
  return wins;
}

Json TotalsRecord(const Cell& cell, const std::string& policy, const std::string& task, const CellTotals& totals) {
  return {{"workers", cell.workers},
          {"policy", policy},
          {"task", task},
          {"time", totals.end},
          {"trials", totals.trials},
          {"completed", totals.completed},
          {"steps", totals.steps},
          {"leases", totals.leases},
          {"idle_share", totals.idle_share},
          {"silent_share", totals.silent_share},
          {"regret", totals.regret}};
}

// The mean over seeds; nullopt where one of them has no value yet.
std::optional<double> MeanRegret(const Cell& cell, double optimum, Axis axis, double at) {
  double sum = 0;
  for (const SimulationResult& result : cell.by_seed) {
    const auto regret = RegretAt(result, optimum, axis, at);
    if (!regret.has_value()) return std::nullopt;
    sum += *regret;
  }
  return sum / static_cast<double>(cell.by_seed.size());
}

}  // namespace

Answer SpeedUpAnswer(const Simulated& simulated, const Look& look, PerTask per_task) {
  Answer answer;
  answer.data = Json::array();
  const std::span<const Target> targets = simulated.tasks.front()->targets();
  std::vector<Column> columns = {{"WORKERS", Align::kRight}, {"POLICY"}};
  for (const Target& target : targets) columns.push_back({"SPEED-UP TO " + target.name, Align::kRight});
  columns.push_back({"LEAST", Align::kRight});
  columns.push_back({"ON"});
  columns.push_back({"IDLE", Align::kRight});
  Table table(std::move(columns));
  for (size_t workers = 0; workers < WorkerCounts(simulated); ++workers) {
    for (size_t policy = 0; policy < simulated.policies.size(); ++policy) {
      const std::span<const Cell> cells = RowOf(simulated, workers, policy);
      const std::string& name = simulated.policies[policy].name;
      std::vector<StyledLine> row = {Text(std::to_string(cells.front().workers)), Text(name)};
      std::pair<double, std::string> least = {std::numeric_limits<double>::infinity(), ""};
      for (size_t target = 0; target < targets.size(); ++target) {
        const auto before = TimesOf(RowOf(simulated, workers, 0), target, simulated.cut_off);
        const auto times = TimesOf(cells, target, simulated.cut_off);
        for (size_t task = 0; task < times.size(); ++task) {
          const std::string& task_name = simulated.tasks[task]->name();
          const SpeedUp speed_up = Compare(before[task], times[task]);
          Json record = SpeedUpRecord(cells.front().workers, name, targets[target].name, task_name, speed_up);
          record["mean_time"] = MeanOf(times[task]);
          answer.data.push_back(std::move(record));
          least = std::min(least, {speed_up.ratio, fmt::format("{} ({})", task_name, targets[target].name)});
        }
        const SpeedUp all = CompareAll(before, times);
        answer.data.push_back(SpeedUpRecord(cells.front().workers, name, targets[target].name, "all", all));
        row.push_back(Text(SpeedUpText(all)));
      }
      row.push_back(Text(fmt::format("{:.2f}", least.first)));
      row.push_back(Text(least.second));
      row.push_back(Share(MeanIdle(cells)));
      table.AddRow(std::move(row));
    }
  }
  answer.text = table.Text(look);
  if (per_task == PerTask::kLeaveOut) return answer;
  for (size_t workers = 0; workers < WorkerCounts(simulated); ++workers) {
    for (size_t target = 0; target < targets.size(); ++target) {
      answer.text += "\n" + PerTaskTable(simulated, workers, target).Text(look);
    }
  }
  return answer;
}

Answer TotalsAnswer(const Simulated& simulated, const Look& look, PerTask per_task) {
  Answer answer;
  answer.data = Json::array();
  Table table({{"WORKERS", Align::kRight},
               {"POLICY"},
               {"TASK"},
               {"TIME", Align::kRight},
               {"TRIALS", Align::kRight},
               {"COMPLETED", Align::kRight},
               {"STEPS", Align::kRight},
               {"IDLE", Align::kRight},
               {"REGRET", Align::kRight},
               {"WON", Align::kRight}});
  for (size_t workers = 0; workers < WorkerCounts(simulated); ++workers) {
    const std::vector<int> wins = CountWins(simulated, workers);
    for (size_t policy = 0; policy < simulated.policies.size(); ++policy) {
      const std::span<const Cell> cells = RowOf(simulated, workers, policy);
      const std::string& name = simulated.policies[policy].name;
      const auto add_row = [&](const std::string& task, const CellTotals& totals, const std::string& won) {
        table.AddRow({Text(std::to_string(cells.front().workers)), Text(name), Text(task),
                      Text(FormatNumber(totals.end)), Text(FormatNumber(totals.trials)),
                      Text(FormatNumber(totals.completed)), Text(FormatNumber(totals.steps)), Share(totals.idle_share),
                      Text(FormatNumber(totals.regret)), Text(won)});
      };
      CellTotals mean;
      const auto share = 1 / static_cast<double>(cells.size());
      for (const Cell& cell : cells) {
        const Task& task = *simulated.tasks[cell.task];
        const CellTotals totals = TotalsOf(cell, task.optimum());
        answer.data.push_back(TotalsRecord(cell, name, task.name(), totals));
        if (per_task == PerTask::kInclude) add_row(task.name(), totals, "");
        mean.end += share * totals.end;
        mean.trials += share * totals.trials;
        mean.completed += share * totals.completed;
        mean.steps += share * totals.steps;
        mean.idle_share += share * totals.idle_share;
        mean.regret += share * totals.regret;
      }
      add_row(per_task == PerTask::kInclude ? "all" : "", mean, fmt::format("{} of {}", wins[policy], cells.size()));
    }
  }
  answer.text = table.Text(look);
  return answer;
}

Answer RegretAnswer(const Simulated& simulated, const Look& look) {
  Answer answer;
  answer.data = Json::array();
  Table table({{"WORKERS", Align::kRight},
               {"POLICY"},
               {"TASK"},
               {"AGAINST"},
               {"AT", Align::kRight},
               {"REGRET", Align::kRight}});
  for (const Cell& cell : simulated.cells) {
    const Task& task = *simulated.tasks[cell.task];
    const std::string& policy = simulated.policies[cell.policy].name;
    for (const Axis axis : kAxes) {
      for (const double at : RegretGrid(cell.by_seed, axis)) {
        const auto regret = MeanRegret(cell, task.optimum(), axis, at);
        if (!regret.has_value()) continue;
        answer.data.push_back({{"workers", cell.workers},
                               {"policy", policy},
                               {"task", task.name()},
                               {"axis", ToString(axis)},
                               {"at", at},
                               {"regret", *regret}});
        table.AddRow({Text(std::to_string(cell.workers)), Text(policy), Text(task.name()), Text(ToString(axis)),
                      Text(FormatNumber(at)), Text(FormatNumber(*regret))});
      }
    }
  }
  answer.text = table.Text(look);
  return answer;
}

}  // namespace athanor::cli
