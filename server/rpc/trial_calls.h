// The calls of StudyService about trials (proto/athanor/v1/study_service.proto), without the wire. Thread-safe; none
// blocks.
#pragma once

#include "athanor/v1/study_service.pb.h"
#include "server/rpc/service_context.h"

namespace athanor {

class TrialCalls {
 public:
  explicit TrialCalls(ServiceContext& context) : context_(context) {}

  void List(const v1::ListTrialsRequest& request, Done<v1::ListTrialsResponse> done);
  void Get(const v1::GetTrialRequest& request, Done<v1::TrialDetail> done);
  void GetCurve(const v1::GetCurveRequest& request, Done<v1::Curve> done);
  void GetBest(const v1::GetBestTrialsRequest& request, Done<v1::ListTrialsResponse> done);
  void Enqueue(const v1::EnqueueTrialRequest& request, Done<v1::EnqueueTrialResponse> done);
  void Retry(const v1::ChangeTrialRequest& request, Done<v1::Trial> done);
  void Cancel(const v1::ChangeTrialRequest& request, Done<v1::Trial> done);

 private:
  using Change = absl::StatusOr<FoundTrial> (Trials::*)(Transaction&, const std::string&, TrialNumber,
                                                        const RequestKey&);
  void ChangeTrial(const v1::ChangeTrialRequest& request, const char* method, Change change, Done<v1::Trial> done);
  // Adds what only the store knows of finished trials, then answers.
  void AnswerWithMetrics(absl::StatusOr<v1::ListTrialsResponse> response, Done<v1::ListTrialsResponse> done);

  ServiceContext& context_;
};

}  // namespace athanor
