#include "worker/session/session.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "worker/session/lease_convert.h"

namespace athanor::session {

Session::Session(boost::asio::io_context& io, const Clock& clock, WorkerTransport& transport, CheckpointCache& cache,
                 SessionOptions options, OnEnd on_end)
    : io_(io),
      options_(std::move(options)),
      on_end_(std::move(on_end)),
      reports_(options_.reports),
      services_{.io = io,
                .clock = clock,
                .transport = transport,
                .reports = reports_,
                .cache = cache,
                .trials_folder = options_.trials_folder,
                .transfer_backoff = options_.transfer_backoff,
                .logs = options_.logs,
                .trainer = options_.trainer},
      drain_timer_(io) {
  for (const SlotOptions& slot : options_.slots) slots_.push_back(std::make_unique<Slot>(io, clock, slot, this));
  connection_ = std::make_shared<Connection>(
      io, clock, transport, reports_, options_.registration, options_.reconnect_backoff,
      HashWords({HashString(options_.registration.worker()), options_.registration.incarnation()}), this);
}

Session::~Session() = default;

void Session::Start() { connection_->Start(); }

void Session::Drain() {
  if (draining_) return;
  draining_ = true;
  spdlog::info("draining: {} leases to hand back", tasks_.size());
  connection_->StopPolling();
  drain_timer_.expires_after(options_.drain_timeout);
  drain_timer_.async_wait([this, alive = std::weak_ptr<bool>(alive_)](const boost::system::error_code& error) {
    if (!error && !alive.expired()) Abort();
  });
  PreemptAll();
  ScheduleSweep();
}

void Session::Abort() {
  End(absl::AbortedError(absl::StrCat("ended with ", tasks_.size(), " leases not handed back")));
}

void Session::End(const absl::Status& status) {
  drain_timer_.cancel();
  if (on_end_ != nullptr) std::exchange(on_end_, nullptr)(status);
}

void Session::OnRegistered(const v1::RegisterResponse& response) {
  if (response.state() == v1::WORKER_STATE_DRAINING || response.state() == v1::WORKER_STATE_QUARANTINED) {
    spdlog::warn("the coordinator gives this worker no trials until it is enabled: {}", response.reason());
  }
  for (const auto& [key, task] : tasks_) task->OnConnected();
}

void Session::OnRefused(const absl::Status& status) { End(status); }

void Session::OnLeases(const v1::AcquireResponse& response) {
  for (const v1::Lease& lease : response.leases()) Take(lease);
}

void Session::Take(const v1::Lease& lease) {
  if (tasks_.contains(LeaseKey(lease.ref()))) return;  // the answer to a poll, a second time
  const auto slot = std::ranges::find_if(slots_, [](const auto& candidate) { return candidate->free(); });
  if (draining_ || slot == slots_.end()) {
    reports_.AddFinish(ToFinishRequest(lease.ref(), v1::ATTEMPT_OUTCOME_PREEMPTED, "no slot is free", {}));
    connection_->Pump();
    return;
  }
  auto task = std::make_shared<LeaseTask>(services_, lease, **slot, this);
  tasks_.emplace(task->key(), task);
  task->Begin();
}

LeaseTask* Session::Find(const LeaseKey& lease) {
  const auto found = tasks_.find(lease);
  return found == tasks_.end() ? nullptr : found->second.get();
}

void Session::OnVerdict(const v1::Verdict& verdict) {
  if (LeaseTask* task = Find(LeaseKey(verdict.lease()))) task->OnVerdict(verdict);
}

void Session::OnCommand(const v1::Command& command) {
  LeaseTask* task = Find(LeaseKey(command.lease()));
  switch (command.kind()) {
    case v1::COMMAND_KIND_STOP:
      if (task != nullptr) task->OnLost("the coordinator said stop");
      break;
    case v1::COMMAND_KIND_PREEMPT:
      if (task != nullptr) task->Preempt();
      break;
    case v1::COMMAND_KIND_DRAIN:
      // Asking for work goes on: the coordinator gives none until the worker is enabled again.
      PreemptAll();
      break;
    default:
      spdlog::warn("the coordinator sent a command that this worker does not know: {}",
                   static_cast<int>(command.kind()));
  }
}

void Session::OnLeaseDead(const LeaseKey& lease) {
  if (LeaseTask* task = Find(lease)) task->OnLost("the coordinator counts it as dead");
}

void Session::OnFinishAcknowledged(const LeaseKey& lease) {
  if (LeaseTask* task = Find(lease)) task->OnFinishAcknowledged();
}

void Session::OnAcknowledged() {
  for (const auto& [key, task] : tasks_) task->OnAcknowledged();
  if (!reading_ && !reports_.full()) SetReading(true);
  ScheduleSweep();
}

std::vector<LeaseKey> Session::HeldLeases() const {
  std::vector<LeaseKey> held;
  for (const auto& [key, task] : tasks_) {
    if (task->live()) held.push_back(key);
  }
  return held;
}

int Session::FreeSlots() const {
  if (reports_.full()) return 0;
  return static_cast<int>(std::ranges::count_if(slots_, [](const auto& slot) { return slot->free(); }));
}

void Session::OnReportsQueued() {
  if (reading_ && reports_.full()) {
    spdlog::warn("{} measurements wait for the coordinator: holding the trainers back", reports_.measurements());
    SetReading(false);
  }
  connection_->Pump();
}

void Session::SetReading(bool on) {
  reading_ = on;
  for (const auto& slot : slots_) slot->SetReading(on);
}

void Session::OnHello(const HelloMessage& hello) {
  if (hello.option_table_hash != options_.trainer.option_table_hash) {
    spdlog::warn("the trainer program was replaced while the worker runs: its table of options differs now");
  }
}

void Session::PreemptAll() {
  for (const auto& [key, task] : tasks_) task->Preempt();
}

void Session::ScheduleSweep() {
  if (std::exchange(sweep_scheduled_, true)) return;
  boost::asio::post(io_, [this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) Sweep();
  });
}

void Session::Sweep() {
  sweep_scheduled_ = false;
  std::erase_if(tasks_, [](const auto& entry) { return entry.second->over(); });
  if (!draining_) {
    connection_->PollForWork();
    return;
  }
  if (closing_ || !tasks_.empty() || !reports_.empty()) return;
  for (const auto& slot : slots_) slot->Shutdown();
  if (!std::ranges::all_of(slots_, [](const auto& slot) { return slot->empty(); })) return;
  closing_ = true;
  connection_->Close([this] { End(absl::OkStatus()); });
}

}  // namespace athanor::session
