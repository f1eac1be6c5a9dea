// The calls of StudyService about what a study teaches (proto/athanor/v1/study_service.proto), without the wire.
// Thread-safe; none blocks.
#pragma once

#include "athanor/v1/study_service.pb.h"
#include "server/rpc/service_context.h"

namespace athanor {

class InsightCalls {
 public:
  explicit InsightCalls(ServiceContext& context) : context_(context) {}

  // The owner copies configurations and best values; curves are read and importance is computed on the pool of reads,
  // from kMostComparedTrials trials at most, the newest.
  void GetImportance(const v1::GetImportanceRequest& request, Done<v1::Importance> done);

 private:
  ServiceContext& context_;
};

}  // namespace athanor
