// Sends what one attempt's trainer prints to the coordinator: a little at a time, never more than it can bear.
//
// A trainer that prints more than `part_bytes` an `interval` loses the middle of what is waiting, whatever it prints,
// so that neither memory nor network nor the coordinator's disk fill up. While the coordinator is away the beginning
// and the end of what was printed wait for it. A log is no fact: an attempt never fails or waits for long because of
// it. What is given up is logged, in one line.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "client/api/worker_client.h"
#include "worker/session/backoff.h"
#include "worker/session/lease_key.h"
#include "worker/session/log_buffer.h"

namespace athanor::session {

struct LogShipperOptions {
  size_t part_bytes = 64 << 10;                      // of one call; at most 256 KiB. Memory is three times that
  Duration interval = std::chrono::seconds(1);       // between calls
  Duration flush_timeout = std::chrono::seconds(2);  // that the end of an attempt waits for what is left
  Duration rest_timeout = std::chrono::seconds(10);  // for what is left once nothing waits for it but a drain
  Backoff::Options backoff{.initial = std::chrono::seconds(1), .cap = std::chrono::seconds(10)};
};

// Single-threaded, on the io_context's thread; create with std::make_shared.
class LogShipper : public std::enable_shared_from_this<LogShipper> {
 public:
  // `transport` must outlive the shipper.
  LogShipper(boost::asio::io_context& io, WorkerTransport& transport, const LeaseKey& lease,
             const LogShipperOptions& options);

  void Append(std::string_view bytes);
  // Sends what is left without further pauses, then calls `done`: at once if nothing is left, at the latest after
  // `timeout`. A later flush takes the place of one under way, whose `done` is not called.
  void Flush(Duration timeout, std::function<void()> done);
  // The coordinator is back: what waits for the next attempt is sent now.
  void RetryNow();
  // Sends nothing more and calls nobody: what is left is given up.
  void Cancel();

 private:
  void SendIn(Duration pause);
  void Send();
  void OnAnswer(const absl::StatusOr<v1::AppendLogResponse>& answer);
  void EndFlush();

  boost::asio::io_context& io_;
  WorkerTransport& transport_;
  const LeaseKey lease_;
  const LogShipperOptions options_;
  LogBuffer buffer_;
  Backoff backoff_;
  std::function<void()> flushed_;  // of the flush under way
  boost::asio::steady_timer pause_;
  boost::asio::steady_timer flush_limit_;
  bool scheduled_ = false;  // Send will run
  bool failed_ = false;     // the last call did
  bool sending_ = false;
  bool closed_ = false;  // nothing is taken any more
};

}  // namespace athanor::session
