// WatchStudy over gRPC: snapshots of a study as it changes, at the watcher's pace.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <set>

#include "athanor/v1/study_service.pb.h"
#include "base/mutex.h"
#include "server/rpc/service_context.h"

namespace athanor {

class WatchStream;

// The open watches, so that a shutdown can end them and their number is bounded. Thread-safe.
class WatchStreams {
 public:
  static constexpr size_t kMaxWatches = 1024;

  // False when there are too many.
  bool Add(WatchStream* watch);
  void Remove(WatchStream* watch);
  // Ends every watch with UNAVAILABLE.
  void CloseAll();

 private:
  Mutex mutex_;
  std::set<WatchStream*> watches_ ATHANOR_GUARDED_BY(mutex_);
};

// The reactor owns itself until its call is done.
grpc::ServerWriteReactor<v1::StudySnapshot>* StartWatch(ServiceContext& context, WatchStreams& watches,
                                                        const v1::WatchStudyRequest& request);

}  // namespace athanor
