// Whether a coordinator keeps up with a fleet: how long the queue before its owner thread grows and how long calls wait
// in it, with any number of workers in virtual time (virtual_fleet.h).
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

void Print(const char* what, const FleetStretch& stretch) {
  fmt::print("{:40} {:9.0f} {:9.0f} {:6.1f}% {:9} {:8.2f} {:8.2f} {:9.1f} {:8}\n", what,
             static_cast<double>(stretch.operations) / stretch.seconds,
             static_cast<double>(stretch.leases) / stretch.seconds, 100 * stretch.processor, stretch.largest_queue,
             stretch.p50_ms, stretch.p99_ms, stretch.longest_ms, stretch.refused);
  std::fflush(stdout);
}

int Run(const FleetOptions& options, const std::string& parent, std::chrono::seconds training) {
  std::string directory = parent + "/athanor-fleet-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) {
    fmt::print(stderr, "fleet_bench: cannot create a directory below {}\n", parent);
    return 1;
  }
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
    Print("they come within 10 s, and wait for work", fleet.Start(kRamp, std::chrono::seconds(60)));
    fleet.CreateStudy();
    Print("a study is submitted: leases for all", fleet.Run(std::chrono::seconds(10)));
    Print("they train", fleet.Run(training));
    Print("away for 10 s, all back within 5 s", fleet.RunWithOutage(kOutage, kOutage / 2, 3 * kOutage));
    Print("they train", fleet.Run(training));
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
  return 0;
}

}  // namespace
}  // namespace athanor::bench

int main(int argc, char** argv) {
  athanor::bench::FleetOptions options;
  std::string directory = "/dev/shm";
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
