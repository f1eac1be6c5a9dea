#include "tests/bench/scale/queries.h"

#include <fmt/format.h>

#include <cstdlib>

#include "athanor/v1/study_service.grpc.pb.h"
#include "tests/bench/load/program.h"

namespace athanor::bench {
Latencies TimeVerb(const std::string& client, const ServerProcess& server, const std::vector<std::string>& arguments,
                   int repeats) {
  std::vector<std::string> command = {client};
  command.insert(command.end(), arguments.begin(), arguments.end());
  command.insert(command.end(), {"--coordinator", server.address()});
  Latencies latencies;
  for (int i = 0; i < repeats; ++i) {
    const MonotonicTime start = Now();
    if (const int code = WaitForProgram(StartProgram(command, Output::kDiscard).pid); code != 0) {
      fmt::print(stderr, "scale_bench: {} ended with {}\n", fmt::join(command, " "), code);
      std::exit(1);
    }
    latencies.Add(Now() - start);
  }
  return latencies;
}

Latencies TimeCurve(const ServerProcess& server, const std::string& study, int64_t trial, int points, int repeats) {
  const auto stub = v1::StudyService::NewStub(server.Connect());
  Latencies latencies;
  for (int i = 0; i <= repeats; ++i) {
    v1::GetCurveRequest request;
    request.set_study(study);
    request.set_number(trial);
    request.set_max_points(points);
    v1::Curve curve;
    grpc::ClientContext context;
    const MonotonicTime start = Now();
    Check(stub->GetCurve(&context, request, &curve), "GetCurve");
    if (i > 0) latencies.Add(Now() - start);  // the first one connects
    if (curve.metrics_size() == 1 && curve.metrics(0).steps_size() == points) continue;
    fmt::print(stderr, "scale_bench: a curve does not have the {} points that were asked for\n", points);
    std::exit(1);
  }
  return latencies;
}

}  // namespace athanor::bench
