// Whether a worker offers what the trials of a study need. SEMANTICS section 5.
#pragma once

#include "server/core/study_spec.h"
#include "server/store/store.h"

namespace athanor {

// True if the worker advertises the devices and labels that the study requires and, where it lists its data sets and
// the study trains on one that is looked for by name (no `data_dir`), that one; any of them if `dataset` is tuned.
// Device "any" is met by every worker. Slots that are taken do not count.
bool Meets(const WorkerRecord& worker, const StudySpec& spec);

}  // namespace athanor
