#include "server/store/refusing_store.h"

#include "absl/strings/str_cat.h"

namespace athanor {

void RefusingStore::Refuse(const absl::Status& why) {
  const MutexLock lock(mutex_);
  if (!refusal_.ok()) return;
  refusal_ = absl::DataLossError(absl::StrCat(why.message(), "; nothing is written to it any more"));
}

absl::Status RefusingStore::Commit(const ChangeBatch& batch) {
  {
    const MutexLock lock(mutex_);
    if (!refusal_.ok()) return refusal_;
  }
  absl::Status status = store_->Commit(batch);
  if (absl::IsDataLoss(status)) Refuse(status);
  return status;
}

}  // namespace athanor
