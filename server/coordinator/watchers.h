// Who wants to know when a study changes. Owner thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "boost/container/flat_set.hpp"
#include "server/core/ids.h"

namespace athanor {

class Watchers {
 public:
  using WatchId = uint64_t;

  // `changed` runs on the owner thread after every commit that changed the study; it must only take a note. It says
  // nothing of what changed, so a slow watcher costs a writer nothing.
  WatchId Add(StudyId study, std::function<void()> changed) {
    const WatchId id = next_++;
    watchers_[{study, id}] = std::move(changed);
    return id;
  }
  void Remove(StudyId study, WatchId id) { watchers_.erase({study, id}); }

  void Notify(const boost::container::flat_set<StudyId>& studies) const {
    for (const StudyId study : studies) {
      for (auto watcher = watchers_.lower_bound({study, 0});
           watcher != watchers_.end() && watcher->first.first == study; ++watcher) {
        watcher->second();
      }
    }
  }

 private:
  std::map<std::pair<StudyId, WatchId>, std::function<void()>> watchers_;
  WatchId next_ = 1;
};

}  // namespace athanor
