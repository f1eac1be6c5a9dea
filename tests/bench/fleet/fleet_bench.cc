// Whether a coordinator keeps up with a fleet: how long the queue before its owner thread grows and how long calls wait
// in it, with any number of workers in virtual time (virtual_fleet.h). Exits with 1 if it does not.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "server/store/sqlite/sqlite_store.h"
#include "tests/bench/fleet/virtual_fleet.h"

namespace athanor::bench {
namespace {

constexpr Duration kRamp = std::chrono::seconds(10);
constexpr Duration kOutage = std::chrono::seconds(10);

// Prints the stretch, and returns whether the coordinator kept up with it: no call refused, and never more of them
// waiting than there are workers.
bool KeptUp(const char* what, const FleetStretch& stretch, const FleetOptions& options) {
  fmt::print("{:40} {:9.0f} {:9.0f} {:6.1f}% {:9} {:8.2f} {:8.2f} {:9.1f} {:8}\n", what,
             static_cast<double>(stretch.operations) / stretch.seconds,
             static_cast<double>(stretch.leases) / stretch.seconds, 100 * stretch.processor, stretch.largest_queue,
             stretch.p50_ms, stretch.p99_ms, stretch.longest_ms, stretch.refused);
  std::fflush(stdout);
  return stretch.refused == 0 && static_cast<int64_t>(stretch.largest_queue) <= int64_t{options.workers};
}

int Run(const FleetOptions& options, const std::string& parent, std::chrono::seconds training) {
  std::string directory = parent + "/athanor-fleet-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) {
    fmt::print(stderr, "fleet_bench: cannot create a directory below {}\n", parent);
    return 1;
  }
  bool kept_up = false;
  {
    auto store = OpenSqliteStore({.path = directory + "/fleet.db"});
    if (!store.ok()) {
      fmt::print(stderr, "fleet_bench: {}\n", store.status().ToString());
      return 1;
    }
    VirtualFleet fleet(**store, options);
    fmt::print("{:40} {:>9} {:>9} {:>7} {:>9} {:>8} {:>8} {:>9} {:>8}\n",
               fmt::format("{} workers, a report every {} s", options.workers, options.report_every.count() / 1e9),
               "calls/s", "leases/s", "owner", "queue max", "p50 ms", "p99 ms", "max ms", "refused");
    kept_up = KeptUp("they come within 10 s, and wait for work", fleet.Start(kRamp, std::chrono::seconds(60)), options);
    fleet.CreateStudy();
    kept_up &= KeptUp("a study is submitted: leases for all", fleet.Run(std::chrono::seconds(10)), options);
    kept_up &= KeptUp("they train", fleet.Run(training), options);
    kept_up &=
        KeptUp("away for 10 s, all back within 5 s", fleet.RunWithOutage(kOutage, kOutage / 2, 3 * kOutage), options);
    kept_up &= KeptUp("they train", fleet.Run(training), options);
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
  return kept_up ? 0 : 1;
}

}  // namespace
}  // namespace athanor::bench

int main(int argc, char** argv) {
  athanor::bench::FleetOptions options;
  const bool memory = std::filesystem::exists("/dev/shm");
  std::string directory = memory ? "/dev/shm" : std::filesystem::temp_directory_path().string();
  double report_seconds = 10, disk_ms = 1;
  int training_seconds = 60;
  CLI::App app("The queue before a coordinator that many workers report to, in virtual time.");
  app.add_option("--workers", options.workers)->capture_default_str()->check(CLI::Range(1, 1'000'000));
  app.add_option("--report-seconds", report_seconds, "between two reports of a worker")->capture_default_str();
  app.add_option("--disk-ms", disk_ms, "that a commit waits for the disk")->capture_default_str();
  app.add_option("--training-seconds", training_seconds, "of each of the two long stretches")->capture_default_str();
  app.add_option("--directory", directory, "for the database, which is removed; in memory, because the disk is virtual")
      ->capture_default_str();
  app.footer("Processor time is that of this machine; everything else is virtual.");
  CLI11_PARSE(app, argc, argv);
  options.report_every = std::chrono::duration_cast<athanor::Duration>(std::chrono::duration<double>(report_seconds));
  options.disk = std::chrono::duration_cast<athanor::Duration>(std::chrono::duration<double, std::milli>(disk_ms));
  return athanor::bench::Run(options, directory, std::chrono::seconds(training_seconds));
}
