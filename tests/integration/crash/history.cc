// One history of mutating calls. Tokens and trial numbers follow from the order alone, so they stand here as numbers.
#include <map>
#include <optional>
#include <utility>

#include "base/sha256.h"
#include "base/trainer_options.h"
#include "tests/integration/crash/wire.h"

namespace athanor {
namespace {

constexpr char kWorker[] = "w";
constexpr uint64_t kIncarnation = 100;

v1::LeaseRef Lease(int64_t study, int64_t trial, int64_t token) {
  v1::LeaseRef lease;
  lease.set_study_id(study);
  lease.set_trial_number(trial);
  lease.set_token(token);
  return lease;
}

// A unary call: `method` of the stub that `stub` picks.
template <typename Stub, typename Request, typename Response>
Call Unary(std::string name, std::unique_ptr<Stub> Wire::*stub,
           grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), Request request) {
  return {std::move(name), [=](Wire& wire) {
            Response response;
            const auto context = NewContext();
            const grpc::Status status = ((*(wire.*stub)).*method)(context.get(), request, &response);
            return Answer{status, status.ok() ? TextWithoutTimes(response) : ""};
          }};
}

Call Register(std::string name, uint64_t incarnation) {
  v1::RegisterRequest request;
  request.set_worker(kWorker);
  request.set_incarnation(incarnation);
  request.set_protocol_version(1);
  request.set_option_table_hash(TrainerOptionsHash());
  request.set_host("host");
  v1::Device* device = request.add_devices();
  device->set_kind("cpu");
  device->set_name("cpu");
  request.set_slots(4);
  request.add_trainers("builtin");
  return Unary(std::move(name), &Wire::workers, &v1::WorkerService::Stub::Register, request);
}

v1::AcquireRequest AcquireOf(uint64_t incarnation, uint64_t sequence, int trials) {
  v1::AcquireRequest request;
  request.set_worker(kWorker);
  request.set_incarnation(incarnation);
  request.set_sequence(sequence);
  request.set_max_trials(trials);
  return request;
}

Call Acquire(std::string name, v1::AcquireRequest request) {
  Call call = Unary(std::move(name), &Wire::workers, &v1::WorkerService::Stub::Acquire, std::move(request));
  call.momentary = true;
  return call;
}

Call Acquire(std::string name, uint64_t incarnation, uint64_t sequence, int trials) {
  return Acquire(std::move(name), AcquireOf(incarnation, sequence, trials));
}

// One trial, once its configuration is computed: the poll is parked, and answered in a later group.
Call AcquireComputed(std::string name, uint64_t incarnation, uint64_t sequence) {
  v1::AcquireRequest request = AcquireOf(incarnation, sequence, 1);
  request.set_wait_ms(10'000);
  return Acquire(std::move(name), request);
}

void SetParameter(v1::NamedValue& value, const char* name, double number) {
  value.set_name(name);
  value.mutable_value()->set_float_value(number);
}

v1::StudySpec SpecOf(const char* name, const char* method, int64_t trials) {
  v1::StudySpec spec;
  spec.set_name(name);
  v1::Objective* objective = spec.add_objectives();
  objective->set_metric("accuracy");
  objective->set_goal(v1::GOAL_MAXIMIZE);
  v1::Parameter* rate = spec.add_parameters();
  rate->set_name("learning_rate");
  rate->set_type(v1::PARAMETER_TYPE_FLOAT);
  rate->mutable_min()->set_float_value(1e-4);
  rate->mutable_max()->set_float_value(1);
  if (std::string(method) == "grid") rate->set_points(trials);
  spec.mutable_search()->set_method(method);
  spec.mutable_search()->set_seed(5);
  spec.mutable_budget()->set_trials(trials);
  v1::NamedValue* epochs = spec.add_trainer();
  epochs->set_name("epochs");
  epochs->mutable_value()->set_int_value(8);
  return spec;
}

// Rungs at steps 2, 4 and 8.
v1::StudySpec LadderSpec() {
  v1::StudySpec spec = SpecOf("ladder", "random", 6);
  v1::HalvingStopping* asha = spec.mutable_early_stopping()->mutable_asha();
  asha->set_min_resource(2);
  asha->set_max_resource(8);
  asha->set_reduction_factor(2);
  return spec;
}

// A model over two parameters, that starts from the trials of the grid: those have a fixed value of the second.
v1::StudySpec HeirSpec() {
  v1::StudySpec spec = SpecOf("heir", "tpe", 2);
  v1::Parameter* decay = spec.add_parameters();
  decay->set_name("weight_decay");
  decay->set_type(v1::PARAMETER_TYPE_FLOAT);
  decay->mutable_min()->set_float_value(0);
  decay->mutable_max()->set_float_value(0.5);
  spec.mutable_search()->set_startup_trials(1);
  spec.mutable_search()->set_random_share(0);
  spec.add_warm_start("grid");
  return spec;
}

v1::StudySpec GridSpec() {
  v1::StudySpec spec = SpecOf("grid", "grid", 2);
  SetParameter(*spec.add_trainer(), "weight_decay", 0.25);
  return spec;
}

Call Create(std::string name, v1::StudySpec spec) {
  v1::CreateStudyRequest request;
  *request.mutable_spec() = std::move(spec);
  request.set_request_id(name);
  return Unary(std::move(name), &Wire::studies, &v1::StudyService::Stub::CreateStudy, request);
}

Call Enqueue(std::string name, const char* study, double rate) {
  v1::EnqueueTrialRequest request;
  request.set_study(study);
  SetParameter(*request.add_parameters(), "learning_rate", rate);
  request.set_request_id(name);
  return Unary(std::move(name), &Wire::studies, &v1::StudyService::Stub::EnqueueTrial, request);
}

template <typename Response>
Call ChangeStudy(std::string name,
                 grpc::Status (v1::StudyService::Stub::*method)(grpc::ClientContext*, const v1::ChangeStudyRequest&,
                                                                Response*)) {
  v1::ChangeStudyRequest request;
  request.set_study("ladder");
  request.set_request_id(name);
  return Unary(std::move(name), &Wire::studies, method, request);
}

Call RaiseTrials(std::string name, const char* study, int64_t trials) {
  v1::UpdateStudyRequest request;
  request.set_study(study);
  request.mutable_update_mask()->add_paths("budget.trials");
  request.mutable_update_mask()->add_paths("priority");
  request.mutable_budget()->set_trials(trials);
  request.set_priority(1);
  request.set_request_id(name);
  return Unary(std::move(name), &Wire::studies, &v1::StudyService::Stub::UpdateStudy, request);
}

Call ChangeTrial(std::string name,
                 grpc::Status (v1::StudyService::Stub::*method)(grpc::ClientContext*, const v1::ChangeTrialRequest&,
                                                                v1::Trial*),
                 int64_t number) {
  v1::ChangeTrialRequest request;
  request.set_study("ladder");
  request.set_number(number);
  request.set_request_id(name);
  return Unary(std::move(name), &Wire::studies, method, request);
}

Call ChangeWorker(std::string name,
                  grpc::Status (v1::AdminService::Stub::*method)(grpc::ClientContext*, const v1::ChangeWorkerRequest&,
                                                                 v1::Worker*)) {
  v1::ChangeWorkerRequest request;
  request.set_name(kWorker);
  request.set_request_id(name);
  Call call = Unary(std::move(name), &Wire::admin, method, request);
  // Whether the worker is online is no fact of the store.
  call.run = [run = std::move(call.run)](Wire& wire) { return Answer{run(wire).status, ""}; };
  return call;
}

Call CollectGarbage(std::string name) {
  v1::CollectGarbageRequest request;
  request.set_study("ladder");
  request.set_request_id(name);
  return Unary(std::move(name), &Wire::studies, &v1::StudyService::Stub::CollectGarbage, request);
}

// Two in a row that list this lease alone: others that the worker holds are lost.
Call Heartbeats(std::string name, const v1::LeaseRef& listed) {
  v1::HeartbeatRequest request;
  request.set_worker(kWorker);
  request.set_incarnation(kIncarnation);
  *request.add_leases() = listed;
  Call call = Unary(std::move(name), &Wire::workers, &v1::WorkerService::Stub::Heartbeat, request);
  call.run = [run = std::move(call.run)](Wire& wire) {
    const Answer first = run(wire);
    return first.status.ok() ? run(wire) : first;
  };
  call.momentary = true;
  return call;
}

v1::FinishRequest FinishOf(const v1::LeaseRef& lease, v1::AttemptOutcome outcome) {
  v1::FinishRequest request;
  *request.mutable_lease() = lease;
  request.set_outcome(outcome);
  request.set_reason("so it was");
  if (outcome == v1::ATTEMPT_OUTCOME_COMPLETED) {
    v1::Metric* metric = request.add_final_metrics();
    metric->set_name("test_accuracy");
    metric->set_value(0.5);
  }
  return request;
}

Call Finish(std::string name, const v1::LeaseRef& lease, v1::AttemptOutcome outcome) {
  return Unary(std::move(name), &Wire::workers, &v1::WorkerService::Stub::Finish, FinishOf(lease, outcome));
}

v1::TrialReport ReportOf(const v1::LeaseRef& lease, std::optional<int64_t> resumed,
                         const std::map<int64_t, double>& values) {
  v1::TrialReport report;
  *report.mutable_lease() = lease;
  if (resumed.has_value()) report.set_resumed_step(*resumed);
  for (const auto& [step, value] : values) {
    v1::Measurement* measurement = report.add_measurements();
    measurement->set_step(step);
    measurement->set_elapsed_ms(1000 * step);
    v1::Metric* metric = measurement->add_metrics();
    metric->set_name("accuracy");
    metric->set_value(value);
  }
  return report;
}

// One request on a stream of its own. A verdict that refuses is the status of the answer.
Answer RunReport(Wire& wire, const v1::ReportRequest& request) {
  const auto context = NewContext();
  const auto stream = wire.workers->Report(context.get());
  stream->Write(request);
  v1::ReportResponse answer, response;
  while (answer.acknowledged_sequence() < request.sequence() && stream->Read(&response)) answer.MergeFrom(response);
  stream->WritesDone();
  while (stream->Read(&response)) continue;
  const grpc::Status status = stream->Finish();
  if (answer.acknowledged_sequence() < request.sequence()) return {status, ""};
  answer.clear_commands();  // pushed when there is one, not an answer
  for (const v1::Verdict& verdict : answer.verdicts()) {
    if (verdict.status_code() == 0) continue;
    return {grpc::Status(static_cast<grpc::StatusCode>(verdict.status_code()), verdict.status_message()), ""};
  }
  return {grpc::Status::OK, TextWithoutTimes(answer)};
}

Call Report(std::string name, std::vector<v1::TrialReport> reports, std::vector<v1::FinishRequest> finishes = {},
            std::optional<v1::AcquireRequest> acquire = {}, uint64_t incarnation = kIncarnation) {
  v1::ReportRequest request;
  request.set_worker(kWorker);
  request.set_incarnation(incarnation);
  request.set_sequence(1);
  request.mutable_reports()->Assign(reports.begin(), reports.end());
  request.mutable_finishes()->Assign(finishes.begin(), finishes.end());
  if (acquire.has_value()) *request.mutable_acquire() = *acquire;
  Call call{std::move(name), [request](Wire& wire) { return RunReport(wire, request); }};
  call.momentary = acquire.has_value();
  return call;
}

// Two chunks.
Call Upload(std::string name, const v1::LeaseRef& lease, int64_t step) {
  const std::string content = name + std::string(1000, '.');
  v1::UploadCheckpointRequest header;
  *header.mutable_header()->mutable_lease() = lease;
  v1::CheckpointRef& checkpoint = *header.mutable_header()->mutable_checkpoint();
  checkpoint.set_sha256(Sha256::Hex(content));
  checkpoint.set_step(step);
  checkpoint.set_size_bytes(static_cast<int64_t>(content.size()));
  return {std::move(name), [header, content](Wire& wire) {
            v1::UploadCheckpointResponse response;
            const auto context = NewContext();
            const auto stream = wire.workers->UploadCheckpoint(context.get(), &response);
            stream->Write(header);
            v1::UploadCheckpointRequest chunk;
            for (const auto& [at, size] : {std::pair<size_t, size_t>(0, 500), {500, content.size()}}) {
              chunk.set_chunk(content.substr(at, size));
              stream->Write(chunk);
            }
            stream->WritesDone();
            return Answer{stream->Finish(), ""};
          }};
}

}  // namespace

std::vector<Call> History() {
  using Studies = v1::StudyService::Stub;
  using Admin = v1::AdminService::Stub;
  const auto ladder = [](int64_t trial, int64_t token) { return Lease(1, trial, token); };
  const auto grid = [](int64_t trial, int64_t token) { return Lease(2, trial, token); };
  const auto heir = [](int64_t trial, int64_t token) { return Lease(3, trial, token); };
  const Call::Repeat kRefused = Call::Repeat::kRefused;
  std::vector<Call> calls = {
      Register("register", kIncarnation),
      Create("create", LadderSpec()),
      Enqueue("enqueue", "ladder", 0.25),
      RaiseTrials("raise_active", "ladder", 7),
      Acquire("acquire_two", kIncarnation, 1, 2),  // trials 0 and 1, tokens 1 and 2
      Report("report_first", {ReportOf(ladder(0, 1), 0, {{1, 0.5}})}),
      Upload("upload_rung", ladder(0, 1), 2),
      Report("report_pauses", {ReportOf(ladder(0, 1), {}, {{2, 0.6}})}).RepeatedIs(kRefused),
      Upload("upload_one", ladder(1, 2), 1),
      Report("report_more", {ReportOf(ladder(1, 2), 0, {{1, 0.2}})}),
      Upload("upload_two", ladder(1, 2), 2),
      Upload("upload_drops", ladder(1, 2), 3),
      Finish("finish_failed", ladder(1, 2), v1::ATTEMPT_OUTCOME_FAILED),
      Acquire("acquire_again", kIncarnation, 2, 1),  // trial 1, token 3
      Report("report_archives", {ReportOf(ladder(1, 3), 0, {{1, 0.25}})}),
      ChangeStudy("pause_study", &Studies::PauseStudy),
      Finish("finish_preempted", ladder(1, 3), v1::ATTEMPT_OUTCOME_PREEMPTED),
      ChangeStudy("resume_study", &Studies::ResumeStudy),
      Acquire("acquire_requeued", kIncarnation, 3, 1),  // trial 1, token 4
      ChangeTrial("cancel_trial", &Studies::CancelTrial, 1),
      CollectGarbage("collect_garbage"),  // the checkpoints of trial 1
      ChangeTrial("retry_trial", &Studies::RetryTrial, 1),
      Acquire("acquire_three", kIncarnation, 4, 3),  // trials 1, 2 and 3, tokens 5, 6 and 7
      Finish("finish_infeasible", ladder(2, 6), v1::ATTEMPT_OUTCOME_INFEASIBLE),
      Report("report_all_in_one", {ReportOf(ladder(1, 5), 0, {{1, 0.3}})},
             {FinishOf(ladder(1, 5), v1::ATTEMPT_OUTCOME_COMPLETED)},
             AcquireOf(kIncarnation, 5, 1))  // trial 0 is promoted, token 8
          .RepeatedIs(kRefused),
      Report("report_next_rung", {ReportOf(ladder(0, 8), 2, {{3, 0.65}, {4, 0.7}})}).RepeatedIs(kRefused),
      ChangeWorker("drain_worker", &Admin::DrainWorker),
      ChangeWorker("enable_worker", &Admin::EnableWorker),
      Acquire("acquire_next", kIncarnation, 6, 1),  // token 9
      Heartbeats("heartbeats_unlisted", ladder(3, 7)),
      Register("register_anew", kIncarnation + 1),  // the leases of the incarnation before are lost
      Acquire("acquire_anew", kIncarnation + 1, 1, 1),
      ChangeStudy("cancel_study", &Studies::CancelStudy),
      ChangeStudy("delete_study", &Studies::DeleteStudy),
      Create("create_grid", GridSpec()),
      Acquire("acquire_grid", kIncarnation + 1, 2, 2),  // tokens 11 and 12
      Report(
          "report_ends_study", {ReportOf(grid(0, 11), 0, {{8, 0.5}}), ReportOf(grid(1, 12), 0, {{8, 0.6}})},
          {FinishOf(grid(0, 11), v1::ATTEMPT_OUTCOME_COMPLETED), FinishOf(grid(1, 12), v1::ATTEMPT_OUTCOME_COMPLETED)},
          {}, kIncarnation + 1)
          .RepeatedIs(kRefused),
      Create("create_heir", HeirSpec()),
      Enqueue("enqueue_partial", "heir", 0.125),
      AcquireComputed("acquire_completed_by_model", kIncarnation + 1, 3),  // trial 0, token 13
      Report("report_heir", {ReportOf(heir(0, 13), 0, {{8, 0.7}})},
             {FinishOf(heir(0, 13), v1::ATTEMPT_OUTCOME_COMPLETED)}, {}, kIncarnation + 1)
          .RepeatedIs(kRefused),
      AcquireComputed("acquire_by_model", kIncarnation + 1, 4),  // trial 1, token 14
      Report("report_ends_heir", {ReportOf(heir(1, 14), 0, {{8, 0.8}})},
             {FinishOf(heir(1, 14), v1::ATTEMPT_OUTCOME_COMPLETED)}, {}, kIncarnation + 1)
          .RepeatedIs(kRefused),
      RaiseTrials("raise_completed", "heir", 3),
      AcquireComputed("acquire_after_raise", kIncarnation + 1, 5),  // trial 2, token 15
  };
  return calls;
}

}  // namespace athanor
