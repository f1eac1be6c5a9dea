// The calls of AdminService (proto/athanor/v1/study_service.proto), without the wire. Thread-safe; none blocks.
#pragma once

#include "athanor/v1/study_service.pb.h"
#include "server/rpc/service_context.h"

namespace athanor {

class AdminCalls {
 public:
  explicit AdminCalls(ServiceContext& context) : context_(context) {}

  void ListWorkers(const v1::ListWorkersRequest& request, Done<v1::ListWorkersResponse> done);
  void DrainWorker(const v1::ChangeWorkerRequest& request, Done<v1::Worker> done);
  void EnableWorker(const v1::ChangeWorkerRequest& request, Done<v1::Worker> done);
  void GetServerStatus(Done<v1::ServerStatus> done);

 private:
  using Change = absl::StatusOr<const WorkerInMemory*> (Leases::*)(Transaction&, const std::string&);
  void ChangeWorker(const v1::ChangeWorkerRequest& request, const char* method, Change change, Done<v1::Worker> done);

  ServiceContext& context_;
};

}  // namespace athanor
