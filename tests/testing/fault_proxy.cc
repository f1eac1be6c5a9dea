#include "tests/testing/fault_proxy.h"

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <functional>
#include <future>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace athanor::testing {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;
using std::chrono::steady_clock;

constexpr size_t kChunkBytes = 4096;
// So much waits in a direction before its sender is held up, as by a full socket.
constexpr size_t kMaxWaitingBytes = size_t{1} << 20;

struct Faults {
  Duration delay{};
  int64_t bytes_per_second = 0;  // 0 = no limit
  bool hold = false;
  bool swallow = false;
};

tcp::endpoint ParseEndpoint(const std::string& address) {
  const size_t colon = address.rfind(':');
  error_code error;
  const auto host = boost::asio::ip::make_address(address.substr(0, colon), error);
  const int port = colon == std::string::npos ? 0 : std::atoi(address.c_str() + colon + 1);
  if (error || port < 1 || port > 65535) throw std::runtime_error("no address to forward to: " + address);
  return {host, static_cast<unsigned short>(port)};
}

// One direction of a connection. The proxy's thread only. `owner`, given to Start, keeps it alive while a handler is
// pending.
class Pipe {
 public:
  Pipe(tcp::socket& from, tcp::socket& to, const Faults& faults, FaultProxy::Statistics& statistics)
      : from_(from), to_(to), faults_(faults), statistics_(statistics), due_(from.get_executor()) {}

  // Begins to forward. `ended` is called once, when the sender's end was passed on.
  void Start(std::shared_ptr<void> owner, std::function<void()> ended) {
    owner_ = std::move(owner);
    ended_ = std::move(ended);
    Read();
  }

  // Passes on what may be passed on now: time went by, or the faults changed.
  void Advance() {
    if (faults_.swallow && !queue_.empty()) Break();
    if (owner_ == nullptr || !writing_.empty() || queue_.empty() || faults_.hold) return;
    const bool limited = faults_.bytes_per_second > 0;
    const auto due = limited ? std::max(queue_.front().due, next_write_) : queue_.front().due;
    if (due > steady_clock::now()) {
      due_.expires_at(due);
      due_.async_wait([this, owner = owner_](const error_code& error) {
        if (!error) Advance();
      });
      return;
    }
    writing_ = std::move(queue_.front().bytes);
    queue_.pop_front();
    if (writing_.empty()) return PassOnEnd();
    boost::asio::async_write(to_, boost::asio::buffer(writing_),
                             [this, owner = owner_](const error_code& error, size_t) { OnWritten(error); });
  }

  // The sender has ended; what it sent before goes first.
  void End() {
    ended_reading_ = true;
    if (broken_ || ended_ == nullptr) return;
    queue_.push_back({{}, steady_clock::now() + faults_.delay});
    Advance();
  }

  // Drops what is waiting and calls nobody any more. The caller closes the sockets.
  void Abandon() {
    due_.cancel();
    statistics_.waiting -= Drop();
    ended_ = nullptr;
    owner_.reset();
  }

 private:
  struct Chunk {
    std::vector<char> bytes;  // empty: the end
    steady_clock::time_point due;
  };

  void Read() {
    if (owner_ == nullptr || reading_ || ended_reading_ || waiting_ >= kMaxWaitingBytes) return;
    reading_ = true;
    from_.async_read_some(boost::asio::buffer(buffer_), [this, owner = owner_](const error_code& error, size_t count) {
      reading_ = false;
      if (error) return End();
      OnRead(count);
      Read();
    });
  }

  void OnRead(size_t count) {
    if (faults_.swallow) Break();
    if (broken_) {
      statistics_.swallowed += static_cast<int64_t>(count);
    } else if (!gone_ && ended_ != nullptr) {
      waiting_ += count;
      statistics_.waiting += static_cast<int64_t>(count);
      queue_.push_back({{buffer_, buffer_ + count}, steady_clock::now() + faults_.delay});
      Advance();
    }
  }

  void OnWritten(const error_code& error) {
    const auto count = static_cast<int64_t>(writing_.size());
    writing_.clear();
    if (ended_ == nullptr) return;
    if (faults_.bytes_per_second > 0) {
      next_write_ = steady_clock::now() + std::chrono::nanoseconds(count * 1'000'000'000 / faults_.bytes_per_second);
    }
    waiting_ -= static_cast<size_t>(count);
    statistics_.waiting -= count;
    if (error) {
      // The receiver is gone. The sender learns it from the other direction, if that one lets it through.
      gone_ = true;
      statistics_.waiting -= Drop();
    }
    Read();
    Advance();
  }

  // Bytes are being lost: from now on none of this connection may arrive in this direction.
  void Break() {
    broken_ = true;
    const int64_t lost = Drop();
    statistics_.waiting -= lost;
    statistics_.swallowed += lost;
  }

  // Returns how many bytes are waiting no more. What is being written stays.
  int64_t Drop() {
    queue_.clear();
    return static_cast<int64_t>(std::exchange(waiting_, writing_.size()) - writing_.size());
  }

  void PassOnEnd() {
    error_code ignored;
    to_.shutdown(tcp::socket::shutdown_send, ignored);
    if (ended_) std::exchange(ended_, nullptr)();
  }

  tcp::socket& from_;
  tcp::socket& to_;
  const Faults& faults_;
  FaultProxy::Statistics& statistics_;
  boost::asio::steady_timer due_;
  std::shared_ptr<void> owner_;
  std::function<void()> ended_;  // empty once the end was passed on, or the pipe was abandoned
  char buffer_[kChunkBytes];
  std::deque<Chunk> queue_;
  std::vector<char> writing_;  // in the hands of async_write
  size_t waiting_ = 0;         // bytes, `writing_` included
  steady_clock::time_point next_write_{};
  bool reading_ = false;
  bool ended_reading_ = false;
  bool broken_ = false;
  bool gone_ = false;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket client, const Faults& to_target, const Faults& from_target, FaultProxy::Statistics& statistics,
             std::function<void(Connection*)> over)
      : client_(std::move(client)),
        target_(client_.get_executor()),
        to_target_(client_, target_, to_target, statistics),
        from_target_(target_, client_, from_target, statistics),
        over_(std::move(over)) {}

  void Start(const tcp::endpoint& target) {
    target_.async_connect(target, [self = shared_from_this()](const error_code&) {
      // A failed connect shows as a failed read: the end of what the target sends.
      const auto ended = [raw = self.get()] { raw->OnPipeEnded(); };
      if (self->over_ == nullptr) return;
      self->to_target_.Start(self, ended);
      self->from_target_.Start(self, ended);
    });
  }

  void Advance() {
    to_target_.Advance();
    from_target_.Advance();
  }

  enum class Ending { kReset, kClose };
  void End(Ending ending) {
    error_code ignored;
    for (tcp::socket* socket : {&client_, &target_}) {
      if (ending == Ending::kReset) socket->set_option(boost::asio::socket_base::linger(true, 0), ignored);
      if (ending == Ending::kClose) socket->shutdown(tcp::socket::shutdown_both, ignored);
      socket->close(ignored);
    }
    const auto self = shared_from_this();
    to_target_.Abandon();
    from_target_.Abandon();
    if (over_) std::exchange(over_, nullptr)(this);
  }

 private:
  // A half-closed connection is of no use to gRPC: when one end was passed on, both sides are closed. What the other
  // direction still held has nobody left who would read it.
  // target is gone nobody reads what the client sends, so the client's end is not waited for; and the other way round.
  void OnPipeEnded() { End(Ending::kClose); }

  tcp::socket client_;
  tcp::socket target_;
  Pipe to_target_;
  Pipe from_target_;
  std::function<void(Connection*)> over_;  // empty once it is over
};

}  // namespace

struct FaultProxy::Core {
  explicit Core(const std::string& target_address) : target(ParseEndpoint(target_address)), acceptor(io) {}

  // Takes the port (0: a free one) without listening, so that the system refuses who connects and gives the port to
  // nobody else.
  void Bind(unsigned short port) {
    acceptor.open(tcp::v4());
    acceptor.set_option(boost::asio::socket_base::reuse_address(true));
    acceptor.bind({boost::asio::ip::address_v4::loopback(), port});
    endpoint = acceptor.local_endpoint();
    listening = false;
  }

  void Listen() {
    acceptor.listen();
    listening = true;
    Accept();
  }

  void Accept() {
    acceptor.async_accept([this](const error_code& error, tcp::socket client) {
      if (error) return;  // closed
      ++statistics.accepted;
      ++statistics.open;
      error_code ignored;
      client.set_option(tcp::no_delay(true), ignored);
      const auto connection =
          std::make_shared<Connection>(std::move(client), faults[0], faults[1], statistics, [this](Connection* over) {
            --statistics.open;
            connections.erase(over->shared_from_this());
          });
      connections.insert(connection);
      connection->Start(target);
      Accept();
    });
  }

  void AdvanceAll() {
    // A connection that ends leaves the set.
    for (const auto& connection : std::vector(connections.begin(), connections.end())) connection->Advance();
  }

  void EndAll(Connection::Ending ending) {
    for (const auto& connection : std::vector(connections.begin(), connections.end())) connection->End(ending);
  }

  // Runs `change` on the proxy's thread and waits for it.
  template <typename Change>
  void Run(Change change) {
    // Shared: set_value may still be at work when the future is ready.
    const auto done = std::make_shared<std::promise<void>>();
    boost::asio::post(io, [&change, done] {
      change();
      done->set_value();
    });
    done->get_future().wait();
  }

  void SetFault(Direction direction, const std::function<void(Faults&)>& change) {
    Run([&] {
      change(faults[direction == Direction::kToTarget ? 0 : 1]);
      AdvanceAll();
    });
  }

  const tcp::endpoint target;
  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
  tcp::acceptor acceptor;
  tcp::endpoint endpoint;
  bool listening = false;
  Faults faults[2];  // to the target, from it
  Statistics statistics;
  std::set<std::shared_ptr<Connection>> connections;
  std::thread thread;
};

FaultProxy::FaultProxy(const std::string& target) : core_(std::make_unique<Core>(target)) {
  try {
    core_->Bind(0);
    core_->Listen();
  } catch (const boost::system::system_error& error) {
    throw std::runtime_error(std::string("the proxy cannot listen: ") + error.what());
  }
  address_ = "127.0.0.1:" + std::to_string(core_->endpoint.port());
  core_->thread = std::thread([core = core_.get()] { core->io.run(); });
}

FaultProxy::~FaultProxy() {
  core_->Run([this] {
    error_code ignored;
    core_->acceptor.close(ignored);
    core_->EndAll(Connection::Ending::kReset);
  });
  core_->work.reset();
  core_->thread.join();
}

void FaultProxy::Delay(Direction direction, Duration delay) {
  core_->SetFault(direction, [&](Faults& faults) { faults.delay = delay; });
}

void FaultProxy::Limit(Direction direction, int64_t bytes_per_second) {
  core_->SetFault(direction, [&](Faults& faults) { faults.bytes_per_second = bytes_per_second; });
}

void FaultProxy::Hold(Direction direction) {
  core_->SetFault(direction, [](Faults& faults) { faults.hold = true; });
}

void FaultProxy::Swallow(Direction direction) {
  core_->SetFault(direction, [](Faults& faults) { faults.swallow = true; });
}

void FaultProxy::Refuse() {
  core_->Run([this] {
    if (!core_->listening) return;
    error_code ignored;
    core_->acceptor.close(ignored);
    core_->Bind(core_->endpoint.port());
  });
}

void FaultProxy::Heal() {
  core_->Run([this] {
    core_->faults[0] = core_->faults[1] = {};
    if (!core_->listening) core_->Listen();
    core_->AdvanceAll();
  });
}

void FaultProxy::Reset() {
  core_->Run([this] { core_->EndAll(Connection::Ending::kReset); });
}

void FaultProxy::Close() {
  core_->Run([this] { core_->EndAll(Connection::Ending::kClose); });
}

FaultProxy::Statistics FaultProxy::statistics() const {
  Statistics statistics;
  core_->Run([&] { statistics = core_->statistics; });
  return statistics;
}

}  // namespace athanor::testing
