// Trials as rows, for the verbs that list them.
#pragma once

#include <vector>

#include "athanor/v1/study.pb.h"
#include "client/cli/output.h"
#include "client/cli/table.h"

namespace athanor::cli {

// One row a trial in the order given. `study` tells metric and rungs. Ids are the numbers.
Answer TrialsAnswer(const std::vector<v1::Trial>& trials, const v1::Study& study, const Look& look);

}  // namespace athanor::cli
