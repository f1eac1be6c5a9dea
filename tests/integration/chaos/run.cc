#include "tests/integration/chaos/run.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/status.h"
#include "client/api/study_client.h"
#include "client/api/study_file.h"

namespace athanor::chaos {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr int kDisturbedStepMs = 80;
constexpr auto kTimeToEnd = std::chrono::minutes(2);

// The client of whoever looks after the service: submits, and puts right what only a person may.
class Caretaker {
 public:
  explicit Caretaker(Fleet& fleet) : fleet_(fleet), patient_(Patient(fleet)), hasty_(Hasty(fleet)) {}

  StudyClient& patient() { return patient_; }

  absl::Status Submit(const std::vector<ChaosStudy>& studies) {
    for (const ChaosStudy& study : studies) {
      ATHANOR_ASSIGN_OR_RETURN(const StudyFile file, ParseStudyFile(study.yaml, study.name));
      ATHANOR_RETURN_IF_ERROR(Locate(file, patient_.CreateStudy(file.spec).status()));
    }
    return absl::OkStatus();
  }

  // Trainers that are killed again and again look like a sick worker, and a study may be left without one that it
  // trusts: both wait for a person. Returns whether every study has ended; false while the coordinator is away.
  bool LookAfter() {
    if (!fleet_.CoordinatorIsUp()) return false;
    bool ended = true;
    const auto studies = hasty_.ListStudies({});
    if (!studies.ok()) return false;
    for (const v1::Study& study : studies->studies()) {
      if (study.state() == v1::STUDY_STATE_PAUSED) (void)hasty_.ResumeStudy(study.spec().name());
      ended &= study.state() != v1::STUDY_STATE_PAUSED && study.state() != v1::STUDY_STATE_ACTIVE;
    }
    const auto workers = hasty_.ListWorkers();
    if (!workers.ok()) return false;
    for (const v1::Worker& worker : *workers) {
      if (worker.state() == v1::WORKER_STATE_QUARANTINED) (void)hasty_.EnableWorker(worker.name());
    }
    return ended;
  }

  // Until each of them was heard of after `since_ms`.
  absl::Status WaitForWorkers(const std::vector<WorkerSpec>& workers, int64_t since_ms) {
    for (const auto deadline = steady_clock::now() + seconds(60); steady_clock::now() < deadline;) {
      LookAfter();
      const auto known = hasty_.ListWorkers();
      const bool all = known.ok() && std::ranges::all_of(workers, [&](const WorkerSpec& worker) {
                         const auto found = std::ranges::find(*known, worker.name, &v1::Worker::name);
                         return found != known->end() && found->last_seen_unix_ms() > since_ms;
                       });
      if (all) return absl::OkStatus();
      std::this_thread::sleep_for(milliseconds(50));
    }
    return absl::DeadlineExceededError("the workers did not come back");
  }

  absl::Status WaitForEnd() {
    for (const auto deadline = steady_clock::now() + kTimeToEnd; steady_clock::now() < deadline;) {
      if (LookAfter()) return absl::OkStatus();
      std::this_thread::sleep_for(milliseconds(100));
    }
    std::string text = "studies that did not end:";
    const auto studies = patient_.ListStudies({});
    if (!studies.ok()) return studies.status();
    for (const v1::Study& study : studies->studies()) {
      if (study.state() == v1::STUDY_STATE_COMPLETED) continue;
      text += "\n" + study.spec().name() + " " + study.reason();
      for (const v1::TrialCount& count : study.trial_counts()) text += " " + count.ShortDebugString();
    }
    return absl::DeadlineExceededError(text);
  }

 private:
  static StudyClientOptions Patient(const Fleet& fleet) {
    StudyClientOptions options;
    options.coordinator = fleet.address();
    options.retry = {.max_attempts = 50, .initial_backoff = milliseconds(50), .max_backoff = seconds(1)};
    return options;
  }
  static StudyClientOptions Hasty(const Fleet& fleet) {
    StudyClientOptions options;
    options.coordinator = fleet.address();
    options.deadline = seconds(1);
    options.retry.max_attempts = 1;
    return options;
  }

  Fleet& fleet_;
  StudyClient patient_;
  StudyClient hasty_;
};

struct Event {
  enum class Kind { kBegin, kEnd };
  Duration at;
  Kind kind;
  const Fault* fault;
};

void Disturb(const std::vector<Fault>& plan, Fleet& fleet, Caretaker& caretaker) {
  std::vector<Event> events;
  for (const Fault& fault : plan) {
    events.push_back({fault.begin, Event::Kind::kBegin, &fault});
    events.push_back({fault.begin + fault.length, Event::Kind::kEnd, &fault});
  }
  std::ranges::stable_sort(events, {}, &Event::at);
  const auto start = steady_clock::now();
  auto looked = start;
  for (const Event& event : events) {
    std::this_thread::sleep_until(start + event.at);
    if (event.kind == Event::Kind::kEnd) {
      fleet.End(*event.fault);
      continue;
    }
    if (steady_clock::now() - looked > seconds(2)) {
      looked = steady_clock::now();
      if (caretaker.LookAfter()) return;
    }
    fleet.Begin(*event.fault);
  }
}

}  // namespace

absl::StatusOr<RunResult> Run(const RunOptions& options) {
  const bool disturbed = !options.plan.empty();
  Fleet fleet({.programs = options.programs,
               .folder = options.folder,
               .workers = options.workers,
               .driven = options.driven,
               .lease = options.lease,
               .heartbeat = options.lease / 4,
               .step_ms = disturbed ? kDisturbedStepMs : 0});
  fleet.Start();
  Caretaker caretaker(fleet);
  ATHANOR_RETURN_IF_ERROR(caretaker.Submit(options.studies));
  DriverOptions driver_options;
  driver_options.seed = options.seed;
  driver_options.lease = options.lease;
  driver_options.step = milliseconds(disturbed ? kDisturbedStepMs / 2 : 0);
  driver_options.repeats = 0.15;
  driver_options.silences = disturbed ? 0.15 : 0;
  for (int i = 0; i < options.driven; ++i) driver_options.addresses.push_back(fleet.driven_address(i));
  Driver driver(driver_options);
  if (disturbed) {
    Disturb(options.plan, fleet, caretaker);
    fleet.Heal();
    ATHANOR_RETURN_IF_ERROR(caretaker.WaitForWorkers(options.workers, UnixMs()));
    fleet.RestartWorkers(1);
  }
  ATHANOR_RETURN_IF_ERROR(caretaker.WaitForEnd());
  RunResult result;
  result.driver = driver.Stop();
  ATHANOR_ASSIGN_OR_RETURN(result.facts, ReadFacts(caretaker.patient()));
  fleet.StopCoordinator();
  result.struck = fleet.struck();
  result.outages = fleet.outages();
  result.database = fleet.database();
  return result;
}

}  // namespace athanor::chaos
