#include "worker/session/slot.h"

#include <signal.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "absl/strings/str_cat.h"

namespace athanor::session {

namespace {

// Why a trial lost a child that nobody told to go.
std::string HowItEnded(const ChildExit& exit) {
  std::string text = absl::StrCat("the trainer ended with ", exit.ToString());
  if (exit.signal == SIGKILL) return text + ": if nobody killed it, the host ran out of memory";
  if (exit.signal == 0 && exit.code == 0) return text + " before the trial did";
  return text;
}

// `what`, then the last lines of the child's log.
std::string WithLog(const std::string& what, Child& child) {
  const std::string log = child.log().Text();
  return log.empty() ? what : absl::StrCat(what, "\n", log);
}

bool RanOutOfMemory(const InfeasibleMessage& message) { return message.reason.starts_with("out of memory"); }

// What it holds, or has lost, may be in the way of the next trial.
bool WantsReplacement(const TrainerMessage& last) {
  const auto* infeasible = std::get_if<InfeasibleMessage>(&last.body);
  return std::holds_alternative<FailedMessage>(last.body) || (infeasible != nullptr && RanOutOfMemory(*infeasible));
}

}  // namespace

Slot::Slot(boost::asio::io_context& io, const Clock& clock, SlotOptions options, Observer* observer)
    : io_(io), clock_(clock), options_(std::move(options)), observer_(observer), watch_(io) {}

Slot::~Slot() {
  if (child_ != nullptr) child_->Detach();
}

void Slot::Reserve() {
  reserved_ = true;
  if (state_ == State::kEmpty) Spawn();
}

void Slot::Release() {
  reserved_ = false;
  observer_->OnSlotFree();
}

void Slot::Start(StartCommand command, Duration stall_timeout, Trial* trial) {
  command.device = options_.device;
  reserved_ = false;
  trial_ = Running{.command = std::move(command), .stall_timeout = stall_timeout, .trial = trial};
  if (state_ == State::kIdle) Begin();
  if (state_ == State::kEmpty) Spawn();
  // Else its hello, or the exit of its predecessor, goes on from here.
}

void Slot::Spawn() {
  auto child = Child::Spawn(io_, options_.trainer, options_.log, this);
  if (!child.ok()) {
    // Not from within Start: its caller is still setting up.
    boost::asio::post(io_, [this, alive = std::weak_ptr<bool>(alive_), why = std::string(child.status().message())] {
      if (!alive.expired() && trial_.has_value()) LoseTrial(ChildLoss::kNotStarted, why);
    });
    return;
  }
  child_ = *std::move(child);
  output_closed_ = false;
  child_->SetReading(reading_);
  state_ = State::kStarting;
  obey_by_ = now() + options_.hello_timeout;
  Watch();
}

void Slot::OnMessage(TrainerMessage message) {
  if (const auto* hello = std::get_if<HelloMessage>(&message.body)) {
    OnHelloMessage(*hello);
    return;
  }
  if (state_ == State::kStarting) {
    KillChild(ChildLoss::kMalformed, "its first message was not hello");
    return;
  }
  stall_.OnMessage(now());
  // A trial that ended while a command for it was on its way may be answered once more.
  if (state_ != State::kBusy || !trial_.has_value() || message.trial != trial_->command.trial) return;
  Trial* const trial = trial_->trial;
  if (!message.EndsTrial()) {
    trial->OnTrainerMessage(message);
    return;
  }
  child_->DrainLog();
  if (auto* failed = std::get_if<FailedMessage>(&message.body)) failed->reason = WithLog(failed->reason, *child_);
  trial_.reset();
  stall_.Stop();
  obey_by_.reset();
  state_ = State::kIdle;
  const bool outgrown =
      options_.max_child_memory_bytes > 0 && child_->ResidentBytes() > options_.max_child_memory_bytes;
  if (outgrown || WantsReplacement(message)) Retire();
  trial->OnTrainerMessage(message);
  observer_->OnSlotFree();
}

void Slot::OnOutputClosed() {
  if (state_ == State::kRetiring) return;
  output_closed_ = true;
  obey_by_ = now() + options_.obey_timeout;
  Watch();
}

void Slot::OnLog(std::string_view bytes) {
  // Not the last words of a child that is being replaced.
  if (trial_.has_value() && (state_ == State::kStarting || state_ == State::kBusy)) trial_->trial->OnLog(bytes);
}

void Slot::OnHelloMessage(const HelloMessage& hello) {
  if (state_ != State::kStarting) {
    KillChild(ChildLoss::kMalformed, "it said hello twice");
    return;
  }
  if (hello.protocol != kTrainerProtocolVersion) {
    KillChild(ChildLoss::kNotStarted,
              absl::StrCat("it speaks trainer protocol ", hello.protocol, ", this worker ", kTrainerProtocolVersion));
    return;
  }
  obey_by_.reset();
  state_ = State::kIdle;
  observer_->OnHello(hello);
  if (trial_.has_value()) Begin();
}

void Slot::Begin() {
  state_ = State::kBusy;
  holding_ = false;
  child_->log().Clear();
  child_->Send(FormatStart(trial_->command));
  stall_.Start(trial_->stall_timeout, now());
  Watch();
}

void Slot::SendCommand(TrialCommand command) {
  if (state_ == State::kBusy) child_->Send(FormatCommand(command, trial_->command.trial));
}

void Slot::Continue() {
  SendCommand(TrialCommand::kContinue);
  holding_ = false;
  if (state_ == State::kBusy) stall_.Start(trial_->stall_timeout, now());
  Watch();
}

void Slot::Hold() {
  holding_ = true;
  stall_.Stop();
}

void Slot::Pause() { Interrupt(TrialCommand::kPause); }

void Slot::Stop() { Interrupt(TrialCommand::kStop); }

void Slot::Interrupt(TrialCommand command) {
  if (!trial_.has_value()) return;
  if (state_ != State::kBusy) {
    LoseTrial(ChildLoss::kNotStarted, "interrupted before it started");
    return;
  }
  SendCommand(command);
  SetReading(true);  // or its answer could not be heard
  obey_by_ = now() + options_.obey_timeout;
  Watch();
}

void Slot::SetReading(bool on) {
  if (reading_ == on) return;
  reading_ = on;
  if (child_ != nullptr) child_->SetReading(on);
  if (!on) {
    stall_.Stop();
  } else if (state_ == State::kStarting) {
    obey_by_ = now() + options_.hello_timeout;
    Watch();
  } else if (state_ == State::kBusy && !holding_) {
    stall_.Start(trial_->stall_timeout, now());
    Watch();
  }
}

void Slot::Retire() {
  state_ = State::kRetiring;
  child_->Send(FormatExit());
  child_->CloseInput();
  obey_by_ = now() + options_.obey_timeout;
  Watch();
}

void Slot::Shutdown() {
  shut_down_ = true;
  if (state_ == State::kIdle) {
    Retire();
  } else if (state_ == State::kStarting || state_ == State::kBusy) {
    child_->Kill();
  }
}

void Slot::OnProtocolError(const absl::Status& error) {
  KillChild(ChildLoss::kMalformed, absl::StrCat("it violated the trainer protocol: ", error.message()));
}

void Slot::KillChild(ChildLoss loss, const std::string& what) {
  child_->DrainLog();
  state_ = State::kRetiring;
  obey_by_.reset();
  child_->Kill();
  if (trial_.has_value()) LoseTrial(loss, what);
}

void Slot::OnExit(const ChildExit& exit) {
  const State state = std::exchange(state_, State::kEmpty);
  const std::shared_ptr<Child> child = std::exchange(child_, nullptr);  // still in its own callback
  obey_by_.reset();
  stall_.Stop();
  if (trial_.has_value() && state != State::kRetiring) {
    LoseTrial(state == State::kStarting ? ChildLoss::kNotStarted : ChildLoss::kCrashed,
              WithLog(HowItEnded(exit), *child));
  } else if (trial_.has_value()) {
    Spawn();  // the trial waited for the predecessor to be gone
  } else {
    observer_->OnSlotFree();
  }
}

void Slot::LoseTrial(ChildLoss loss, const std::string& what) {
  Trial* const trial = trial_->trial;
  trial_.reset();
  stall_.Stop();
  trial->OnChildLost(loss, child_ == nullptr ? what : WithLog(what, *child_));
  observer_->OnSlotFree();
}

// One timer for whichever comes first: a stall, or the end of the patience with a command.
void Slot::Watch() {
  std::optional<MonotonicTime> next = stall_.Deadline();
  if (obey_by_.has_value() && reading_) next = next.has_value() ? std::min(*next, *obey_by_) : *obey_by_;
  if (!next.has_value()) {
    watch_.cancel();
    return;
  }
  watch_.expires_after(std::max(*next - now(), Duration::zero()));
  watch_.async_wait([this, alive = std::weak_ptr<bool>(alive_)](const boost::system::error_code& error) {
    if (!error && !alive.expired()) OnWatch();
  });
}

void Slot::OnWatch() {
  const MonotonicTime time = now();
  if (child_ != nullptr && reading_ && obey_by_.has_value() && time >= *obey_by_) {
    if (output_closed_) {
      KillChild(ChildLoss::kMalformed, "the trainer closed its output (fd 4), lived on and was killed");
    } else if (state_ == State::kStarting) {
      KillChild(ChildLoss::kNotStarted, "the trainer did not say hello in time");
    } else {
      KillChild(ChildLoss::kDisobeyed, "the trainer did not obey in time and was killed");
    }
  } else if (child_ != nullptr && stall_.Stalled(time)) {
    const auto seconds = std::chrono::duration_cast<std::chrono::milliseconds>(trial_->stall_timeout).count() / 1000.0;
    KillChild(ChildLoss::kStalled, absl::StrCat("the trainer was silent for ", seconds, " s and was killed"));
  } else {
    Watch();  // messages came since
  }
}

}  // namespace athanor::session
