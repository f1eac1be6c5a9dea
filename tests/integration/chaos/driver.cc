#include "tests/integration/chaos/driver.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <optional>
#include <utility>

#include "athanor/v1/worker_service.grpc.pb.h"
#include "base/random.h"
#include "tests/integration/chaos/fleet.h"

namespace athanor::chaos {
namespace {

using std::chrono::milliseconds;
using Stub = v1::WorkerService::Stub;

constexpr int32_t kProtocolVersion = 1;

// The coordinator may be away, or in trouble: whether the call was applied is unknown.
bool IsTransient(grpc::StatusCode code) {
  return code == grpc::UNAVAILABLE || code == grpc::DEADLINE_EXCEEDED || code == grpc::RESOURCE_EXHAUSTED ||
         code == grpc::CANCELLED || code == grpc::INTERNAL || code == grpc::UNKNOWN;
}

std::chrono::system_clock::time_point In(Duration duration) {
  return std::chrono::system_clock::now() + std::chrono::duration_cast<std::chrono::system_clock::duration>(duration);
}

// In [0, 1): a pure function of configuration, training seed and step.
double Value(const v1::Lease& lease, int64_t step) {
  std::string configuration;
  for (const v1::NamedValue& option : lease.options()) configuration += option.SerializeAsString();
  const uint64_t hash = HashWords({HashString(configuration), lease.seed(), static_cast<uint64_t>(step)});
  return static_cast<double>(hash >> 11) * 0x1p-53;
}

}  // namespace

std::string DrivenName(int number) { return "driven-" + std::to_string(number); }

class Driver::Worker {
 public:
  Worker(Driver& driver, int number)
      : driver_(driver),
        options_(driver.options_),
        address_(options_.addresses[static_cast<size_t>(number)]),
        name_(DrivenName(number)),
        random_({options_.seed, HashString(name_)}) {
    Reconnect();
  }

  void Run() {
    while (!driver_.stopping_) {
      const std::optional<v1::Lease> lease = Acquire();
      if (lease.has_value()) Train(*lease);
      stream_.reset();
    }
  }

 private:
  using ReportStream = grpc::ClientReaderWriter<v1::ReportRequest, v1::ReportResponse>;
  struct Stream {
    grpc::ClientContext context;
    std::unique_ptr<ReportStream> calls;
    uint64_t sequence = 0;
    ~Stream() {
      context.TryCancel();
      calls->Finish();
    }
  };
  enum class Fate { kStored, kLost, kUnknown };

  bool Draw(double probability) { return random_.Uniform() < probability; }

  // False if the driver ended meanwhile.
  bool Pause(Duration duration) {
    const auto end = std::chrono::steady_clock::now() + duration;
    while (!driver_.stopping_ && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::min<Duration>(milliseconds(20), duration));
    }
    return !driver_.stopping_;
  }

  void Reconnect() {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 300);
    stub_ =
        v1::WorkerService::NewStub(grpc::CreateCustomChannel(address_, grpc::InsecureChannelCredentials(), arguments));
  }

  void Surprise(const std::string& what, const grpc::Status& status) {
    const MutexLock lock(driver_.mutex_);
    driver_.log_.surprises.push_back(name_ + ": " + what + ": " + std::to_string(status.error_code()) + " " +
                                     status.error_message());
  }

  void CountRepeat() {
    const MutexLock lock(driver_.mutex_);
    ++driver_.log_.repeats;
  }

  void CountFenced() {
    const MutexLock lock(driver_.mutex_);
    ++driver_.log_.fenced;
  }

  // Calls until there is an answer; CANCELLED once the driver ends.
  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response) {
    while (true) {
      grpc::ClientContext context;
      context.set_deadline(In(options_.lease));
      response->Clear();
      const grpc::Status status = (stub_.get()->*method)(&context, request, response);
      if (!IsTransient(status.error_code())) return status;
      if (status.error_code() == grpc::DEADLINE_EXCEEDED) Reconnect();
      if (!Pause(milliseconds(50))) return grpc::Status::CANCELLED;
    }
  }

  bool Register() {
    v1::RegisterRequest request;
    request.set_worker(name_);
    request.set_incarnation(1);
    request.set_protocol_version(kProtocolVersion);
    request.set_slots(1);
    request.set_host("test");
    request.add_trainers("builtin");
    (*request.mutable_labels())["kind"] = kDrivenKind;
    v1::RegisterResponse response;
    const grpc::Status status = Call(&Stub::Register, request, &response);
    if (!status.ok() && !driver_.stopping_) Surprise("register", status);
    return status.ok();
  }

  std::optional<v1::Lease> Acquire() {
    if (!registered_ && !(registered_ = Register())) return std::nullopt;
    v1::AcquireRequest request;
    request.set_worker(name_);
    request.set_incarnation(1);
    request.set_sequence(++acquires_);
    request.set_max_trials(1);
    request.set_wait_ms(std::chrono::duration_cast<milliseconds>(options_.lease).count() / 4);
    v1::AcquireResponse response;
    grpc::Status status = Call(&Stub::Acquire, request, &response);
    if (status.ok() && Draw(options_.repeats)) {
      CountRepeat();
      status = Call(&Stub::Acquire, request, &response);
    }
    if (status.ok() && acquires_ > 1 && Draw(options_.repeats)) {
      // An older one, delayed on its way.
      CountRepeat();
      request.set_sequence(acquires_ - 1);
      v1::AcquireResponse late;
      const grpc::Status refused = Call(&Stub::Acquire, request, &late);
      if (refused.error_code() != grpc::FAILED_PRECONDITION && !driver_.stopping_) Surprise("a late acquire", refused);
    }
    if (!status.ok() && !driver_.stopping_) Surprise("acquire", status);
    if (!status.ok() || response.leases_size() == 0) return std::nullopt;
    return response.leases(0);
  }

  void Train(const v1::Lease& lease) {
    const bool falls_silent = Draw(options_.silences);
    const auto silent_at = 1 + static_cast<int64_t>(random_.Below(static_cast<uint64_t>(lease.until_step())));
    for (int64_t step = 1; step <= lease.until_step(); ++step) {
      if (falls_silent && step == silent_at && !FallSilent()) return;
      if (!ReportUntilStored(lease, step)) return;
      if (!Pause(options_.step)) return;
    }
    Finish(lease);
  }

  // False if the driver ended meanwhile.
  bool FallSilent() {
    Silence silence{name_, UnixMs(), 0};
    stream_.reset();
    const bool goes_on = Pause(options_.lease + milliseconds(1500));
    silence.end_ms = UnixMs();
    const MutexLock lock(driver_.mutex_);
    driver_.log_.silences.push_back(silence);
    return goes_on;
  }

  // False if the lease is lost, or the driver ended.
  bool ReportUntilStored(const v1::Lease& lease, int64_t step) {
    while (!driver_.stopping_) {
      switch (Report(lease, step)) {
        case Fate::kStored: {
          const MutexLock lock(driver_.mutex_);
          driver_.log_.reports.push_back({lease.ref().trial_number(), lease.ref().token(), step, Value(lease, step)});
          return true;
        }
        case Fate::kLost:
          CountFenced();
          return false;
        case Fate::kUnknown:
          stream_.reset();
          Pause(milliseconds(100));
      }
    }
    return false;
  }

  static void AddReport(v1::ReportRequest& request, const v1::Lease& lease, int64_t step) {
    v1::TrialReport& report = *request.add_reports();
    *report.mutable_lease() = lease.ref();
    if (step == 1) report.set_resumed_step(0);
    v1::Measurement& measurement = *report.add_measurements();
    measurement.set_step(step);
    measurement.set_elapsed_ms(step);
    v1::Metric* metric = measurement.add_metrics();
    metric->set_name(lease.objective_metric());
    metric->set_value(Value(lease, step));
    metric = measurement.add_metrics();
    metric->set_name(kTokenMetric);
    metric->set_value(static_cast<double>(lease.ref().token()));
  }

  Fate Report(const v1::Lease& lease, int64_t step) {
    if (stream_ == nullptr) {
      stream_ = std::make_unique<Stream>();
      stream_->context.set_deadline(In(4 * options_.lease));
      stream_->calls = stub_->Report(&stream_->context);
    }
    v1::ReportRequest request;
    request.set_worker(name_);
    request.set_incarnation(1);
    request.set_sequence(++stream_->sequence);
    AddReport(request, lease, step);
    if (Draw(options_.repeats)) AddReport(request, lease, step);
    if (Draw(options_.repeats)) AddReport(request, lease, 1 + static_cast<int64_t>(random_.Below(step)));
    for (int i = 1; i < request.reports_size(); ++i) CountRepeat();
    v1::ReportResponse all, response;
    if (!stream_->calls->Write(request)) return Broken();
    while (all.acknowledged_sequence() < stream_->sequence) {
      if (!stream_->calls->Read(&response)) return Broken();
      all.MergeFrom(response);
    }
    return Judge(all, request.reports_size());
  }

  // A stream that ran into its deadline may be half-open.
  Fate Broken() {
    if (std::chrono::system_clock::now() >= stream_->context.deadline()) Reconnect();
    return Fate::kUnknown;
  }

  Fate Judge(const v1::ReportResponse& response, int reports) {
    Fate fate = Fate::kStored;
    for (const v1::Verdict& verdict : response.verdicts()) {
      const auto code = static_cast<grpc::StatusCode>(verdict.status_code());
      if (code == grpc::OK) continue;
      if (IsTransient(code)) return Fate::kUnknown;
      fate = Fate::kLost;
      if (code != grpc::FAILED_PRECONDITION) Surprise("report", {code, verdict.status_message()});
    }
    if (response.verdicts_size() != reports) {
      Surprise("report", {grpc::INTERNAL, std::to_string(response.verdicts_size()) + " verdicts"});
    }
    return fate;
  }

  void Finish(const v1::Lease& lease) {
    v1::FinishRequest request;
    *request.mutable_lease() = lease.ref();
    request.set_outcome(v1::ATTEMPT_OUTCOME_COMPLETED);
    v1::FinishResponse response;
    const grpc::Status status = Call(&Stub::Finish, request, &response);
    if (driver_.stopping_) return;
    if (status.error_code() == grpc::FAILED_PRECONDITION) return CountFenced();
    if (!status.ok()) return Surprise("finish", status);
    {
      const MutexLock lock(driver_.mutex_);
      driver_.log_.completed.push_back(lease.ref().trial_number());
    }
    if (!Draw(options_.repeats)) return;
    CountRepeat();
    const grpc::Status again = Call(&Stub::Finish, request, &response);
    if (!again.ok() && !driver_.stopping_) Surprise("a repeated finish", again);
    request.set_outcome(v1::ATTEMPT_OUTCOME_FAILED);
    const grpc::Status other = Call(&Stub::Finish, request, &response);
    if (other.error_code() != grpc::FAILED_PRECONDITION && !driver_.stopping_) Surprise("another outcome", other);
  }

  Driver& driver_;
  const DriverOptions& options_;
  const std::string address_;
  const std::string name_;
  Random random_;
  std::unique_ptr<Stub> stub_;
  bool registered_ = false;
  uint64_t acquires_ = 0;
  std::unique_ptr<Stream> stream_;  // of the trial under way
};

Driver::Driver(const DriverOptions& options) : options_(options) {
  for (int i = 0; i < static_cast<int>(options_.addresses.size()); ++i) {
    threads_.emplace_back([this, i] { Worker(*this, i).Run(); });
  }
}

Driver::~Driver() { Stop(); }

DriverLog Driver::Stop() {
  stopping_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  const MutexLock lock(mutex_);
  return log_;
}

}  // namespace athanor::chaos
