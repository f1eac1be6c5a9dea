#include "server/rpc/attempt_check.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace athanor {
namespace {

// `dead` says what a lease that never was one is told.
void CheckStored(ServiceContext& context, const LeaseRef& lease, const absl::Status& dead,
                 const std::function<void(absl::Status)>& done) {
  const absl::Status posted = context.reads.Post([&context, lease, dead, done] {
    const absl::StatusOr<std::vector<Attempt>> attempts = context.store.ReadAttempts(lease.study, lease.trial);
    if (!attempts.ok()) return done(absl::IsNotFound(attempts.status()) ? dead : attempts.status());
    const bool was = std::ranges::find(*attempts, lease.token, &Attempt::token) != attempts->end();
    done(was ? absl::OkStatus() : dead);
  });
  if (!posted.ok()) done(posted);
}

}  // namespace

void CheckAttempt(ServiceContext& context, const LeaseRef& lease, std::function<void(absl::Status)> done) {
  const absl::Status posted = context.owner.Post([&context, lease, done](Transaction&) -> Owner::Reply {
    const absl::Status live = context.coordinator.state().FindLease(lease).status();
    return [&context, lease, done, live](const absl::Status& commit) {
      if (!commit.ok()) return done(commit);
      if (absl::IsFailedPrecondition(live)) return CheckStored(context, lease, live, done);
      done(live);
    };
  });
  if (!posted.ok()) done(posted);
}

}  // namespace athanor
