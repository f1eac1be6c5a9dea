// What a study costs that has a million finished trials: to start with, to hold, to ask, and to go on with. Two
// athanor-server processes run on databases that fill.h writes, with many finished trials and with few; the calls of
// workers go to one and the other in turn, so that whatever else the machine does slows both.
//
// The databases are kept (--directory) for the next run, which works on copies of them.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "server/store/sqlite/schema.h"
#include "tests/bench/load/bars.h"
#include "tests/bench/load/latencies.h"
#include "tests/bench/load/lease_load.h"
#include "tests/bench/scale/fill.h"
#include "tests/bench/scale/queries.h"

namespace athanor::bench {
namespace {

struct Options {
  std::string server = "bin/athanor-server";
  std::string client = "bin/athanor";
  std::string directory = "/tmp";
  FillOptions large;
  FillOptions small{.trials = 1000};
  int repeats = 40;
  int rounds = 5;
  int round_seconds = 3;
};

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

double ValuesOf(const FillOptions& options) {
  return static_cast<double>((options.trials - 1) * options.steps + options.long_curve);
}

// The path of such a database, written now if it was not there.
std::string Filled(const std::string& directory, const FillOptions& options) {
  // By schema as well: upgrading a file would be a part of every start.
  const std::string path = fmt::format("{}/athanor-filled-v{}-{}-{}-{}.db", directory, sqlite::LatestSchemaVersion(),
                                       options.trials, options.steps, options.long_curve);
  if (std::filesystem::exists(path)) return path;
  const MonotonicTime start = Now();
  if (const absl::Status status = FillDatabase(path, options); !status.ok()) {
    fmt::print(stderr, "scale_bench: {}\n", std::string(status.message()));
    std::exit(1);
  }
  fmt::print("wrote {} in {:.0f} s\n", path, Seconds(Now() - start));
  return path;
}

// The median, over rounds, of how much longer a trial takes from request to end with many finished trials.
double GrowthOfCalls(const Options& options, const ServerProcess& large, const ServerProcess& small,
                     LeaseLoadKind kind) {
  std::vector<double> ratios;
  double large_rate = 0, small_rate = 0;
  for (int round = 0; round < options.rounds; ++round) {
    LeaseLoadOptions load;
    load.kind = kind;
    load.study = kFilledStudy;
    load.worker_prefix = fmt::format("{}-{}", kind == LeaseLoadKind::kCalls ? "calls" : "stream", round);
    load.duration = std::chrono::seconds(options.round_seconds);
    const auto rate = [&](const ServerProcess& server) {
      const LeaseLoadResult result = RunLeaseLoad(server, load);
      return static_cast<double>(result.finished) / result.seconds;
    };
    // In turns of order, so that neither always comes first.
    const double first = rate(round % 2 == 0 ? large : small);
    const double second = rate(round % 2 == 0 ? small : large);
    large_rate = round % 2 == 0 ? first : second;
    small_rate = round % 2 == 0 ? second : first;
    ratios.push_back(small_rate / large_rate);
  }
  std::ranges::sort(ratios);
  fmt::print("  acquire+finish/s of the last round: {:.0f} against {:.0f}; ratios {:.2f}\n", large_rate, small_rate,
             fmt::join(ratios, " "));
  return ratios[ratios.size() / 2];
}

double FileBytes(const std::string& path) { return static_cast<double>(std::filesystem::file_size(path)); }

// What each metric value adds to a file beyond its trials and attempts: of the same trials with ten times as many more.
double BytesOfFurtherValue(const Options& options) {
  FillOptions longer = options.small;
  longer.steps *= 11;
  const double bytes =
      FileBytes(Filled(options.directory, longer)) - FileBytes(Filled(options.directory, options.small));
  return bytes / (ValuesOf(longer) - ValuesOf(options.small));
}

bool Run(const Options& options) {
  Bars bars;
  const std::string large_file = Filled(options.directory, options.large);
  const std::string small_file = Filled(options.directory, options.small);
  const auto trials = static_cast<double>(options.large.trials);
  const double bytes = FileBytes(large_file);
  fmt::print("{} cores, {} trials, {:.0f} metric values, {:.0f} MiB; compared with {} trials\n",
             std::thread::hardware_concurrency(), options.large.trials, ValuesOf(options.large), bytes / (1 << 20),
             options.small.trials);
  bars.AtMost("database a metric value, trials included", bytes / ValuesOf(options.large), kDatabaseBar, "B");
  bars.AtMost("database a further metric value", BytesOfFurtherValue(options), kDatabaseBar, "B");

  const ServerProcess large(options.server, options.directory, large_file);
  const ServerProcess small(options.server, options.directory, small_file);
  bars.AtMost("start to serve", Seconds(large.start_took()), kStartBar, "s");
  // Of few trials it would be the database's pages that count.
  if (options.large.trials >= 100'000) {
    bars.AtMost("memory a finished trial",
                static_cast<double>(large.ResidentBytes() - small.ResidentBytes()) /
                    (trials - static_cast<double>(options.small.trials)),
                kMemoryBar, "B");
  }

  const auto verb = [&](const std::string& name, const std::vector<std::string>& arguments) {
    Latencies latencies = TimeVerb(options.client, large, arguments, options.repeats);
    bars.AtMost(name + ", p50 of a process", latencies.Milliseconds(0.5), kVerbBar, "ms");
  };
  verb("server status, for comparison", {"server", "status"});
  verb("study list", {"study", "list"});
  verb("trial list --top 20", {"trial", "list", kFilledStudy, "--top", "20"});
  verb("best", {"best", kFilledStudy});
  Latencies curve = TimeCurve(large, kFilledStudy, 0, 200, options.repeats);
  bars.AtMost(fmt::format("curve of {} points thinned to 200, p50", options.large.long_curve), curve.Milliseconds(0.5),
              kCurveBar, "ms");
  bars.AtMost("acquire+finish as calls, many trials/few", GrowthOfCalls(options, large, small, LeaseLoadKind::kCalls),
              kGrowthBar, "x");
  bars.AtMost("acquire+finish on the stream, many/few", GrowthOfCalls(options, large, small, LeaseLoadKind::kStream),
              kGrowthBar, "x");
  return !bars.collapsed();
}

}  // namespace
}  // namespace athanor::bench

int main(int argc, char** argv) {
  athanor::bench::Options options;
  CLI::App app("A study of a million finished trials: start, memory, size, queries, and calls against a small one.");
  app.add_option("--server", options.server, "the athanor-server program")->capture_default_str();
  app.add_option("--client", options.client, "the athanor program")->capture_default_str();
  app.add_option("--directory", options.directory, "where the databases go, and stay")->capture_default_str();
  app.add_option("--trials", options.large.trials, "finished ones of the large study")
      ->capture_default_str()
      ->check(CLI::Range(2000, 100'000'000));
  app.add_option("--steps", options.large.steps, "measurements a trial")->capture_default_str();
  app.add_option("--repeats", options.repeats, "of each query")->capture_default_str();
  app.add_option("--rounds", options.rounds, "of calls to one server and the other")->capture_default_str();
  app.add_option("--round-seconds", options.round_seconds, "that a round takes on each of them")->capture_default_str();
  app.footer("Exits with 1 if a figure is four times as bad as its bar.");
  CLI11_PARSE(app, argc, argv);
  options.small.steps = options.large.steps;
  return athanor::bench::Run(options) ? 0 : 1;
}
