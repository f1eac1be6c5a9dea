// athanor-chaos: kills, stops and cuts off whatever an Athanor is made of, at random, and proves that its studies end
// with the facts of an undisturbed run.
//
// A round runs the same studies twice: undisturbed, then under a plan of faults drawn from the round's seed. Exit code
// 0: nothing was lost, duplicated or different; 1: something was, and it is named, with the seed and the folder of
// logs.
#include <fmt/format.h>
#include <grpc/support/log.h>
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/integration/chaos/comparison.h"
#include "tests/integration/chaos/run.h"
#include "tests/integration/chaos/takeover.h"
#include "tests/integration/process.h"

namespace athanor::chaos {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Options {
  uint64_t seed = 0;
  int faults_seconds = 75;
  int minutes = 0;
  int lease_ms = 2000;
  std::string programs = ATHANOR_PROGRAMS;
  std::string folder;
};

constexpr int kDriven = 3;
constexpr double kSecondsOfWork = 45;  // that faults of a round meet at scale 1
constexpr size_t kProblemsShown = 20;

// What all rounds together came to.
struct Total {
  int rounds = 0;
  std::map<FaultKind, int> struck;
  Durability durability;
  int64_t duplicated_trials = 0;
  int64_t repeats = 0;
  int64_t fenced = 0;
  int64_t attempts = 0;
  int64_t trials = 0;
  Takeovers takeovers;
  size_t problems = 0;
};

std::vector<WorkerSpec> MakeWorkers(Torch torch) {
  std::vector<WorkerSpec> workers;
  for (const char* name : {"red", "green", "blue", "white"}) {
    workers.push_back({name, kSyntheticKind, "athanor-fake-trainer", 4});
  }
  if (torch == Torch::kNone) return workers;
  for (const char* name : {"torch-red", "torch-green"}) workers.push_back({name, kTorchKind, "athanor-trainer", 1});
  return workers;
}

// `athanor-server check`: what it found, or nothing.
Problems CheckDatabase(const std::filesystem::path& programs, const std::filesystem::path& database,
                       const std::filesystem::path& folder) {
  ProcessOptions options;
  options.command = {programs / "athanor-server", "check", database};
  options.output = folder / "check.out";
  options.errors = folder / "check.err";
  Process check(options);
  const int code = check.Wait(seconds(120));
  if (code == 0) return {};
  return {
      fmt::format("athanor-server check ends with {}: {}{}", code, ReadFile(options.output), ReadFile(options.errors))};
}

Takeovers Measure(const RunResult& run, const RunOptions& options) {
  TakeoverOptions takeover{.workers = options.workers, .slots_in_use = {}};
  for (int i = 0; i < kDriven; ++i) takeover.workers.push_back({DrivenName(i), kDrivenKind, "", 1});
  for (const ChaosStudy& study : options.studies) takeover.slots_in_use[study.kind] += study.parallel;
  return MeasureTakeovers(run.facts, run.outages, run.driver.silences, takeover);
}

void Add(const RunResult& run, const Durability& durability, const Takeovers& takeovers, Total& total) {
  ++total.rounds;
  for (const auto& [kind, count] : run.struck) total.struck[kind] += count;
  total.durability.acknowledged += durability.acknowledged;
  total.durability.lost += durability.lost;
  total.durability.duplicated += durability.duplicated;
  total.repeats += run.driver.repeats;
  total.fenced += run.driver.fenced;
  total.takeovers.measured += takeovers.measured;
  total.takeovers.left_out += takeovers.left_out;
  total.takeovers.worst_ms = std::max(total.takeovers.worst_ms, takeovers.worst_ms);
  for (const auto& [name, study] : run.facts) {
    total.trials += static_cast<int64_t>(study.trials.size());
    for (const TrialFacts& trial : study.trials) total.attempts += trial.detail.attempts_size();
  }
}

// Returns what was wrong.
Problems RunRound(uint64_t seed, const Options& options, const std::filesystem::path& folder, Total& total) {
  const bool has_trainer = std::filesystem::exists(std::filesystem::path(options.programs) / "athanor-trainer");
  const Torch torch = has_trainer ? Torch::kSome : Torch::kNone;
  RunOptions run;
  run.programs = options.programs;
  run.seed = seed;
  run.studies = MakeStudies(seed, options.faults_seconds / kSecondsOfWork, torch);
  run.workers = MakeWorkers(torch);
  run.driven = kDriven;
  run.lease = milliseconds(options.lease_ms);
  run.folder = folder / "undisturbed";
  std::filesystem::create_directory(run.folder);
  const auto undisturbed = Run(run);
  if (!undisturbed.ok()) return {"undisturbed: " + undisturbed.status().ToString()};

  run.folder = folder / "disturbed";
  std::filesystem::create_directory(run.folder);
  run.plan = MakePlan({.seed = seed,
                       .workers = static_cast<int>(run.workers.size()),
                       .driven = kDriven,
                       .length = seconds(options.faults_seconds),
                       .lease = run.lease});
  const auto disturbed = Run(run);
  if (!disturbed.ok()) return {"disturbed: " + disturbed.status().ToString()};

  Problems problems = CheckInvariants(disturbed->facts, run.studies);
  const auto add = [&](Problems more) { problems.insert(problems.end(), more.begin(), more.end()); };
  add(Compare(undisturbed->facts, disturbed->facts, run.studies));
  Durability durability;
  if (const auto driven = disturbed->facts.find(kDrivenKind); driven != disturbed->facts.end()) {
    durability = CheckAcknowledged(driven->second, disturbed->driver, problems);
  }
  const Takeovers takeovers = Measure(*disturbed, run);
  if (takeovers.worst_ms > options.lease_ms + 1000) {
    problems.push_back(fmt::format("a trial ran elsewhere only {} ms after its worker's death", takeovers.worst_ms));
  }
  add(CheckDatabase(options.programs, disturbed->database, folder));
  Add(*disturbed, durability, takeovers, total);
  return problems;
}

void PrintSummary(const Total& total, int lease_ms) {
  int kills = 0, stops = 0, network = 0;
  std::string by_kind;
  for (const auto& [kind, count] : total.struck) {
    using enum FaultKind;
    if (kind == kKillCoordinator || kind == kKillWorker || kind == kKillTrainer) kills += count;
    if (kind == kStopCoordinator || kind == kStopWorker || kind == kStopTrainer) stops += count;
    if (kind >= kPartition) network += count;
    by_kind += fmt::format("{}{} {}", by_kind.empty() ? "" : ", ", ToString(kind), count);
  }
  fmt::print("rounds               {}\n", total.rounds);
  fmt::print("survived             {} kills, {} stops, {} network faults ({})\n", kills, stops, network, by_kind);
  fmt::print("trials               {} in {} attempts\n", total.trials, total.attempts);
  fmt::print("reports acknowledged {}, lost {}, duplicated {}\n", total.durability.acknowledged, total.durability.lost,
             total.durability.duplicated);
  fmt::print("calls repeated       {}; refused under a dead token {}\n", total.repeats, total.fenced);
  fmt::print(
      "worst takeover       {} ms from a worker's death to its trial running elsewhere (lease {} ms; {} measured, "
      "{} left out)\n",
      total.takeovers.worst_ms, lease_ms, total.takeovers.measured, total.takeovers.left_out);
  fmt::print("problems             {}\n", total.problems);
  std::fflush(stdout);
}

int RunRounds(const Options& options) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(options.minutes);
  Total total;
  for (uint64_t seed = options.seed;; ++seed) {
    const std::filesystem::path folder = std::filesystem::path(options.folder) / fmt::format("seed-{}", seed);
    std::filesystem::create_directories(folder);
    const auto start = std::chrono::steady_clock::now();
    Problems problems;
    try {
      problems = RunRound(seed, options, folder, total);
    } catch (const std::runtime_error& error) {
      problems = {error.what()};
    }
    total.problems += problems.size();
    fmt::print("seed {}: {} in {:.0f} s\n", seed, problems.empty() ? "sound" : "PROBLEMS",
               std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    for (size_t i = 0; i < std::min(problems.size(), kProblemsShown); ++i) fmt::print("  {}\n", problems[i]);
    if (problems.empty()) {
      std::filesystem::remove_all(folder);
    } else {
      fmt::print("  logs and database in {}; again with --seed {}\n", folder.string(), seed);
    }
    std::fflush(stdout);
    if (std::chrono::steady_clock::now() >= end) break;
  }
  PrintSummary(total, options.lease_ms);
  return total.problems == 0 ? 0 : 1;
}

}  // namespace
}  // namespace athanor::chaos

int main(int argc, char** argv) {
  using athanor::chaos::Options;
  Options options;
  options.seed = static_cast<uint64_t>(athanor::chaos::UnixMs());
  CLI::App app(
      "Kills, stops and cuts off coordinator, workers and trainers at random while studies run, and compares "
      "what they end with.",
      "athanor-chaos");
  app.footer("Example, a night of it:\n  athanor-chaos --minutes 480");
  app.add_option("--seed", options.seed, "of the first round; each further round takes the next (default: the time)");
  app.add_option("--faults", options.faults_seconds, "seconds of faults in a round")
      ->capture_default_str()
      ->check(CLI::Range(5, 3600));
  app.add_option("--minutes", options.minutes, "begin rounds for so long; 0 = one round")->capture_default_str();
  app.add_option("--lease", options.lease_ms, "life of a lease, ms")
      ->capture_default_str()
      ->check(CLI::Range(1000, 60000));
  app.add_option("--programs", options.programs, "folder of the programs to torment (default: those built with it)");
  app.add_option("--folder", options.folder, "for databases and logs; kept where a round had problems");
  CLI11_PARSE(app, argc, argv);
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
  std::string made = std::filesystem::temp_directory_path() / "athanor-chaos-XXXXXX";
  if (options.folder.empty()) {
    if (mkdtemp(made.data()) == nullptr) {
      std::fprintf(stderr, "athanor-chaos: cannot make a temporary folder\n");
      return 1;
    }
    options.folder = made;
  }
  fmt::print("athanor-chaos --seed {} --faults {} --lease {}\n", options.seed, options.faults_seconds,
             options.lease_ms);
  std::fflush(stdout);
  const int code = athanor::chaos::RunRounds(options);
  if (code == 0) std::filesystem::remove_all(options.folder);
  return code;
}
