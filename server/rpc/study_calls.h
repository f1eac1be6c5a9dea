// The calls of StudyService about studies (proto/athanor/v1/study_service.proto), without the wire. Thread-safe; none
// blocks.
#pragma once

#include "athanor/v1/study_service.pb.h"
#include "server/rpc/service_context.h"

namespace athanor {

class StudyCalls {
 public:
  explicit StudyCalls(ServiceContext& context) : context_(context) {}

  void Create(const v1::CreateStudyRequest& request, Done<v1::Study> done);
  void Plan(const v1::PlanStudyRequest& request, Done<v1::StudyPlan> done);
  void Get(const v1::GetStudyRequest& request, Done<v1::Study> done);
  void List(const v1::ListStudiesRequest& request, Done<v1::ListStudiesResponse> done);
  void Pause(const v1::ChangeStudyRequest& request, Done<v1::Study> done);
  void Resume(const v1::ChangeStudyRequest& request, Done<v1::Study> done);
  void Cancel(const v1::ChangeStudyRequest& request, Done<v1::Study> done);
  void Update(const v1::UpdateStudyRequest& request, Done<v1::Study> done);
  void Delete(const v1::ChangeStudyRequest& request, Done<v1::DeleteStudyResponse> done);
  void CollectGarbage(const v1::CollectGarbageRequest& request, Done<v1::GarbageReport> done);

 private:
  using Change = absl::StatusOr<LiveStudy*> (Studies::*)(Transaction&, const std::string&, const RequestKey&);
  void ChangeStudy(const v1::ChangeStudyRequest& request, const char* method, Change change, Done<v1::Study> done);

  ServiceContext& context_;
};

// A study as clients see it now. Owner thread only.
v1::Study StudyNow(Coordinator& coordinator, const LiveStudy& study, MonotonicTime now);

}  // namespace athanor
