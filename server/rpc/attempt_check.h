// Who may leave what is no fact, logs and artifacts: any attempt of the trial, live or ended.
#pragma once

#include <functional>

#include "absl/status/status.h"
#include "server/coordinator/worker_table.h"
#include "server/rpc/service_context.h"

namespace athanor {

// Answers OK if the token is that of an attempt of the trial, live or ended: an attempt's last words may come when the
// trial runs again already. FAILED_PRECONDITION if it never was one, or the study is gone. `done` runs on the owner
// thread or on the pool of reads. Does not block; the database is read only for a lease that is not live.
void CheckAttempt(ServiceContext& context, const LeaseRef& lease, std::function<void(absl::Status)> done);

}  // namespace athanor
