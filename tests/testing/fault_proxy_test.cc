#include "tests/testing/fault_proxy.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <string>
#include <thread>

namespace athanor::testing {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using enum FaultProxy::Direction;

// A target whose sockets the test holds itself, and clients of the proxy in front of it.
class FaultProxyTest : public ::testing::Test {
 protected:
  FaultProxyTest()
      : acceptor_(io_, {boost::asio::ip::address_v4::loopback(), 0}),
        proxy_("127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port())) {}

  tcp::socket Connect(error_code& error) {
    const std::string& address = proxy_.address();
    const auto port = static_cast<unsigned short>(std::stoi(address.substr(address.rfind(':') + 1)));
    tcp::socket client(io_);
    client.connect({boost::asio::ip::address_v4::loopback(), port}, error);
    return client;
  }
  // A client and the target's end of its connection.
  struct Pair {
    tcp::socket client;
    tcp::socket target;
  };
  Pair ConnectThrough() {
    error_code error;
    tcp::socket client = Connect(error);
    EXPECT_FALSE(error) << error.message();
    return {std::move(client), acceptor_.accept()};
  }

  static void Send(tcp::socket& socket, const std::string& text) {
    boost::asio::write(socket, boost::asio::buffer(text));
  }
  static std::string Receive(tcp::socket& socket, size_t count) {
    std::string text(count, '\0');
    boost::asio::read(socket, boost::asio::buffer(text));
    return text;
  }
  // How a read ends that gets no byte.
  static error_code ReceiveEnd(tcp::socket& socket) {
    char byte = 0;
    error_code error;
    socket.read_some(boost::asio::buffer(&byte, 1), error);
    return error;
  }
  static bool HasNothing(tcp::socket& socket) {
    socket.non_blocking(true);
    const error_code error = ReceiveEnd(socket);
    socket.non_blocking(false);
    return error == boost::asio::error::would_block;
  }
  template <typename Condition>
  void WaitUntil(Condition condition) {
    while (!condition(proxy_.statistics())) std::this_thread::yield();
  }

  boost::asio::io_context io_;
  tcp::acceptor acceptor_;
  FaultProxy proxy_;
};

TEST_F(FaultProxyTest, ForwardsBothWaysWithoutFaults) {
  Pair pair = ConnectThrough();
  const std::string large(3'000'000, 'x');
  std::thread sender([&] { Send(pair.client, large); });
  EXPECT_EQ(Receive(pair.target, large.size()), large);
  sender.join();
  Send(pair.target, "answer");
  EXPECT_EQ(Receive(pair.client, 6), "answer");
  EXPECT_EQ(proxy_.statistics().accepted, 1);
  EXPECT_EQ(proxy_.statistics().open, 1);
}

TEST_F(FaultProxyTest, PassesOnTheEndOfAConnection) {
  Pair pair = ConnectThrough();
  Send(pair.target, "last");
  pair.target.close();
  EXPECT_EQ(Receive(pair.client, 4), "last");
  EXPECT_EQ(ReceiveEnd(pair.client), boost::asio::error::eof);
  WaitUntil([](const auto& statistics) { return statistics.open == 0; });
}

TEST_F(FaultProxyTest, ClosesAConnectionToATargetThatRefuses) {
  acceptor_.close();
  error_code error;
  tcp::socket client = Connect(error);
  ASSERT_FALSE(error) << error.message();
  EXPECT_EQ(ReceiveEnd(client), boost::asio::error::eof);
}

TEST_F(FaultProxyTest, HeldBytesArriveAfterHealAndTheOtherDirectionFlows) {
  Pair pair = ConnectThrough();
  proxy_.Hold(kToTarget);
  Send(pair.client, "late");
  WaitUntil([](const auto& statistics) { return statistics.waiting == 4; });
  Send(pair.target, "prompt");
  EXPECT_EQ(Receive(pair.client, 6), "prompt");
  EXPECT_TRUE(HasNothing(pair.target));
  proxy_.Heal();
  EXPECT_EQ(Receive(pair.target, 4), "late");
  EXPECT_EQ(proxy_.statistics().swallowed, 0);
}

TEST_F(FaultProxyTest, HeldEndOfAConnectionIsNotSeenUntilHeal) {
  Pair pair = ConnectThrough();
  proxy_.Hold(kFromTarget);
  Send(pair.target, "x");
  pair.target.close();
  WaitUntil([](const auto& statistics) { return statistics.waiting == 1; });
  EXPECT_TRUE(HasNothing(pair.client));
  proxy_.Heal();
  EXPECT_EQ(Receive(pair.client, 1), "x");
  EXPECT_EQ(ReceiveEnd(pair.client), boost::asio::error::eof);
}

TEST_F(FaultProxyTest, ConnectionThatLostBytesStaysHalfOpenAndNewOnesAreSound) {
  Pair broken = ConnectThrough();
  Pair idle = ConnectThrough();
  proxy_.Swallow(kFromTarget);
  Send(broken.target, "lost");
  WaitUntil([](const auto& statistics) { return statistics.swallowed == 4; });
  proxy_.Heal();
  Send(broken.target, "lost too");
  WaitUntil([](const auto& statistics) { return statistics.swallowed == 12; });
  EXPECT_TRUE(HasNothing(broken.client));
  // The other direction, a connection that was silent meanwhile, and new ones lost nothing.
  Send(broken.client, "up");
  EXPECT_EQ(Receive(broken.target, 2), "up");
  Send(idle.target, "idle");
  EXPECT_EQ(Receive(idle.client, 4), "idle");
  Pair fresh = ConnectThrough();
  Send(fresh.target, "new");
  EXPECT_EQ(Receive(fresh.client, 3), "new");
}

TEST_F(FaultProxyTest, SwallowedEndIsNeverSeen) {
  Pair pair = ConnectThrough();
  proxy_.Swallow(kFromTarget);
  Send(pair.target, "x");
  pair.target.close();
  WaitUntil([](const auto& statistics) { return statistics.swallowed == 1; });
  EXPECT_TRUE(HasNothing(pair.client));
  EXPECT_EQ(proxy_.statistics().open, 1);
}

TEST_F(FaultProxyTest, DelayedBytesArriveInOrderAndNoSooner) {
  Pair pair = ConnectThrough();
  proxy_.Delay(kToTarget, milliseconds(60));
  const auto start = steady_clock::now();
  Send(pair.client, "first ");
  Send(pair.client, "second");
  EXPECT_EQ(Receive(pair.target, 12), "first second");
  EXPECT_GE(steady_clock::now() - start, milliseconds(60));
}

TEST_F(FaultProxyTest, LimitedDirectionIsNoFasterThanItsLimit) {
  Pair pair = ConnectThrough();
  proxy_.Limit(kFromTarget, 100'000);
  const auto start = steady_clock::now();
  Send(pair.target, std::string(20'000, 'x'));
  Receive(pair.client, 20'000);
  // The last chunk of up to 4 KiB is not waited for.
  EXPECT_GE(steady_clock::now() - start, milliseconds(150));
}

TEST_F(FaultProxyTest, ResetIsSeenByBothEndsAsReset) {
  Pair pair = ConnectThrough();
  Send(pair.client, "x");
  Receive(pair.target, 1);
  proxy_.Reset();
  EXPECT_EQ(ReceiveEnd(pair.client), boost::asio::error::connection_reset);
  EXPECT_EQ(ReceiveEnd(pair.target), boost::asio::error::connection_reset);
  EXPECT_EQ(proxy_.statistics().open, 0);
}

TEST_F(FaultProxyTest, CloseIsSeenByBothEndsAsEnd) {
  Pair pair = ConnectThrough();
  proxy_.Close();
  EXPECT_EQ(ReceiveEnd(pair.client), boost::asio::error::eof);
  EXPECT_EQ(ReceiveEnd(pair.target), boost::asio::error::eof);
}

TEST_F(FaultProxyTest, RefusesNewConnectionsUntilHealAndKeepsOpenOnes) {
  Pair open = ConnectThrough();
  proxy_.Refuse();
  error_code error;
  Connect(error);
  EXPECT_EQ(error, boost::asio::error::connection_refused);
  Send(open.client, "x");
  EXPECT_EQ(Receive(open.target, 1), "x");
  proxy_.Heal();
  Pair fresh = ConnectThrough();
  Send(fresh.client, "y");
  EXPECT_EQ(Receive(fresh.target, 1), "y");
}

TEST(FaultProxyTargetTest, MalformedTargetThrows) {
  for (const char* target : {"", "127.0.0.1", "nowhere:1", "127.0.0.1:0", "127.0.0.1:70000"}) {
    EXPECT_THROW(FaultProxy{target}, std::runtime_error) << target;
  }
}

}  // namespace
}  // namespace athanor::testing
