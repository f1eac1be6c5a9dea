// Watchers that stopped reading: a terminal that was suspended, a laptop that was closed.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "athanor/v1/study_service.grpc.pb.h"
#include "tests/bench/load/server_process.h"

namespace athanor::bench {

class StalledWatchers {
 public:
  // Opens so many watches of the study, each on a connection of its own, with the largest snapshots and the shortest
  // interval, reads one snapshot of each, and no more. Exits with a message if a watch is refused.
  StalledWatchers(const ServerProcess& server, const std::string& study, int count);
  // Cancels them.
  ~StalledWatchers();

 private:
  struct Watcher {
    std::unique_ptr<v1::StudyService::Stub> stub;
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<v1::StudySnapshot>> reader;
  };
  std::vector<std::unique_ptr<Watcher>> watchers_;
};

}  // namespace athanor::bench
