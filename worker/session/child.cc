#include "worker/session/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/session/launch.h"

namespace athanor::session {
namespace {

// Waiting on a pidfd, by its number in the kernel's interface; older C headers lack the name.
constexpr idtype_t kIdIsPidfd = static_cast<idtype_t>(3);

absl::Status SystemError(const std::string& what, int error) {
  return absl::InternalError(absl::StrCat(what, ": ", std::strerror(error)));
}

// A descriptor that is closed when it goes out of scope.
class OwnedFd {
 public:
  explicit OwnedFd(int fd = -1) : fd_(fd) {}
  ~OwnedFd() {
    if (fd_ >= 0) close(fd_);
  }
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.Release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

struct Pipe {
  OwnedFd read;
  OwnedFd write;
};

// Both ends stand above the numbers that the child's are copied to, so that no copy overwrites one still to be copied.
absl::StatusOr<Pipe> MakePipe() {
  constexpr int kAbove = 10;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return SystemError("pipe", errno);
  Pipe low{OwnedFd(ends[0]), OwnedFd(ends[1])};
  Pipe pipe{OwnedFd(fcntl(ends[0], F_DUPFD_CLOEXEC, kAbove)), OwnedFd(fcntl(ends[1], F_DUPFD_CLOEXEC, kAbove))};
  if (pipe.read.get() < 0 || pipe.write.get() < 0) return SystemError("fcntl", errno);
  return pipe;
}

// Takes what is in a pipe, without waiting for more.
template <typename Buffer, typename Take>
void Drain(boost::asio::posix::stream_descriptor& from, Buffer& buffer, Take take) {
  boost::system::error_code error;
  // A pipe holds at most 1 MiB; the bound is for those who go on writing.
  for (int reads = 0; reads < 256; ++reads) {
    const size_t bytes = from.read_some(boost::asio::buffer(buffer), error);
    if (error || bytes == 0) return;
    take(std::string_view(buffer.data(), bytes));
  }
}

}  // namespace

std::string ChildExit::ToString() const {
  if (signal == 0) return absl::StrCat("exit code ", code);
  return absl::StrCat("signal ", signal, " (", strsignal(signal), ")");
}

absl::StatusOr<std::shared_ptr<Child>> Child::Spawn(boost::asio::io_context& io,
                                                    const std::vector<std::string>& command,
                                                    const LogTail::Options& log, Observer* observer) {
  std::shared_ptr<Child> child(new Child(io, log, observer));
  ATHANOR_RETURN_IF_ERROR(child->Launch(command));
  child->ReadMessages();
  child->ReadLog();
  child->WaitForExit();
  return child;
}

Child::Child(boost::asio::io_context& io, const LogTail::Options& log, Observer* observer)
    : observer_(observer), input_(io), output_(io), log_pipe_(io), pidfd_(io), log_(log) {}

absl::Status Child::Launch(const std::vector<std::string>& command) {
  ATHANOR_ASSIGN_OR_RETURN(Pipe input, MakePipe());
  ATHANOR_ASSIGN_OR_RETURN(Pipe output, MakePipe());
  ATHANOR_ASSIGN_OR_RETURN(Pipe log, MakePipe());
  ATHANOR_ASSIGN_OR_RETURN(
      pid_,
      session::Launch(command, {.log = log.write.get(), .input = input.read.get(), .output = output.write.get()}));
  reaped_ = false;
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (pidfd < 0) return SystemError("pidfd_open", errno);  // the destructor kills the child
  pidfd_.assign(pidfd);
  input_.assign(input.write.Release());
  output_.assign(output.read.Release());
  log_pipe_.assign(log.read.Release());
  for (Descriptor* descriptor : {&input_, &output_, &log_pipe_}) descriptor->non_blocking(true);
  return absl::OkStatus();
}

Child::~Child() {
  if (reaped_) return;
  kill(-pid_, SIGKILL);
  if (pidfd_.is_open()) {
    pollfd wait{.fd = pidfd_.native_handle(), .events = POLLIN, .revents = 0};
    poll(&wait, 1, 1000);
  }
  siginfo_t info;
  waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG);
}

void Child::Send(std::string line) {
  if (closing_ || reaped_) return;
  writes_.push_back(std::move(line));
  if (writes_.size() == 1) WriteNext();
}

void Child::CloseInput() {
  closing_ = true;
  if (writes_.empty()) input_.close();
}

void Child::WriteNext() {
  boost::asio::async_write(input_, boost::asio::buffer(writes_.front()),
                           [weak = weak_from_this()](const boost::system::error_code& error, size_t) {
                             const auto self = weak.lock();
                             if (self == nullptr || self->reaped_) return;
                             if (error) {
                               self->closing_ = true;  // its exit, or its silence, tells the rest
                               self->writes_.clear();
                             } else {
                               self->writes_.pop_front();
                             }
                             if (!self->writes_.empty()) {
                               self->WriteNext();
                             } else if (self->closing_) {
                               self->input_.close();
                             }
                           });
}

void Child::SetReading(bool on) {
  reading_ = on;
  if (on) ReadMessages();
}

// Waits, then reads, instead of one asynchronous read: a read that Asio performs ahead of its handler would be lost if
// the news of the child's death is handled in between.
void Child::ReadMessages() {
  if (!reading_ || read_pending_ || reaped_ || broken_) return;
  read_pending_ = true;
  output_.async_wait(Descriptor::wait_read, [weak = weak_from_this()](boost::system::error_code error) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    self->read_pending_ = false;
    if (error || self->reaped_ || !self->reading_) return;
    const size_t bytes = self->output_.read_some(boost::asio::buffer(self->output_buffer_), error);
    if (error && error != boost::asio::error::would_block) {
      if (self->observer_ != nullptr) self->observer_->OnOutputClosed();
      return;
    }
    self->Deliver({self->output_buffer_.data(), bytes});
    self->ReadMessages();
  });
}

void Child::Deliver(std::string_view bytes) {
  std::vector<std::string> lines;
  absl::Status error = splitter_.Append(bytes, &lines);
  for (const std::string& line : lines) {
    absl::StatusOr<TrainerMessage> message = ParseTrainerMessage(line);
    if (!message.ok()) {
      error = message.status();
      break;
    }
    if (observer_ != nullptr) observer_->OnMessage(*std::move(message));
  }
  if (error.ok()) return;
  broken_ = true;
  if (observer_ != nullptr) observer_->OnProtocolError(error);
}

void Child::ReadLog() {
  log_pipe_.async_wait(Descriptor::wait_read, [weak = weak_from_this()](boost::system::error_code error) {
    const auto self = weak.lock();
    if (self == nullptr || error || self->reaped_) return;
    const size_t bytes = self->log_pipe_.read_some(boost::asio::buffer(self->log_buffer_), error);
    if (error && error != boost::asio::error::would_block) return;
    self->DeliverLog({self->log_buffer_.data(), bytes});
    self->ReadLog();
  });
}

void Child::DeliverLog(std::string_view bytes) {
  log_.Append(bytes);
  if (observer_ != nullptr && !bytes.empty()) observer_->OnLog(bytes);
}

void Child::DrainLog() {
  if (!reaped_) {
    Drain(log_pipe_, log_buffer_, [this](std::string_view bytes) { DeliverLog(bytes); });
  }
}

void Child::WaitForExit() {
  pidfd_.async_wait(Descriptor::wait_read, [weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (self != nullptr && !error) self->OnDead();
  });
}

void Child::OnDead() {
  // Before it is reaped, while its process group cannot be anybody else's.
  kill(-pid_, SIGKILL);
  siginfo_t info{};
  if (waitid(kIdIsPidfd, static_cast<id_t>(pidfd_.native_handle()), &info, WEXITED) != 0) info.si_code = CLD_EXITED;
  reaped_ = true;
  DrainAfterDeath();
  for (Descriptor* descriptor : {&input_, &output_, &log_pipe_, &pidfd_}) descriptor->close();
  const ChildExit exit = info.si_code == CLD_EXITED ? ChildExit{.code = info.si_status, .signal = 0}
                                                    : ChildExit{.code = 0, .signal = info.si_status};
  if (observer_ != nullptr) observer_->OnExit(exit);
}

void Child::DrainAfterDeath() {
  Drain(log_pipe_, log_buffer_, [this](std::string_view bytes) { DeliverLog(bytes); });
  Drain(output_, output_buffer_, [this](std::string_view bytes) {
    if (!broken_) Deliver(bytes);
  });
}

void Child::Kill() {
  if (!reaped_) kill(-pid_, SIGKILL);
}

int64_t Child::ResidentBytes() const {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
      std::fopen(absl::StrCat("/proc/", pid_, "/statm").c_str(), "re"), &std::fclose);
  long total = 0;     // NOLINT(google-runtime-int): what the format of fscanf wants
  long resident = 0;  // NOLINT(google-runtime-int)
  if (file == nullptr || std::fscanf(file.get(), "%ld %ld", &total, &resident) != 2) return 0;
  return static_cast<int64_t>(resident) * sysconf(_SC_PAGESIZE);
}

}  // namespace athanor::session
