#include "server/coordinator/suggestions.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace athanor {

bool Suggestions::MustWait(const LiveStudy& study) const {
  if (!IsPooled(study)) return false;
  const std::optional<SuggestionRequest> request = study.NextSuggestion();
  if (!request.has_value()) return false;
  const auto slot = slots_.find(study.id());
  return slot == slots_.end() || !slot->second.answer.has_value() || slot->second.request != *request;
}

bool Suggestions::IsUnderWay(const LiveStudy& study) const {
  const auto slot = slots_.find(study.id());
  return slot != slots_.end() && !slot->second.answer.has_value();
}

void Suggestions::Want(const LiveStudy& study) {
  if (IsPooled(study)) wanted_.insert(study.id());
}

std::optional<Configuration> Suggestions::Take(const LiveStudy& study) {
  if (!IsPooled(study) || MustWait(study) || !study.NextSuggestion().has_value()) return std::nullopt;
  return std::move(slots_.extract(study.id()).mapped().answer);
}

void Suggestions::Collect() {
  std::vector<Arrival> arrivals;
  {
    const MutexLock lock(mailbox_->mutex);
    arrivals.swap(mailbox_->arrivals);
  }
  for (Arrival& arrival : arrivals) {
    const auto slot = slots_.find(arrival.study);
    if (slot == slots_.end() || slot->second.ticket != arrival.ticket) continue;
    const auto study = state_.studies.find(arrival.study);
    if (study == state_.studies.end() || study->second->NextSuggestion() != slot->second.request) {
      slots_.erase(slot);
    } else {
      slot->second.answer = std::move(arrival.answer);
    }
  }
}

void Suggestions::Start(Transaction& tx) {
  DropEnded(tx.touched_studies);
  if (wanted_.empty()) return;
  // After the other replies: nobody waits for the pass over the trials.
  tx.replies.push_back([this, wanted = std::exchange(wanted_, {})](const absl::Status& commit) {
    if (!commit.ok()) return;  // those who still wait ask again in the next group
    for (const StudyId id : wanted) StartOne(id);
  });
}

// An answer that nobody will ask for. What is under way stays, so that a study that goes on does not have two.
void Suggestions::DropEnded(const boost::container::flat_set<StudyId>& touched) {
  for (const StudyId id : touched) {
    const auto slot = slots_.find(id);
    if (slot == slots_.end()) continue;
    const auto study = state_.studies.find(id);
    if (study == state_.studies.end() ||
        (IsFinished(study->second->record().state) && slot->second.answer.has_value())) {
      slots_.erase(slot);
    }
  }
}

void Suggestions::StartOne(StudyId id) {
  const auto found = state_.studies.find(id);
  if (found == state_.studies.end() || IsFinished(found->second->record().state)) return;
  const LiveStudy& study = *found->second;
  if (!MustWait(study) || IsUnderWay(study)) return;
  const SuggestionRequest request = *study.NextSuggestion();
  const uint64_t ticket = next_ticket_++;
  slots_[id] = {ticket, request, std::nullopt};
  spdlog::debug("study {}: suggestion {} is computed from revision {}", id, request.index, study.record().revision);
  pool_->run([id, ticket, work = study.PrepareSuggestion(request), mailbox = mailbox_, wake = pool_->wake] {
    Configuration answer = work();
    {
      const MutexLock lock(mailbox->mutex);
      mailbox->arrivals.push_back({id, ticket, std::move(answer)});
    }
    wake();
  });
}

void Suggestions::Forget(const boost::container::flat_set<StudyId>& studies) {
  for (const StudyId id : studies) slots_.erase(id);
}

}  // namespace athanor
