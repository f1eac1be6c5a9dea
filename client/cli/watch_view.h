// The picture that `study watch` draws.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "athanor/v1/study_service.pb.h"
#include "client/cli/styled_text.h"

namespace athanor::cli {

struct ViewSize {
  size_t width = 80;
  size_t height = 24;
};

// From the top: the study and its state, its objective and best value, the bar of finished trials with counts and ETA,
// the running trials with their progress and curve, the leader board with how each trial ended, the workers. Every line
// is at most `size.width` columns wide and there are at most `size.height` of them: what does not fit is counted ("+12
// more"), the header is kept longest.
//
// Pure: the same snapshot, size and look give the same lines.
std::vector<std::string> RenderWatch(const v1::StudySnapshot& snapshot, ViewSize size, const Look& look);

}  // namespace athanor::cli
