// What one group of operations changes: rows for the store, and what may leave the process once they are on disk.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "boost/container/flat_set.hpp"
#include "server/core/ids.h"
#include "server/store/store.h"

namespace athanor {

// Handed to every use case. A use case that returns an error must have changed nothing: it checks first, then changes
// memory and appends the same change here. Owner thread only.
struct Transaction {
  Now now;
  // OK, or why nothing can be written at the moment. A use case that is about to change something returns it instead,
  // after it has answered what it can without (repeats, what does not exist). Reading, and whatever lives in memory
  // alone, goes on.
  absl::Status writable;
  // Writes failed until now, and this group is to find out whether they succeed again.
  bool tries_to_write = false;
  ChangeBatch changes;
  // Studies and workers whose memory must be rebuilt from the store if the commit fails.
  boost::container::flat_set<StudyId> touched_studies;
  std::vector<std::string> touched_workers;  // with repeats
  // Run in order after a successful commit, dropped after a failed one: pushed commands, watch wake-ups, files to
  // delete.
  std::vector<std::function<void()>> after_commit;
  // Run in either case, with the fate of the commit: answers to long polls that this group served.
  std::vector<std::function<void(const absl::Status& commit)>> replies;
};

}  // namespace athanor
