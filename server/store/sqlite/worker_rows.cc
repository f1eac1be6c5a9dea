#include "server/store/sqlite/worker_rows.h"

#include <utility>

namespace athanor::sqlite {

WorkerRows::WorkerRows(SQLite::Database& database)
    : database_(database),
      put_(database,
           "INSERT INTO workers (name, incarnation, host, slots, option_table_hash, standing, reason, last_seen_ms, "
           "trusted_from) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
           "incarnation = excluded.incarnation, "
           "host = excluded.host, slots = excluded.slots, option_table_hash = excluded.option_table_hash, "
           "standing = excluded.standing, reason = excluded.reason, last_seen_ms = excluded.last_seen_ms, "
           "trusted_from = excluded.trusted_from") {}

void WorkerRows::Put(const WorkerRecord& worker) {
  put_.Run(worker.name, worker.incarnation, worker.host, worker.slots, worker.option_table_hash,
           ToWord(kWorkerStandings, worker.standing), worker.reason, worker.last_seen, worker.trusted_from);
  for (const char* sql :
       {"DELETE FROM worker_devices WHERE worker = ?", "DELETE FROM worker_labels WHERE worker = ?",
        "DELETE FROM worker_trainers WHERE worker = ?", "DELETE FROM worker_datasets WHERE worker = ?"}) {
    Statement(database_, sql).Run(worker.name);
  }
  InsertLists(worker);
}

void WorkerRows::InsertLists(const WorkerRecord& worker) {
  Statement insert_device(
      database_, "INSERT INTO worker_devices (worker, position, kind, name, memory_bytes) VALUES (?, ?, ?, ?, ?)");
  for (size_t i = 0; i < worker.devices.size(); ++i) {
    const DeviceRecord& device = worker.devices[i];
    insert_device.Run(worker.name, i, device.kind, device.name, device.memory_bytes);
  }
  Statement insert_label(database_, "INSERT INTO worker_labels (worker, key, value) VALUES (?, ?, ?)");
  for (const auto& [key, value] : worker.labels) insert_label.Run(worker.name, key, value);
  Statement insert_trainer(database_, "INSERT INTO worker_trainers (worker, position, name) VALUES (?, ?, ?)");
  for (size_t i = 0; i < worker.trainers.size(); ++i) insert_trainer.Run(worker.name, i, worker.trainers[i]);
  Statement insert_dataset(database_, "INSERT INTO worker_datasets (worker, position, name) VALUES (?, ?, ?)");
  for (size_t i = 0; i < worker.datasets.size(); ++i) insert_dataset.Run(worker.name, i, worker.datasets[i]);
}

std::vector<WorkerRecord> WorkerRows::Load() {
  Statement select(database_,
                   "SELECT name, incarnation, host, slots, option_table_hash, standing, reason, last_seen_ms, "
                   "trusted_from FROM workers ORDER BY name");
  std::vector<WorkerRecord> workers;
  for (Rows rows = select.Query(); rows.Next();) {
    WorkerRecord& worker = workers.emplace_back();
    worker.name = rows.Text();
    worker.incarnation = rows.Unsigned();
    worker.host = rows.Text();
    worker.slots = rows.Int();
    worker.option_table_hash = rows.Text();
    worker.standing = rows.Word(kWorkerStandings);
    worker.reason = rows.Text();
    worker.last_seen = rows.Time();
    worker.trusted_from = rows.Int();
    LoadLists(worker);
  }
  return workers;
}

void WorkerRows::LoadLists(WorkerRecord& worker) {
  Statement devices(database_,
                    "SELECT kind, name, memory_bytes FROM worker_devices WHERE worker = ? ORDER BY position");
  for (Rows rows = devices.Query(worker.name); rows.Next();) {
    DeviceRecord& device = worker.devices.emplace_back();
    device.kind = rows.Text();
    device.name = rows.Text();
    device.memory_bytes = rows.Int();
  }
  Statement labels(database_, "SELECT key, value FROM worker_labels WHERE worker = ?");
  for (Rows rows = labels.Query(worker.name); rows.Next();) {
    std::string key = rows.Text();
    worker.labels[std::move(key)] = rows.Text();
  }
  Statement trainers(database_, "SELECT name FROM worker_trainers WHERE worker = ? ORDER BY position");
  for (Rows rows = trainers.Query(worker.name); rows.Next();) worker.trainers.push_back(rows.Text());
  Statement datasets(database_, "SELECT name FROM worker_datasets WHERE worker = ? ORDER BY position");
  for (Rows rows = datasets.Query(worker.name); rows.Next();) worker.datasets.push_back(rows.Text());
}

RequestRows::RequestRows(SQLite::Database& database)
    : put_(database,
           "INSERT INTO requests (id, method, fingerprint, study, trial, position, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?) "
           "ON CONFLICT (id) DO UPDATE SET method = excluded.method, fingerprint = excluded.fingerprint, "
           "study = excluded.study, trial = excluded.trial, position = excluded.position, at_ms = excluded.at_ms"),
      forget_(database, "DELETE FROM requests WHERE at_ms < ?"),
      find_(database, "SELECT method, fingerprint, study, trial, position, at_ms FROM requests WHERE id = ?"),
      clear_collected_(database, "DELETE FROM collected_checkpoints WHERE request = ?"),
      put_collected_(database,
                     "INSERT INTO collected_checkpoints (request, position, trial, token, step, sha256, size_bytes, "
                     "reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
      load_collected_(database,
                      "SELECT trial, token, step, sha256, size_bytes, reason FROM collected_checkpoints "
                      "WHERE request = ? ORDER BY position") {}

void RequestRows::Put(const RequestRecord& request) {
  put_.Run(request.id, request.method, request.fingerprint, request.study, request.trial, request.position, request.at);
  clear_collected_.Run(request.id);
  for (size_t i = 0; i < request.collected.size(); ++i) {
    const auto& [checkpoint, reason] = request.collected[i];
    put_collected_.Run(request.id, i, checkpoint.trial, checkpoint.token, checkpoint.step, checkpoint.sha256,
                       checkpoint.size_bytes, reason);
  }
}

void RequestRows::Forget(WallTime before) { forget_.Run(before); }

std::optional<RequestRecord> RequestRows::Find(const std::string& id) {
  Rows row = find_.Query(id);
  if (!row.Next()) return std::nullopt;
  RequestRecord request;
  request.id = id;
  request.method = row.Text();
  request.fingerprint = row.Text();
  request.study = row.Int();
  request.trial = row.OptionalInt();
  request.position = row.Int();
  request.at = row.Time();
  for (Rows rows = load_collected_.Query(id); rows.Next();) {
    auto& [checkpoint, reason] = request.collected.emplace_back();
    checkpoint.trial = rows.Int();
    checkpoint.token = rows.Int();
    checkpoint.step = rows.Int();
    checkpoint.sha256 = rows.Text();
    checkpoint.size_bytes = rows.Int();
    reason = rows.Text();
  }
  return request;
}

}  // namespace athanor::sqlite
