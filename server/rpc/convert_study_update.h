// What UpdateStudy asks for, wire -> domain. Pure; thread-safe.
#pragma once

#include "absl/status/statusor.h"
#include "athanor/v1/study_service.pb.h"
#include "server/coordinator/studies.h"

namespace athanor {

// INVALID_ARGUMENT if the mask names nothing, or something that cannot change, naming it. The values are checked by
// Studies::Update.
absl::StatusOr<StudyUpdate> FromProto(const v1::UpdateStudyRequest& request);

}  // namespace athanor
