// Calls that arrive twice, and calls that arrive after younger ones, have one effect. What a network may do to them no
// TCP proxy can: so they are made by hand, against a real coordinator.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "athanor/v1/study_service.grpc.pb.h"
#include "athanor/v1/worker_service.grpc.pb.h"
#include "base/sha256.h"
#include "client/api/study_file.h"
#include "tests/integration/cluster.h"

namespace athanor {
namespace {

using Studies = v1::StudyService::Stub;
using Admin = v1::AdminService::Stub;
using Workers = v1::WorkerService::Stub;

class RepeatsTest : public ::testing::Test {
 protected:
  RepeatsTest() {
    cluster_.StartServer();
    const auto channel = grpc::CreateChannel(cluster_.address(), grpc::InsecureChannelCredentials());
    studies_ = v1::StudyService::NewStub(channel);
    admin_ = v1::AdminService::NewStub(channel);
    workers_ = v1::WorkerService::NewStub(channel);
  }

  template <typename Stub, typename Request, typename Response>
  Response Call(const std::unique_ptr<Stub>& stub,
                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    Response response;
    status_ = (stub.get()->*method)(&context, request, &response);
    return response;
  }

  // Everything that the coordinator tells of its studies, trials, curves and workers, but for the time of day.
  std::string Facts() {
    std::string text;
    const auto studies = Call(studies_, &Studies::ListStudies, v1::ListStudiesRequest());
    for (v1::Study study : studies.studies()) {
      study.set_active_ms(0);
      text += study.DebugString();
      v1::ListTrialsRequest request;
      request.set_study(study.spec().name());
      const auto trials = Call(studies_, &Studies::ListTrials, request);
      for (const v1::Trial& trial : trials.trials()) {
        v1::GetTrialRequest of_trial;
        of_trial.set_study(study.spec().name());
        of_trial.set_number(trial.number());
        text += Call(studies_, &Studies::GetTrial, of_trial).DebugString();
        v1::GetCurveRequest of_curve;
        of_curve.set_study(study.spec().name());
        of_curve.set_number(trial.number());
        of_curve.set_include_archived(true);
        text += Call(studies_, &Studies::GetCurve, of_curve).DebugString();
      }
    }
    const auto workers = Call(admin_, &Admin::ListWorkers, v1::ListWorkersRequest());
    for (v1::Worker worker : workers.workers()) {
      worker.clear_last_seen_unix_ms();
      text += worker.DebugString();
    }
    return text;
  }

  // The first call changes something, the second one nothing, and both are answered alike.
  void ExpectOneEffect(const char* what, const std::function<std::string()>& call) {
    SCOPED_TRACE(what);
    const std::string before = Facts();
    const std::string answer = call();
    ASSERT_TRUE(status_.ok()) << status_.error_message();
    const std::string once = Facts();
    EXPECT_NE(once, before);
    const std::string again = call();
    EXPECT_TRUE(status_.ok()) << status_.error_message();
    EXPECT_EQ(Facts(), once);
    EXPECT_EQ(again, answer);
  }
  // It changes nothing, whatever it is answered.
  void ExpectNoEffect(const char* what, const std::function<void()>& call) {
    SCOPED_TRACE(what);
    const std::string before = Facts();
    call();
    EXPECT_EQ(Facts(), before);
  }

  static v1::StudySpec Spec(const std::string& name, int64_t trials) {
    const auto file = ParseStudyFile("name: " + name +
                                         "\nobjective: {metric: score, goal: maximize}\n"
                                         "parameters: {learning_rate: {type: float, min: 0.1, max: 1.0}}\n"
                                         "search: {method: random}\nbudget: {trials: " +
                                         std::to_string(trials) + "}\n",
                                     name);
    return file.value().spec;
  }
  std::string Create(const std::string& name, int64_t trials, const std::string& id) {
    v1::CreateStudyRequest request;
    *request.mutable_spec() = Spec(name, trials);
    request.set_request_id(id);
    return WithoutTime(Call(studies_, &Studies::CreateStudy, request));
  }
  static std::string WithoutTime(v1::Study study) {
    study.set_active_ms(0);
    return study.DebugString();
  }

  using StudyVerb = grpc::Status (Studies::*)(grpc::ClientContext*, const v1::ChangeStudyRequest&, v1::Study*);
  std::string Change(StudyVerb verb, const std::string& study, const std::string& id) {
    v1::ChangeStudyRequest request;
    request.set_study(study);
    request.set_request_id(id);
    return WithoutTime(Call(studies_, verb, request));
  }
  using TrialVerb = grpc::Status (Studies::*)(grpc::ClientContext*, const v1::ChangeTrialRequest&, v1::Trial*);
  std::string Change(TrialVerb verb, const std::string& study, int64_t trial, const std::string& id) {
    v1::ChangeTrialRequest request;
    request.set_study(study);
    request.set_number(trial);
    request.set_request_id(id);
    return Call(studies_, verb, request).DebugString();
  }

  std::string Register(const std::string& worker, uint64_t incarnation = 1) {
    v1::RegisterRequest request;
    request.set_worker(worker);
    request.set_incarnation(incarnation);
    request.set_protocol_version(1);
    request.set_slots(4);
    return Call(workers_, &Workers::Register, request).DebugString();
  }
  v1::AcquireResponse Acquire(uint64_t sequence, int trials) {
    v1::AcquireRequest request;
    request.set_worker("w");
    request.set_incarnation(1);
    request.set_sequence(sequence);
    request.set_max_trials(trials);
    return Call(workers_, &Workers::Acquire, request);
  }
  v1::LeaseRef LeaseOf(const std::string& study) {
    Create(study, 1, "");
    Register("w");
    const v1::AcquireResponse response = Acquire(++acquires_, 1);
    EXPECT_EQ(response.leases_size(), 1) << status_.error_message();
    return response.leases_size() == 1 ? response.leases(0).ref() : v1::LeaseRef();
  }

  // Sends all of them on a stream of their own; the verdicts.
  v1::ReportResponse Report(const std::vector<v1::ReportRequest>& requests) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    const auto stream = workers_->Report(&context);
    for (const v1::ReportRequest& request : requests) stream->Write(request);
    stream->WritesDone();
    v1::ReportResponse all, response;
    while (stream->Read(&response)) all.MergeFrom(response);
    status_ = stream->Finish();
    return all;
  }
  static v1::ReportRequest ReportOf(const v1::LeaseRef& lease, int64_t step, double value, uint64_t sequence = 1) {
    v1::ReportRequest request;
    request.set_worker("w");
    request.set_incarnation(1);
    request.set_sequence(sequence);
    v1::TrialReport& report = *request.add_reports();
    *report.mutable_lease() = lease;
    if (step == 1) report.set_resumed_step(0);
    v1::Measurement& measurement = *report.add_measurements();
    measurement.set_step(step);
    v1::Metric& metric = *measurement.add_metrics();
    metric.set_name("score");
    metric.set_value(value);
    return request;
  }
  std::string Finish(const v1::LeaseRef& lease, v1::AttemptOutcome outcome) {
    v1::FinishRequest request;
    *request.mutable_lease() = lease;
    request.set_outcome(outcome);
    return Call(workers_, &Workers::Finish, request).DebugString();
  }
  std::string Upload(const v1::LeaseRef& lease, int64_t step, const std::string& content) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    v1::UploadCheckpointResponse response;
    const auto upload = workers_->UploadCheckpoint(&context, &response);
    v1::UploadCheckpointRequest request;
    *request.mutable_header()->mutable_lease() = lease;
    request.mutable_header()->mutable_checkpoint()->set_sha256(Sha256::Hex(content));
    request.mutable_header()->mutable_checkpoint()->set_step(step);
    request.mutable_header()->mutable_checkpoint()->set_size_bytes(static_cast<int64_t>(content.size()));
    upload->Write(request);
    request.set_chunk(content);
    upload->Write(request);
    upload->WritesDone();
    status_ = upload->Finish();
    return "";
  }

  Cluster cluster_;
  std::unique_ptr<Studies> studies_;
  std::unique_ptr<Admin> admin_;
  std::unique_ptr<Workers> workers_;
  grpc::Status status_;
  uint64_t acquires_ = 0;
};

TEST_F(RepeatsTest, StudyCallsOfOneRequestIdHaveOneEffect) {
  ExpectOneEffect("create", [&] { return Create("s", 3, "create"); });
  ExpectOneEffect("pause", [&] { return Change(&Studies::PauseStudy, "s", "pause"); });
  ExpectOneEffect("resume", [&] { return Change(&Studies::ResumeStudy, "s", "resume"); });
  ExpectOneEffect("update", [&] {
    v1::UpdateStudyRequest request;
    request.set_study("s");
    request.set_request_id("update");
    request.mutable_update_mask()->add_paths("budget.trials");
    request.mutable_budget()->set_trials(4);
    return Call(studies_, &Studies::UpdateStudy, request).DebugString();
  });
  ExpectOneEffect("enqueue", [&] {
    v1::EnqueueTrialRequest request;
    request.set_study("s");
    request.set_request_id("enqueue");
    v1::NamedValue* rate = request.add_parameters();
    rate->set_name("learning_rate");
    rate->mutable_value()->set_float_value(0.5);
    return Call(studies_, &Studies::EnqueueTrial, request).DebugString();
  });
  Register("w");
  ASSERT_EQ(Acquire(1, 1).leases_size(), 1) << status_.error_message();
  ExpectOneEffect("cancel trial", [&] { return Change(&Studies::CancelTrial, "s", 0, "cancel trial"); });
  ExpectOneEffect("retry trial", [&] { return Change(&Studies::RetryTrial, "s", 0, "retry trial"); });
  ExpectOneEffect("cancel", [&] { return Change(&Studies::CancelStudy, "s", "cancel"); });
  ExpectOneEffect("delete", [&] {
    v1::ChangeStudyRequest request;
    request.set_study("s");
    request.set_request_id("delete");
    return Call(studies_, &Studies::DeleteStudy, request).DebugString();
  });
}

TEST_F(RepeatsTest, OldStudyCallsAfterYoungerOnesChangeNothing) {
  Create("s", 3, "create");
  Change(&Studies::PauseStudy, "s", "pause");
  Change(&Studies::ResumeStudy, "s", "resume");
  ExpectNoEffect("pause", [&] { Change(&Studies::PauseStudy, "s", "pause"); });
  ExpectNoEffect("another request of that id", [&] {
    Change(&Studies::CancelStudy, "s", "pause");
    EXPECT_EQ(status_.error_code(), grpc::INVALID_ARGUMENT);
  });
  Change(&Studies::CancelStudy, "s", "cancel");
  ExpectNoEffect("create", [&] { Create("s", 3, "create"); });
  ExpectNoEffect("resume", [&] { Change(&Studies::ResumeStudy, "s", "resume"); });
}

TEST_F(RepeatsTest, AdminCallsOfOneRequestIdHaveOneEffect) {
  Register("w");
  v1::ChangeWorkerRequest request;
  request.set_name("w");
  const auto change = [&](auto verb, const char* id) {
    request.set_request_id(id);
    v1::Worker worker = Call(admin_, verb, request);
    worker.clear_last_seen_unix_ms();
    return worker.DebugString();
  };
  ExpectOneEffect("drain", [&] { return change(&Admin::DrainWorker, "drain"); });
  ExpectOneEffect("enable", [&] { return change(&Admin::EnableWorker, "enable"); });
  ExpectNoEffect("an old drain", [&] { change(&Admin::DrainWorker, "drain"); });
}

TEST_F(RepeatsTest, WorkerCallsHaveOneEffect) {
  Create("s", 3, "");
  ExpectOneEffect("register", [&] { return Register("w"); });
  v1::LeaseRef lease;
  ExpectOneEffect("acquire", [&] {
    const v1::AcquireResponse response = Acquire(1, 1);
    if (response.leases_size() == 1) lease = response.leases(0).ref();
    return response.DebugString();
  });
  ExpectOneEffect("report on a new stream", [&] { return Report({ReportOf(lease, 1, 0.5)}).DebugString(); });
  ExpectOneEffect("report on the same stream", [&] {
    return Report({ReportOf(lease, 2, 0.5, 1), ReportOf(lease, 2, 0.5, 2)}).DebugString();
  });
  ExpectOneEffect("upload", [&] { return Upload(lease, 2, "checkpoint"); });
  ExpectOneEffect("finish", [&] { return Finish(lease, v1::ATTEMPT_OUTCOME_COMPLETED); });
}

TEST_F(RepeatsTest, SequenceNumberSeenBeforeOnAStreamIsNotAppliedAgain) {
  const v1::LeaseRef lease = LeaseOf("s");
  // The second one would be refused if it were applied: another value for the same step.
  const auto answer = Report({ReportOf(lease, 1, 0.5), ReportOf(lease, 1, 0.7)});
  ASSERT_EQ(answer.verdicts_size(), 1);
  EXPECT_EQ(answer.verdicts(0).status_code(), 0);
}

TEST_F(RepeatsTest, OldWorkerCallsAfterYoungerOnesChangeNothing) {
  Create("many", 5, "");
  Register("w");
  const v1::AcquireResponse first = Acquire(1, 1);
  const v1::AcquireResponse second = Acquire(2, 1);
  ASSERT_EQ(first.leases_size(), 1);
  ASSERT_EQ(second.leases_size(), 1);
  const v1::LeaseRef lease = first.leases(0).ref();
  ExpectNoEffect("a late acquire", [&] {
    EXPECT_EQ(Acquire(1, 1).leases_size(), 0);
    EXPECT_EQ(status_.error_code(), grpc::FAILED_PRECONDITION);
  });
  Report({ReportOf(lease, 1, 0.1), ReportOf(lease, 2, 0.2, 2), ReportOf(lease, 3, 0.3, 3)});
  ExpectNoEffect("a late report", [&] {
    EXPECT_EQ(Report({ReportOf(lease, 1, 0.1)}).verdicts(0).status_code(), 0);
    EXPECT_EQ(Report({ReportOf(lease, 1, 0.9)}).verdicts(0).status_code(), grpc::ALREADY_EXISTS);
  });
  Upload(lease, 2, "old");
  Upload(lease, 3, "young");
  ExpectNoEffect("a late upload", [&] { Upload(lease, 2, "old"); });
  Finish(lease, v1::ATTEMPT_OUTCOME_FAILED);
  const v1::AcquireResponse third = Acquire(3, 1);
  ASSERT_EQ(third.leases_size(), 1);
  ASSERT_EQ(third.leases(0).ref().trial_number(), lease.trial_number());
  ExpectNoEffect("calls under the token of the attempt before", [&] {
    EXPECT_EQ(Report({ReportOf(lease, 4, 0.4)}).verdicts(0).status_code(), grpc::FAILED_PRECONDITION);
    Upload(lease, 4, "younger still");
    EXPECT_EQ(status_.error_code(), grpc::FAILED_PRECONDITION);
    Finish(lease, v1::ATTEMPT_OUTCOME_FAILED);
    EXPECT_TRUE(status_.ok()) << status_.error_message();  // what it said before
    Finish(lease, v1::ATTEMPT_OUTCOME_COMPLETED);
    EXPECT_EQ(status_.error_code(), grpc::FAILED_PRECONDITION);
  });
  ExpectNoEffect("an older incarnation", [&] {
    Register("w", 0);
    EXPECT_EQ(status_.error_code(), grpc::FAILED_PRECONDITION);
  });
}

TEST_F(RepeatsTest, HeartbeatsThatRepeatOrComeLateEndNoLease) {
  const v1::LeaseRef lease = LeaseOf("s");
  v1::HeartbeatRequest listing;
  listing.set_worker("w");
  listing.set_incarnation(1);
  const v1::HeartbeatRequest from_before = listing;  // sent before the lease was granted, and delayed
  *listing.add_leases() = lease;
  ExpectNoEffect("heartbeats", [&] {
    for (const v1::HeartbeatRequest& request : {listing, listing, from_before, listing, from_before}) {
      EXPECT_EQ(Call(workers_, &Workers::Heartbeat, request).dead_size(), 0);
    }
  });
}

}  // namespace
}  // namespace athanor
