// What a large study costs: 100,000 trials of 10 reports each through one athanor-server over gRPC. Tells the memory
// and the bytes of the database that a trial takes, and whether the calls of the last trials take longer than those of
// the first. Ends with `athanor-server check` of the file. Client and server share the machine's cores.
#include <fmt/format.h>
#include <sys/wait.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "athanor/v1/study_service.grpc.pb.h"
#include "tests/bench/load/latencies.h"
#include "tests/bench/soak/soak_worker.h"

namespace athanor::bench {
namespace {

constexpr int64_t kCompared = 1000;  // trials at either end
// Before the first that are compared: connections, caches, the first fold of the log.
constexpr int64_t kWarmUp = 2000;
constexpr int kSamples = 10;  // of memory and size, over the run

int64_t BytesOf(const std::string& path) {
  std::error_code missing;
  const uintmax_t bytes = std::filesystem::file_size(path, missing);
  return missing ? 0 : static_cast<int64_t>(bytes);
}

struct Sample {
  int64_t trials = 0;
  int64_t resident_bytes = 0;
  int64_t database_bytes = 0;  // without the log
};

double Milliseconds(std::vector<Duration>& samples, double quantile) {
  std::ranges::sort(samples);
  return std::chrono::duration<double, std::milli>(
             samples[static_cast<size_t>(quantile * static_cast<double>(samples.size() - 1))])
      .count();
}

// Prints one kind of call, of the first and the last trials; the larger ratio of the two quantiles.
template <typename Pick>
double Compare(const char* name, std::span<const TrialTimes> first, std::span<const TrialTimes> last, Pick pick) {
  std::vector<Duration> before, after;
  for (const TrialTimes& trial : first) pick(trial, before);
  for (const TrialTimes& trial : last) pick(trial, after);
  double worst = 0;
  for (const auto& [quantile, label] : {std::pair(0.5, "p50"), std::pair(0.99, "p99")}) {
    const double was = Milliseconds(before, quantile), is = Milliseconds(after, quantile);
    fmt::print("  {:8} {}: {:7.3f} ms first, {:7.3f} ms last, ratio {:.2f}\n", name, label, was, is, is / was);
    worst = std::max(worst, is / was);
  }
  return worst;
}

void Report(const SoakTimes& times, const std::vector<Sample>& samples) {
  for (const Sample& sample : samples) {
    fmt::print("  {:7} trials: resident {:7.1f} MiB, database {:7.1f} MiB\n", sample.trials,
               static_cast<double>(sample.resident_bytes) / (1 << 20),
               static_cast<double>(sample.database_bytes) / (1 << 20));
  }
  const Sample &from = samples[1], &to = samples.back();
  const auto trials = static_cast<double>(std::max<int64_t>(to.trials - from.trials, 1));
  fmt::print("memory: {:.0f} bytes a trial; database: {:.0f} bytes a trial\n",
             static_cast<double>(to.resident_bytes - from.resident_bytes) / trials,
             static_cast<double>(to.database_bytes - from.database_bytes) / trials);
  const std::span<const TrialTimes> all = times.by_end;
  const auto first = all.subspan(kWarmUp, kCompared), last = all.last(kCompared);
  fmt::print("latency of the last {} trials against the first {} after {}:\n", kCompared, kCompared, kWarmUp);
  Compare("acquire", first, last, [](const TrialTimes& trial, auto& into) { into.push_back(trial.acquire); });
  Compare("report", first, last, [](const TrialTimes& trial, auto& into) {
    into.insert(into.end(), trial.reports.begin(), trial.reports.end());
  });
  Compare("finish", first, last, [](const TrialTimes& trial, auto& into) { into.push_back(trial.finish); });
}

// True if the file was found sound.
bool Soak(const std::string& program, const std::string& directory, const SoakOptions& options) {
  ServerProcess server(program, directory);
  CreateStudy(server.Connect(), SmallSpec("soak", options.trials));
  SoakTimes times(options.trials);
  const auto start = Now();
  std::vector<std::thread> workers;
  for (int i = 0; i < options.workers; ++i) {
    workers.emplace_back([&, i] { RunSoakWorker(server, options, i, times); });
  }
  std::vector<Sample> samples;
  for (int64_t next = 0; next <= kSamples;) {
    const int64_t ended = times.ended;
    if (ended >= next * options.trials / kSamples) {
      samples.push_back({ended, server.ResidentBytes(), BytesOf(server.database())});
      ++next;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  for (std::thread& worker : workers) worker.join();
  const double seconds = std::chrono::duration<double>(Now() - start).count();
  fmt::print("{} trials of {} reports in {:.0f} s: {:.0f} trials/s, {} workers, {} cores\n", options.trials,
             options.reports, seconds, static_cast<double>(options.trials) / seconds, options.workers,
             std::thread::hardware_concurrency());
  Report(times, samples);
  if (!server.Stop()) return false;
  fmt::print("after the end the database has {:.1f} MiB\n",
             static_cast<double>(BytesOf(server.database())) / (1 << 20));
  std::fflush(stdout);
  const auto check_start = Now();
  const int status = std::system(fmt::format("'{}' check '{}'", program, server.database()).c_str());
  fmt::print("the check took {:.1f} s\n", std::chrono::duration<double>(Now() - check_start).count());
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace
}  // namespace athanor::bench

int main(int argc, char** argv) {
  std::string server = "bin/athanor-server", directory = "/tmp";
  athanor::bench::SoakOptions options;
  CLI::App app("A study of many trials through one coordinator: memory, disk, latency, and a check at the end.");
  app.add_option("--server", server, "the athanor-server program")->capture_default_str();
  app.add_option("--directory", directory, "where the database goes")->capture_default_str();
  app.add_option("--trials", options.trials, "at least 4000")
      ->capture_default_str()
      ->check(CLI::Range(4000, 100'000'000));
  app.add_option("--reports", options.reports, "a trial")->capture_default_str();
  app.add_option("--workers", options.workers, "each with one slot")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return athanor::bench::Soak(server, directory, options) ? 0 : 1;
}
