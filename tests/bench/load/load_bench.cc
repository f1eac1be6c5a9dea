// What a coordinator sustains: measurements acknowledged through report streams, and trials leased and finished, over
// real gRPC against an athanor-server process with a new SQLite file. Afterwards every acknowledgement is checked
// against that file. Client and server share the machine's cores.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>
#include <thread>

#include "athanor/v1/study_service.grpc.pb.h"
#include "tests/bench/load/lease_load.h"
#include "tests/bench/load/report_load.h"
#include "tests/bench/load/server_process.h"

namespace athanor::bench {
namespace {

struct Options {
  std::string server = "bin/athanor-server";
  std::string directory = "/tmp";
  int seconds = 10;
  int lease_workers = 64;
  ReportLoadOptions reports;
};

void PrintServerStatus(const ServerProcess& server) {
  v1::ServerStatus status;
  grpc::ClientContext context;
  Check(v1::AdminService::NewStub(server.Connect())->GetServerStatus(&context, {}, &status), "GetServerStatus");
  fmt::print("  server: {} operations in {} commits ({:.1f} each); commit p50 {:.2f} ms, p99 {:.2f} ms; {} MiB\n",
             status.operations(), status.commits(),
             static_cast<double>(status.operations()) / static_cast<double>(std::max<int64_t>(status.commits(), 1)),
             status.commit_p50_ms(), status.commit_p99_ms(), status.database_bytes() >> 20);
}

// True if every acknowledged measurement is in the database.
bool Reports(const Options& options) {
  ServerProcess server(options.server, options.directory);
  ReportLoadOptions load = options.reports;
  load.duration = std::chrono::seconds(options.seconds);
  ReportLoadResult result = RunReportLoad(server, load);
  fmt::print(
      "reports: {:.0f} measurements/s acknowledged ({} workers, {} trials each, {} measurements a request of 2 "
      "metrics, {} requests in flight a worker); acknowledgement {}\n",
      static_cast<double>(result.measurements) / result.seconds, load.workers, load.trials_per_worker,
      load.measurements_per_request, load.requests_in_flight, result.latencies.Summary());
  PrintServerStatus(server);
  server.Kill();
  const int64_t missing = CountMissing(server.database(), result);
  fmt::print("  {} measurements acknowledged, {} of them missing from the database after kill -9\n",
             result.measurements, missing);
  return missing == 0;
}

bool Leases(const Options& options, LeaseLoadKind kind) {
  ServerProcess server(options.server, options.directory);
  LeaseLoadOptions load;
  load.kind = kind;
  load.workers = options.lease_workers;
  load.duration = std::chrono::seconds(options.seconds);
  load.study = kind == LeaseLoadKind::kCalls ? "calls" : "stream";
  LeaseLoadResult result = RunLeaseLoad(server, load);
  fmt::print("leases over {}: {:.0f} acquire+finish/s ({} workers of one slot); trial from request to end {}\n",
             load.study, static_cast<double>(result.finished) / result.seconds, load.workers,
             result.latencies.Summary());
  PrintServerStatus(server);
  const bool stopped = server.Stop();
  const int64_t finished = CountFinished(server.database(), load.study);
  fmt::print("  {} finishes acknowledged, {} in the database\n", result.finished, finished);
  return stopped && finished == result.finished;
}

}  // namespace
}  // namespace athanor::bench

int main(int argc, char** argv) {
  athanor::bench::Options options;
  bool reports = false, calls = false, stream = false;
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
  app.add_flag("--reports", reports, "this load only; likewise --calls and --stream");
  app.add_flag("--calls", calls);
  app.add_flag("--stream", stream);
  CLI11_PARSE(app, argc, argv);
  const bool all = !reports && !calls && !stream;
  fmt::print("{} cores\n", std::thread::hardware_concurrency());
  bool ok = true;
  using enum athanor::bench::LeaseLoadKind;
  if (all || reports) ok = athanor::bench::Reports(options) && ok;
  if (all || calls) ok = athanor::bench::Leases(options, kCalls) && ok;
  if (all || stream) ok = athanor::bench::Leases(options, kStream) && ok;
  return ok ? 0 : 1;
}
