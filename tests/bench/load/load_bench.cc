// What a coordinator sustains: measurements acknowledged through report streams, trials leased and finished, and a
// fleet at its ordinary pace, over real gRPC against an athanor-server process with a new SQLite file. Afterwards every
// acknowledgement is checked against that file. Client and server share the machine's cores.
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>
#include <string>
#include <thread>

#include "athanor/v1/study_service.grpc.pb.h"
#include "tests/bench/load/bars.h"
#include "tests/bench/load/fleet_load.h"
#include "tests/bench/load/lease_load.h"
#include "tests/bench/load/report_load.h"
#include "tests/bench/load/server_process.h"
#include "tests/bench/load/stalled_watchers.h"

namespace athanor::bench {
namespace {

constexpr int64_t kTrials = 10'000'000;  // more than any load takes
constexpr char kStudy[] = "load";

struct Options {
  std::string server = "bin/athanor-server";
  std::string directory = "/tmp";
  int seconds = 10;
  int rounds = 3;
  int watchers = 20;
  int lease_workers = 16;
  ReportLoadOptions reports;
  FleetLoadOptions fleet;

  Duration duration() const { return std::chrono::seconds(seconds); }
};

// A fleet is a connection a worker.
void AllowManyConnections() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void PrintServerStatus(const ServerProcess& server) {
  v1::ServerStatus status;
  grpc::ClientContext context;
  Check(v1::AdminService::NewStub(server.Connect())->GetServerStatus(&context, {}, &status), "GetServerStatus");
  fmt::print("  server: {} operations in {} commits ({:.1f} each); commit p50 {:.2f} ms, p99 {:.2f} ms; {} MiB\n",
             status.operations(), status.commits(),
             static_cast<double>(status.operations()) / static_cast<double>(std::max<int64_t>(status.commits(), 1)),
             status.commit_p50_ms(), status.commit_p99_ms(), status.database_bytes() >> 20);
}

// The loads. Each prints what it measured, and returns whether everything that was acknowledged is in the database.

// Of a server that is gone.
bool NoneMissing(const ServerProcess& server, int64_t acknowledged, const std::map<int64_t, int64_t>& last_steps) {
  const int64_t missing = CountMissing(server.database(), last_steps);
  fmt::print("  {} measurements acknowledged, {} of them missing from the database after kill -9\n", acknowledged,
             missing);
  return missing == 0;
}

bool NoneUnfinished(const ServerProcess& server, int64_t acknowledged) {
  const int64_t finished = CountFinished(server.database(), kStudy);
  fmt::print("  {} finishes acknowledged, {} in the database\n", acknowledged, finished);
  return finished == acknowledged;
}

bool Reports(const Options& options, Bars& bars) {
  ServerProcess server(options.server, options.directory);
  CreateStudy(server.Connect(), SmallSpec(kStudy, kTrials));
  ReportLoadResult result = RunReportLoad(server, options.reports);
  fmt::print(
      "reports: {} workers, {} trials each, {} measurements a request of 2 metrics, {} requests in flight a worker; "
      "acknowledgement {}\n",
      options.reports.workers, options.reports.trials_per_worker, options.reports.measurements_per_request,
      options.reports.requests_in_flight, result.latencies.Summary());
  bars.AtLeast("measurements acknowledged", static_cast<double>(result.measurements) / result.seconds, kReportsBar,
               "/s");
  PrintServerStatus(server);
  server.Kill();
  return NoneMissing(server, result.measurements, result.last_steps);
}

bool Leases(const Options& options, LeaseLoadKind kind, Bars& bars) {
  ServerProcess server(options.server, options.directory);
  CreateStudy(server.Connect(), SmallSpec(kStudy, kTrials));
  LeaseLoadOptions load;
  load.kind = kind;
  load.workers = options.lease_workers;
  load.duration = options.duration();
  load.study = kStudy;
  LeaseLoadResult result = RunLeaseLoad(server, load);
  const std::string name = kind == LeaseLoadKind::kCalls ? "as calls" : "on the stream";
  fmt::print("leases {}: {} workers of one slot; trial from request to end {}\n", name, load.workers,
             result.latencies.Summary());
  bars.AtLeast("acquire+finish " + name, static_cast<double>(result.finished) / result.seconds, kLeasesBar, "/s");
  PrintServerStatus(server);
  return server.Stop() && NoneUnfinished(server, result.finished);
}

bool Fleet(const Options& options, Bars& bars) {
  ServerProcess server(options.server, options.directory);
  CreateStudy(server.Connect(), SmallSpec(kStudy, kTrials));
  const int64_t alone = server.ResidentBytes();
  FleetLoadResult result = RunFleetLoad(server, options.fleet);
  fmt::print(
      "fleet: {} workers, {:.0f} reports/s, {:.0f} acquires/s; {} KiB of server memory a worker\n  acquire {}\n"
      "  report {}\n",
      options.fleet.workers, static_cast<double>(result.reports) / result.seconds,
      static_cast<double>(result.acquires) / result.seconds,
      (result.resident_bytes - alone) / options.fleet.workers >> 10, result.acquire_latencies.Summary(),
      result.report_latencies.Summary());
  bars.AtMost("acquire in the fleet, p50", result.acquire_latencies.Milliseconds(0.5), kFleetAcquireP50Bar, "ms");
  bars.AtMost("acquire in the fleet, p99", result.acquire_latencies.Milliseconds(0.99), kFleetAcquireP99Bar, "ms",
              Bars::Figure::kOfOutliers);
  PrintServerStatus(server);
  server.Kill();
  const bool whole = NoneMissing(server, result.reports, result.last_steps);
  return NoneUnfinished(server, result.acquires) && whole;
}

// The same report load with watchers that do not read and without any, in turn.
bool Watched(const Options& options, Bars& bars) {
  double with = 0, without = 0;  // measurements/s, summed over rounds
  int64_t growth = 0;            // of the server's memory, of both
  bool whole = true;
  for (int round = 0; round < 2 * options.rounds; ++round) {
    const bool watched = round % 2 == 1;
    ServerProcess server(options.server, options.directory);
    CreateStudy(server.Connect(), SmallSpec(kStudy, kTrials));
    std::optional<StalledWatchers> watchers;
    if (watched) watchers.emplace(server, kStudy, options.watchers);
    const ReportLoadResult result = RunReportLoad(server, options.reports);
    (watched ? with : without) += static_cast<double>(result.measurements) / result.seconds;
    growth += (watched ? 1 : -1) * server.ResidentBytes();
    watchers.reset();
    server.Kill();
    whole = CountMissing(server.database(), result.last_steps) == 0 && whole;
  }
  fmt::print("reports with {} watchers that do not read: {:.0f} measurements/s, without {:.0f}; {} MiB more memory\n",
             options.watchers, with / options.rounds, without / options.rounds, (growth / options.rounds) >> 20);
  bars.AtMost("time of a report, watched/unwatched", without / with, kStalledWatchersBar, "x");
  return whole;
}

}  // namespace
}  // namespace athanor::bench

int main(int argc, char** argv) {
  athanor::bench::Options options;
  bool reports = false, calls = false, stream = false, fleet = false, watched = false;
  CLI::App app("Load on a coordinator, over gRPC and durable.");
  app.add_option("--server", options.server, "the athanor-server program")->capture_default_str();
  app.add_option("--directory", options.directory, "where the database goes")->capture_default_str();
  app.add_option("--seconds", options.seconds, "of each load")->capture_default_str();
  app.add_option("--workers", options.reports.workers, "report streams")->capture_default_str();
  app.add_option("--trials", options.reports.trials_per_worker, "a report stream")->capture_default_str();
  app.add_option("--batch", options.reports.measurements_per_request, "measurements a request, over its trials")
      ->capture_default_str();
  app.add_option("--in-flight", options.reports.requests_in_flight, "requests a report stream")->capture_default_str();
  app.add_option("--lease-workers", options.lease_workers, "workers that acquire and finish")->capture_default_str();
  app.add_option("--fleet-workers", options.fleet.workers, "workers that report once a second")->capture_default_str();
  app.add_option("--watchers", options.watchers, "that do not read")->capture_default_str();
  app.add_option("--rounds", options.rounds, "with watchers and without")->capture_default_str();
  app.add_flag("--reports", reports, "this load only; likewise the flags that follow");
  app.add_flag("--calls", calls);
  app.add_flag("--stream", stream);
  app.add_flag("--fleet", fleet);
  app.add_flag("--watched", watched);
  app.footer("Exits with 1 if an acknowledgement was not kept, or a figure is four times as bad as its bar.");
  CLI11_PARSE(app, argc, argv);
  options.reports.duration = options.fleet.duration = options.duration();
  athanor::bench::AllowManyConnections();
  const bool all = !reports && !calls && !stream && !fleet && !watched;
  fmt::print("{} cores\n", std::thread::hardware_concurrency());
  athanor::bench::Bars bars;
  bool whole = true;
  using enum athanor::bench::LeaseLoadKind;
  if (all || reports) whole = athanor::bench::Reports(options, bars) && whole;
  if (all || calls) whole = athanor::bench::Leases(options, kCalls, bars) && whole;
  if (all || stream) whole = athanor::bench::Leases(options, kStream, bars) && whole;
  if (all || fleet) whole = athanor::bench::Fleet(options, bars) && whole;
  if (all || watched) whole = athanor::bench::Watched(options, bars) && whole;
  return whole && !bars.collapsed() ? 0 : 1;
}
