// simulate
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "base/status.h"
#include "client/cli/simulate_policies.h"
#include "client/cli/simulate_report.h"
#include "client/cli/simulate_run.h"
#include "client/cli/simulate_tasks.h"
#include "client/cli/verb.h"
#include "server/simulate/recorded_folder.h"

namespace athanor::cli {
namespace {

constexpr int64_t kFunctionTrials = 200;  // of a study of a function, which has no table to use up
constexpr double kTableCutOff = 100;      // units; functions and studies run to their end
constexpr double kNoCutOff = 1e6;
constexpr auto kProgressInterval = std::chrono::seconds(10);

struct Options {
  std::vector<std::string> curves;
  std::string functions;
  BbobOptions bbob;
  bool mixed = false;
  std::string study;
  std::vector<std::string> policies;
  std::vector<std::string> files;
  std::string workers = "4,25";
  int64_t trials = 0;  // 0 = the whole table, or kFunctionTrials
  ClusterOptions cluster;
  bool drop_lost = false;
  std::optional<double> cut_off;
  int64_t seeds = 10;
  int64_t jobs = 0;  // 0 = one a processor
  std::string show = "speed-up";
  bool per_task = false;
  std::string log;
};

absl::StatusOr<std::vector<std::unique_ptr<Task>>> LoadTasks(Session& session, const Options& options) {
  std::vector<std::unique_ptr<Task>> tasks;
  if (!options.functions.empty()) {
    BbobOptions bbob = options.bbob;
    bbob.functions = options.functions;
    bbob.coordinates = options.mixed ? BbobTask::Coordinates::kMixed : BbobTask::Coordinates::kContinuous;
    return BbobTasks(bbob);
  }
  if (!options.study.empty()) {
    ATHANOR_ASSIGN_OR_RETURN(RecordedStudy recorded, ReadRecordedStudy(session.client(), options.study));
    if (recorded.cut_short > 0) {
      session.surroundings().err << fmt::format(
          "athanor: {} of {} trials were cut short; whoever goes on with them finds no more values\n",
          recorded.cut_short, recorded.task->rows().size());
    }
    tasks.push_back(std::move(recorded.task));
    return tasks;
  }
  for (const std::string& folder : options.curves) {
    ATHANOR_ASSIGN_OR_RETURN(auto task, ReadRecordedFolder(folder));
    tasks.push_back(std::move(task));
  }
  return tasks;
}

// The baseline first: random search to the end of every run, or the study's own trials.
absl::StatusOr<std::vector<Policy>> LoadPolicies(const Options& options) {
  const bool replay = !options.study.empty();
  const Proposals without_search = replay ? Proposals::kAsRecorded : Proposals::kSearched;
  std::vector<Policy> policies;
  ATHANOR_ASSIGN_OR_RETURN(policies.emplace_back(), ParsePolicy("", without_search));
  for (const std::string& text : options.policies) {
    ATHANOR_ASSIGN_OR_RETURN(policies.emplace_back(), ParsePolicy(text, without_search));
  }
  for (const std::string& path : options.files) {
    ATHANOR_ASSIGN_OR_RETURN(policies.emplace_back(), ReadPolicyFile(path));
  }
  const int64_t trials = options.trials == 0 && !options.functions.empty() ? kFunctionTrials : options.trials;
  for (Policy& policy : policies) {
    const auto same = [&](const Policy& other) { return &other != &policy && other.name == policy.name; };
    if (std::ranges::any_of(policies, same)) {
      return absl::InvalidArgumentError(
          fmt::format("two policies are called \"{}\"; want a name: of its own in --policy", policy.name));
    }
    if (trials > 0 && !policy.budget.trials.has_value()) policy.budget.trials = trials;
  }
  return policies;
}

// A line of progress now and then, for whoever waits.
std::function<void(int64_t, int64_t)> Progress(const Session& session) {
  if (session.quiet()) return nullptr;
  const Surroundings& surroundings = session.surroundings();
  const MonotonicTime start = surroundings.clock.Read().monotonic;
  return [&surroundings, start, next = start + kProgressInterval](int64_t done, int64_t all) mutable {
    const MonotonicTime now = surroundings.clock.Read().monotonic;
    if (now < next) return;
    next = now + kProgressInterval;
    const auto passed = std::chrono::duration_cast<std::chrono::seconds>(now - start).count();
    surroundings.err << fmt::format("athanor: {} of {} simulations in {} s\n", done, all, passed) << std::flush;
  };
}

absl::Status Check(const Options& options) {
  const int sources = !options.curves.empty() + !options.functions.empty() + !options.study.empty();
  if (sources != 1) return absl::InvalidArgumentError("want one of --curves, --bbob and --study");
  if (options.show == "speed-up" && !options.functions.empty()) {
    return absl::InvalidArgumentError(
        "--show speed-up: functions have no table to take targets from; want totals or regret");
  }
  if (options.mixed && options.functions.empty()) return absl::InvalidArgumentError("--mixed: want --bbob with it");
  return absl::OkStatus();
}

absl::Status RunSimulations(Session& session, const Options& options) {
  ATHANOR_RETURN_IF_ERROR(Check(options));
  RunOptions run;
  ATHANOR_ASSIGN_OR_RETURN(run.workers, ParseNumbers(options.workers, "--workers", 1, 1'000'000));
  ATHANOR_ASSIGN_OR_RETURN(const std::vector<Policy> policies, LoadPolicies(options));
  ATHANOR_ASSIGN_OR_RETURN(const auto tasks, LoadTasks(session, options));
  run.simulation.cluster = options.cluster;
  run.simulation.cluster.lost_trials = options.drop_lost ? LostTrials::kDrop : LostTrials::kRequeue;
  const double cut_off = options.cut_off.value_or(options.curves.empty() ? kNoCutOff : kTableCutOff);
  run.simulation.cut_off = cut_off;
  run.simulation.stop_at = options.show == "speed-up" ? StopAt::kLastTarget : StopAt::kCutOff;
  run.seeds = options.seeds;
  const auto processors = static_cast<int64_t>(std::max(1U, std::thread::hardware_concurrency()));
  run.jobs = static_cast<int>(options.jobs > 0 ? options.jobs : processors);
  run.progress = Progress(session);
  std::ofstream log;
  if (!options.log.empty()) {
    log.open(options.log, std::ios::binary | std::ios::trunc);
    if (!log) return absl::InvalidArgumentError(fmt::format("--log: {} cannot be written", options.log));
    run.log = &log;
  }
  ATHANOR_ASSIGN_OR_RETURN(const std::vector<Cell> cells, RunAll(tasks, policies, run));
  if (run.log != nullptr && !log.flush()) {
    return absl::DataLossError(fmt::format("--log: {} could not be written to its end", options.log));
  }
  const Simulated simulated{tasks, policies, cells, cut_off};
  const PerTask per_task = options.per_task ? PerTask::kInclude : PerTask::kLeaveOut;
  if (options.show == "regret") return session.Answer(RegretAnswer(simulated, session.look()));
  if (options.show == "totals") return session.Answer(TotalsAnswer(simulated, session.look(), per_task));
  return session.Answer(SpeedUpAnswer(simulated, session.look(), per_task));
}

}  // namespace

void AddSimulate(CLI::App* parent, Session& session) {
  auto [verb, options] = session.AddVerb<Options>(
      parent, "simulate", "Compare search methods and stopping rules in virtual time",
      "athanor simulate --curves lcbench-02 --curves lcbench-05 --workers 4,25 --seeds 30 \\\n"
      "    --policy 'early_stopping: {method: asha, min_resource: 3}' \\\n"
      "    --policy 'name: adaptive tpe, search: {method: tpe}, early_stopping: {method: asha, brackets: 4}'\n"
      "  athanor simulate --bbob 1-24 --dimensions 5 --show totals --policy 'search: {method: gp}'\n"
      "  athanor simulate --study fashion-lenet --show totals --policy 'early_stopping: {method: asha}'",
      RunSimulations);
  verb->add_option("--curves", options.curves,
                   "folder of recorded learning curves (space.yaml, configs.csv.gz, curves.csv.gz); may be repeated")
      ->option_text("FOLDER");
  verb->add_option("--bbob", options.functions, "noiseless BBOB functions instead: 1-24, or 1,3,5-7")
      ->option_text("LIST");
  verb->add_option("--dimensions", options.bbob.dimensions, "of --bbob; default 5")->option_text("LIST");
  verb->add_option("--instances", options.bbob.instances, "of --bbob; default 15")
      ->check(CLI::Range(1, 1'000'000))
      ->option_text("N");
  verb->add_flag("--mixed", options.mixed, "--bbob with integer and categorical coordinates among the others");
  verb->add_option("--study", options.study, "replay the trials of a study under other policies")->option_text("STUDY");
  verb->add_option(
          "--policy", options.policies,
          "search, early_stopping and budget in the words of a study file, and a name; may be repeated. Random "
          "search without stopping (--study: its trials in their order) is always compared with")
      ->option_text("YAML");
  verb->add_option("--file", options.files, "a study file whose search, early_stopping and budget are a policy")
      ->option_text("FILE");
  verb->add_option("--workers", options.workers, "numbers of virtual workers, each simulated; default 4,25")
      ->option_text("LIST");
  verb->add_option("--trials", options.trials,
                   "of a study, where a policy's budget does not say; default the whole table, with --bbob 200")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40))
      ->option_text("N");
  verb->add_option("--slow", options.cluster.slow_sigma, "run times x (1 + |N(0, SIGMA)|), drawn a lease; default 0")
      ->check(CLI::Range(0.0, 1e6))
      ->option_text("SIGMA");
  verb->add_option("--lost", options.cluster.loss_rate, "probability a unit of time that a worker is lost; default 0")
      ->check(CLI::Range(0.0, 0.999999))
      ->option_text("P");
  verb->add_flag("--drop-lost", options.drop_lost, "never queue the trials of lost workers again");
  verb->add_option("--lease", options.cluster.lease_units, "units of time until a lost worker is noticed; default 0.01")
      ->check(CLI::Range(1e-6, 1e6))
      ->option_text("UNITS");
  verb->add_option("--cut-off", options.cut_off,
                   "units of time to simulate at most (1 = a mean full run); default 100 with --curves, else none")
      ->check(CLI::Range(1e-3, 1e6))
      ->option_text("UNITS");
  verb->add_option("--seeds", options.seeds, "simulations of each, with seeds 0, 1, ...; default 10")
      ->check(CLI::Range(1, 1'000'000))
      ->option_text("N");
  verb->add_option("--jobs,-j", options.jobs, "threads; default one a processor. Results do not depend on it")
      ->check(CLI::Range(1, 4096))
      ->option_text("N");
  verb->add_option("--show", options.show,
                   "speed-up over the first policy to the table's top 1% and 0.2% (default); totals of time, trials, "
                   "steps and regret; or regret along time, steps and trials")
      ->check(CLI::IsMember({"speed-up", "totals", "regret"}))
      ->option_text("WHAT");
  verb->add_flag("--per-task", options.per_task, "a row a task as well, in tables");
  verb->add_option("--log", options.log, "write every decision of every simulation to this file")->option_text("FILE");
}

}  // namespace athanor::cli
