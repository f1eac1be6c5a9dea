#include "tests/integration/chaos/fleet.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <utility>

namespace athanor::chaos {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using enum FaultKind;
using enum testing::FaultProxy::Direction;

std::string Milliseconds(Duration duration) {
  return std::to_string(std::chrono::duration_cast<milliseconds>(duration).count()) + "ms";
}

// A free port outside the range from which the system takes those of outgoing connections: while the coordinator is
// down nobody else may get its port.
int FreePort() {
  namespace ip = boost::asio::ip;
  boost::asio::io_context io;
  for (int port = 20'000 + getpid() % 10'000; port < 32'000; ++port) {
    ip::tcp::acceptor acceptor(io, ip::tcp::v4());
    boost::system::error_code error;
    acceptor.bind({ip::address_v4::loopback(), static_cast<unsigned short>(port)}, error);
    if (!error) return port;
  }
  throw std::runtime_error("no port is free");
}

}  // namespace

int64_t UnixMs() { return SystemClock().Read().wall.time_since_epoch().count(); }

Fleet::Fleet(FleetOptions options) : options_(std::move(options)) {}

Fleet::~Fleet() {
  for (Member& member : members_) Continue(member);
}

void Fleet::Start() {
  StartCoordinator();
  for (const WorkerSpec& spec : options_.workers) {
    Member& member = members_.emplace_back();
    member.spec = spec;
    member.network = std::make_unique<testing::FaultProxy>(address_);
    StartWorker(member);
  }
  for (int i = 0; i < options_.driven; ++i) {
    members_.emplace_back().network = std::make_unique<testing::FaultProxy>(address_);
  }
}

const std::string& Fleet::driven_address(int driven) const {
  return members_[options_.workers.size() + static_cast<size_t>(driven)].network->address();
}

void Fleet::StartCoordinator() {
  const auto output = options_.folder / "coordinator.out";
  std::filesystem::remove(output);
  ProcessOptions process;
  process.command = {options_.programs / "athanor-server",
                     "--listen",
                     address_.empty() ? "127.0.0.1:" + std::to_string(FreePort()) : address_,
                     "--database",
                     database(),
                     "--lease",
                     Milliseconds(options_.lease),
                     "--heartbeat",
                     Milliseconds(options_.heartbeat)};
  process.output = output;
  process.errors = options_.folder / "coordinator.log";
  coordinator_.emplace(process);
  const std::string ready = "listening on ";
  for (const auto deadline = std::chrono::steady_clock::now() + seconds(60);;) {
    const std::string text = ReadFile(output);
    if (text.starts_with(ready) && text.ends_with('\n')) {
      address_ = text.substr(ready.size(), text.size() - ready.size() - 1);
      return;
    }
    if (!coordinator_->Running() || std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("the coordinator did not start" + Logs());
    }
    std::this_thread::sleep_for(milliseconds(5));
  }
}

void Fleet::StartWorker(Member& member) {
  ProcessOptions process;
  process.command = {options_.programs / "athanor-worker",
                     "--coordinator",
                     member.network->address(),
                     "--slots",
                     std::to_string(member.spec.slots),
                     "--device",
                     "cpu",
                     "--name",
                     member.spec.name,
                     "--label",
                     "kind=" + member.spec.kind,
                     "--state-dir",
                     options_.folder / member.spec.name,
                     "--trainer",
                     options_.programs / member.spec.trainer};
  process.output = options_.folder / (member.spec.name + ".out");
  process.errors = options_.folder / (member.spec.name + ".log");
  process.environment = {{"ATHANOR_FAKE_TRAINER", "step_ms=" + std::to_string(options_.step_ms)}};
  member.process.emplace(process);
}

void Fleet::Begin(const Fault& fault) {
  const int64_t now = UnixMs();
  if (fault.target == kCoordinator) {
    if (!BeginAtCoordinator(fault.kind)) return;
  } else {
    Member& member = members_[static_cast<size_t>(fault.target)];
    if (fault.kind >= kPartition) {
      BeginAtNetwork(fault.kind, *member.network);
    } else if (!BeginAtProcess(fault.kind, member)) {
      return;
    }
  }
  ++struck_[fault.kind];
  outages_.push_back({fault.kind, fault.target, now, 0});
}

bool Fleet::BeginAtCoordinator(FaultKind kind) {
  if (!coordinator_->Running()) throw std::runtime_error("the coordinator ended by itself" + Logs());
  coordinator_->Signal(kind == kKillCoordinator ? SIGKILL : SIGSTOP);
  if (kind == kKillCoordinator) coordinator_->Wait(seconds(10));
  return true;
}

bool Fleet::BeginAtProcess(FaultKind kind, Member& member) {
  if (!member.process->Running()) throw std::runtime_error(member.spec.name + " ended by itself" + Logs());
  if (kind == kKillWorker || kind == kStopWorker) {
    member.process->Signal(kind == kKillWorker ? SIGKILL : SIGSTOP);
    if (kind == kKillWorker) member.process->Wait(seconds(10));
    return true;
  }
  const std::vector<pid_t> trainers = ChildrenOf(member.process->pid());
  if (trainers.empty()) return false;
  kill(trainers.front(), kind == kKillTrainer ? SIGKILL : SIGSTOP);
  if (kind == kStopTrainer) member.stopped_trainer = trainers.front();
  return true;
}

void Fleet::BeginAtNetwork(FaultKind kind, testing::FaultProxy& network) {
  switch (kind) {
    case kPartition:
      network.Hold(kToTarget);
      network.Hold(kFromTarget);
      break;
    case kCutToCoordinator:
      network.Swallow(kToTarget);
      break;
    case kCutFromCoordinator:
      network.Swallow(kFromTarget);
      break;
    case kDelay:
      network.Delay(kToTarget, milliseconds(150));
      network.Delay(kFromTarget, milliseconds(150));
      break;
    case kSlow:
      network.Limit(kToTarget, 20'000);
      network.Limit(kFromTarget, 20'000);
      break;
    case kRefuse:
      network.Refuse();
      network.Close();
      break;
    case kReset:
      network.Reset();
      break;
    default:
      network.Close();
  }
}

void Fleet::End(const Fault& fault) {
  Outage* open = nullptr;
  for (Outage& outage : outages_) {
    if (outage.target == fault.target && outage.kind == fault.kind && outage.end_ms == 0) open = &outage;
  }
  if (open == nullptr) return;
  if (fault.kind == kKillCoordinator) {
    StartCoordinator();
  } else if (fault.kind == kStopCoordinator) {
    coordinator_->Signal(SIGCONT);
  } else if (fault.kind >= kPartition) {
    members_[static_cast<size_t>(fault.target)].network->Heal();
  } else {
    EndAtProcess(fault.kind, members_[static_cast<size_t>(fault.target)]);
  }
  open->end_ms = UnixMs();
}

void Fleet::EndAtProcess(FaultKind kind, Member& member) {
  if (kind == kKillWorker) StartWorker(member);
  if (kind == kStopWorker) member.process->Signal(SIGCONT);
  if (kind == kStopTrainer) Continue(member);
}

// The worker may have killed it meanwhile for its silence, and the number be another's.
void Fleet::Continue(Member& member) {
  const pid_t trainer = std::exchange(member.stopped_trainer, 0);
  if (trainer == 0 || !ReadFile("/proc/" + std::to_string(trainer) + "/comm").starts_with("athanor-")) return;
  kill(trainer, SIGCONT);
}

bool Fleet::CoordinatorIsUp() {
  const bool down = std::ranges::any_of(
      outages_, [](const Outage& outage) { return outage.target == kCoordinator && outage.end_ms == 0; });
  if (!down && !coordinator_->Running()) throw std::runtime_error("the coordinator ended by itself" + Logs());
  return !down;
}

void Fleet::Heal() {
  for (const Outage& outage : std::vector(outages_)) {
    if (outage.end_ms == 0) End({outage.kind, outage.target, {}, {}});
  }
}

void Fleet::RestartWorkers(int step_ms) {
  options_.step_ms = step_ms;
  for (Member& member : members_) {
    if (member.process.has_value()) member.process->Signal(SIGTERM);
  }
  for (Member& member : members_) {
    if (!member.process.has_value()) continue;
    const int code = member.process->Wait(seconds(60));
    if (code != 0)
      throw std::runtime_error(member.spec.name + " drained with exit code " + std::to_string(code) + Logs());
    StartWorker(member);
  }
}

void Fleet::StopCoordinator() {
  coordinator_->Signal(SIGTERM);
  const int code = coordinator_->Wait(seconds(30));
  if (code != 0) throw std::runtime_error("the coordinator ended with exit code " + std::to_string(code) + Logs());
}

std::string Fleet::Logs() const {
  constexpr size_t kTail = 3000;
  std::string text;
  for (const auto& entry : std::filesystem::directory_iterator(options_.folder)) {
    if (entry.path().extension() != ".log") continue;
    const std::string log = ReadFile(entry.path());
    text +=
        "\n--- " + entry.path().filename().string() + "\n" + log.substr(log.size() > kTail ? log.size() - kTail : 0);
  }
  return text;
}

}  // namespace athanor::chaos
