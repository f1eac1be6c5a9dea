#include "server/store/sqlite/shared_rows.h"

namespace athanor::sqlite {

namespace {

// At most so many of each kind are remembered: a few MiB, and more workers than report to one coordinator.
constexpr size_t kRemembered = 20'000;

// The id of the row that consists of `parts`, which may be added for it.
template <typename Remembered, typename Parts>
int64_t IdOf(Remembered& remembered, const Parts& parts, Statement& find, Statement& insert,
             const SQLite::Database& database) {
  int64_t id = 0;
  if (Rows row = std::apply([&](const auto&... part) { return find.Query(part...); }, parts); row.Next()) {
    id = row.Int();
  } else {
    std::apply([&](const auto&... part) { insert.Run(part...); }, parts);
    id = database.getLastInsertRowid();
  }
  if (remembered.size() >= kRemembered) remembered.clear();
  return id;
}

}  // namespace

SharedRows::SharedRows(SQLite::Database& database)
    : database_(database),
      find_worker_(database, "SELECT id FROM worker_names WHERE name = ?"),
      insert_worker_(database, "INSERT INTO worker_names (name) VALUES (?)"),
      find_environment_(database,
                        "SELECT id FROM environments WHERE device = ? AND trainer_version = ? "
                        "AND libtorch_version = ? AND threads = ? AND dataset_hash = ?"),
      insert_environment_(database,
                          "INSERT INTO environments (device, trainer_version, libtorch_version, threads, "
                          "dataset_hash) VALUES (?, ?, ?, ?, ?)") {}

int64_t SharedRows::WorkerId(const std::string& name) {
  if (const auto known = workers_.find(name); known != workers_.end()) return known->second;
  const int64_t id = IdOf(workers_, std::tie(name), find_worker_, insert_worker_, database_);
  return workers_[name] = id;
}

int64_t SharedRows::EnvironmentId(const Environment& environment) {
  const auto parts = std::tie(environment.device, environment.trainer_version, environment.libtorch_version,
                              environment.threads, environment.dataset_hash);
  if (const auto known = environments_.find(parts); known != environments_.end()) return known->second;
  const int64_t id = IdOf(environments_, parts, find_environment_, insert_environment_, database_);
  return environments_[Parts(parts)] = id;
}

void SharedRows::Forget() {
  workers_.clear();
  environments_.clear();
}

std::map<int64_t, std::string> SharedRows::LoadWorkers() {
  Statement select(database_, "SELECT id, name FROM worker_names");
  std::map<int64_t, std::string> workers;
  for (Rows rows = select.Query(); rows.Next();) {
    const int64_t id = rows.Int();
    workers[id] = rows.Text();
  }
  return workers;
}

}  // namespace athanor::sqlite
