#include "tests/bench/load/stalled_watchers.h"

namespace athanor::bench {

StalledWatchers::StalledWatchers(const ServerProcess& server, const std::string& study, int count) {
  v1::WatchStudyRequest request;
  request.set_study(study);
  request.set_min_interval_ms(50);
  request.set_top(100);
  for (int i = 0; i < count; ++i) {
    Watcher& watcher = *watchers_.emplace_back(std::make_unique<Watcher>());
    watcher.stub = v1::StudyService::NewStub(server.Connect());
    watcher.reader = watcher.stub->WatchStudy(&watcher.context, request);
    v1::StudySnapshot snapshot;
    if (!watcher.reader->Read(&snapshot)) Check(watcher.reader->Finish(), "WatchStudy");
  }
}

StalledWatchers::~StalledWatchers() {
  for (const auto& watcher : watchers_) watcher->context.TryCancel();
}

}  // namespace athanor::bench
