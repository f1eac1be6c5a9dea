#include "server/store/describe.h"

#include <variant>

#include "absl/strings/str_cat.h"

namespace athanor {

namespace {

std::string OfStudy(const char* what, StudyId study) { return absl::StrCat(what, " of study ", study); }

std::string OfTrial(const char* what, StudyId study, TrialNumber trial) {
  return absl::StrCat(what, " of study ", study, ", trial ", trial);
}

std::string OfAttempt(const char* what, StudyId study, TrialNumber trial, Token token) {
  return absl::StrCat(what, " of study ", study, ", trial ", trial, ", token ", token);
}

std::string OfStep(const char* what, StudyId study, TrialNumber trial, Token token, int64_t step) {
  return absl::StrCat(OfAttempt(what, study, trial, token), ", step ", step);
}

struct Describer {
  std::string operator()(const PutStudy& c) const {
    return absl::StrCat(OfStudy("PutStudy", c.study->id), ", name '", c.study->spec.name, "'");
  }
  std::string operator()(const DeleteStudy& c) const { return OfStudy("DeleteStudy", c.study); }
  std::string operator()(const InsertTrial& c) const { return OfTrial("InsertTrial", c.study, c.trial.number); }
  std::string operator()(const UpdateTrial& c) const { return OfTrial("UpdateTrial", c.study, c.trial.number); }
  std::string operator()(const InsertAttempt& c) const {
    return OfAttempt("InsertAttempt", c.study, c.attempt.trial, c.attempt.token);
  }
  std::string operator()(const UpdateAttempt& c) const {
    return OfAttempt("UpdateAttempt", c.study, c.attempt.trial, c.attempt.token);
  }
  std::string operator()(const AddMeasurement& c) const {
    return OfStep("AddMeasurement", c.study, c.trial, c.token, c.measurement.step);
  }
  std::string operator()(const ArchiveMeasurements& c) const {
    return OfStep("ArchiveMeasurements", c.study, c.trial, c.by, c.step);
  }
  std::string operator()(const PutRungEntry& c) const {
    return absl::StrCat(OfAttempt("PutRungEntry", c.study, c.entry.trial, c.entry.token), ", rung ", c.entry.rung);
  }
  std::string operator()(const AddDecision& c) const {
    return OfStep("AddDecision", c.study, c.decision.trial, c.decision.token, c.decision.step);
  }
  std::string operator()(const AddCheckpoint& c) const {
    return OfStep("AddCheckpoint", c.study, c.checkpoint.trial, c.checkpoint.token, c.checkpoint.step);
  }
  std::string operator()(const RemoveCheckpoint& c) const {
    return OfStep("RemoveCheckpoint", c.study, c.checkpoint.trial, c.checkpoint.token, c.checkpoint.step);
  }
  std::string operator()(const PutFinalMetrics& c) const { return OfTrial("PutFinalMetrics", c.study, c.trial); }
  std::string operator()(const PushEnqueued& c) const {
    return absl::StrCat(OfStudy("PushEnqueued", c.study), ", id ", c.configuration.id);
  }
  std::string operator()(const PopEnqueued& c) const {
    return absl::StrCat(OfStudy("PopEnqueued", c.study), ", id ", c.id);
  }
  std::string operator()(const AddPriorTrial& c) const {
    return absl::StrCat(OfStudy("AddPriorTrial", c.study), ", position ", c.position);
  }
  std::string operator()(const PutWorker& c) const { return absl::StrCat("PutWorker of '", c.worker->name, "'"); }
  std::string operator()(const PutRequest& c) const { return absl::StrCat("PutRequest of '", c.request.id, "'"); }
  std::string operator()(const ForgetRequests&) const { return "ForgetRequests"; }
};

}  // namespace

std::string Describe(const Change& change) { return std::visit(Describer{}, change); }

}  // namespace athanor
