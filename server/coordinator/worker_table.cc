#include "server/coordinator/worker_table.h"

namespace athanor {

WorkerTable::iterator WorkerTable::find(std::string_view name) {
  const auto found = index_.find(name);
  return found == index_.end() ? by_name_.end() : found->second;
}

WorkerTable::const_iterator WorkerTable::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? by_name_.end() : const_iterator(found->second);
}

WorkerInMemory& WorkerTable::operator[](const std::string& name) {
  if (const auto found = find(name); found != end()) return found->second;
  const iterator added = by_name_.try_emplace(name).first;
  index_.emplace(added->first, added);
  return added->second;
}

void WorkerTable::erase(const std::string& name) {
  const auto found = find(name);
  if (found == end()) return;
  index_.erase(found->first);
  by_name_.erase(found);
}

}  // namespace athanor
