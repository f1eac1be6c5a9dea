#include "server/store/memory_tables.h"

#include <algorithm>
#include <memory>
#include <variant>

#include "base/status.h"

namespace athanor::memory {

namespace {

// `place` stays where it is: an element of a map, or a member of one.
template <typename T>
void Assign(T& place, T value, UndoLog& undo) {
  undo.push_back([&place, old = std::make_shared<T>(std::move(place))] { place = std::move(*old); });
  place = std::move(value);
}

// Inserts or replaces.
template <typename Map>
void Put(Map& map, const typename Map::key_type& key, typename Map::mapped_type value, UndoLog& undo) {
  const auto found = map.find(key);
  if (found != map.end()) return Assign(found->second, std::move(value), undo);
  map.emplace(key, std::move(value));
  undo.push_back([&map, key] { map.erase(key); });
}

template <typename Map>
void Remove(Map& map, const typename Map::key_type& key, UndoLog& undo) {
  auto node = std::make_shared<typename Map::node_type>(map.extract(key));
  if (!node->empty()) undo.push_back([&map, node] { map.insert(std::move(*node)); });
}

struct Applier {
  Tables& tables;
  UndoLog& undo;

  absl::StatusOr<StudyRow*> Study(StudyId id) const {
    const auto found = tables.studies.find(id);
    if (found == tables.studies.end()) return absl::NotFoundError("no such study");
    return &found->second;
  }

  absl::StatusOr<TrialRow*> TrialOf(StudyId study, TrialNumber number) const {
    ATHANOR_ASSIGN_OR_RETURN(StudyRow * row, Study(study));
    const auto found = row->trials.find(number);
    if (found == row->trials.end()) return absl::NotFoundError("no such trial");
    return &found->second;
  }

  absl::StatusOr<AttemptRow*> AttemptOf(StudyId study, TrialNumber number, Token token) const {
    ATHANOR_ASSIGN_OR_RETURN(TrialRow * row, TrialOf(study, number));
    const auto found = row->attempts.find(token);
    if (found == row->attempts.end()) return absl::NotFoundError("no such attempt");
    return &found->second;
  }

  absl::Status operator()(const PutStudy& c) const {
    const StudyRecord& study = *c.study;
    const auto found = tables.studies.find(study.id);
    if (found == tables.studies.end()) return Insert(study);
    StudyRecord record = found->second.record;
    record.spec.priority = study.spec.priority;
    record.spec.budget = study.spec.budget;
    record.state = study.state;
    record.reason = study.reason;
    record.created = study.created;
    record.ended = study.ended;
    record.active_ms = study.active_ms;
    record.revision = study.revision;
    Assign(found->second.record, std::move(record), undo);
    return absl::OkStatus();
  }

  absl::Status Insert(const StudyRecord& study) const {
    if (study.id <= tables.highest.study) return absl::NotFoundError("it is gone, and its id is never used again");
    if (tables.study_names.count(study.spec.name) > 0) return absl::AlreadyExistsError("a study has this name");
    StudyRow row;
    row.record = study;
    Put(tables.studies, study.id, std::move(row), undo);
    Put(tables.study_names, study.spec.name, study.id, undo);
    Assign(tables.highest.study, study.id, undo);
    return absl::OkStatus();
  }

  absl::Status operator()(const DeleteStudy& c) const {
    const auto found = tables.studies.find(c.study);
    if (found == tables.studies.end()) return absl::OkStatus();
    for (const auto& [number, trial] : found->second.trials) {
      for (const auto& [token, attempt] : trial.attempts) Remove(tables.tokens, token, undo);
    }
    Remove(tables.study_names, found->second.record.spec.name, undo);
    Remove(tables.studies, c.study, undo);
    return absl::OkStatus();
  }

  absl::Status operator()(const InsertTrial& c) const {
    ATHANOR_ASSIGN_OR_RETURN(StudyRow * study, Study(c.study));
    if (study->trials.count(c.trial.number) > 0) return absl::AlreadyExistsError("the trial exists");
    TrialRow row;
    row.trial = c.trial;
    Put(study->trials, c.trial.number, std::move(row), undo);
    return absl::OkStatus();
  }

  absl::Status operator()(const UpdateTrial& c) const {
    ATHANOR_ASSIGN_OR_RETURN(TrialRow * row, TrialOf(c.study, c.trial.number));
    TrialStatus& status = row->trial;
    Assign(status, c.trial, undo);
    return absl::OkStatus();
  }

  absl::Status operator()(const InsertAttempt& c) const {
    ATHANOR_ASSIGN_OR_RETURN(TrialRow * trial, TrialOf(c.study, c.attempt.trial));
    const Token token = c.attempt.token;
    if (tables.tokens.count(token) > 0) return absl::AlreadyExistsError("an attempt has this token");
    AttemptRow row;
    row.attempt = c.attempt;
    Put(trial->attempts, token, std::move(row), undo);
    Put(tables.tokens, token, std::pair(c.study, c.attempt.trial), undo);
    Assign(tables.highest.token, std::max(tables.highest.token, token), undo);
    return absl::OkStatus();
  }

  absl::Status operator()(const UpdateAttempt& c) const {
    ATHANOR_ASSIGN_OR_RETURN(AttemptRow * row, AttemptOf(c.study, c.attempt.trial, c.attempt.token));
    Attempt attempt = c.attempt;
    attempt.worker = row->attempt.worker;
    attempt.started = row->attempt.started;
    attempt.acquire_sequence = row->attempt.acquire_sequence;
    Assign(row->attempt, std::move(attempt), undo);
    return absl::OkStatus();
  }

  absl::Status operator()(const AddMeasurement& c) const {
    ATHANOR_ASSIGN_OR_RETURN(AttemptRow * row, AttemptOf(c.study, c.trial, c.token));
    for (const Metric& metric : c.measurement.metrics) {
      auto& curve = row->metrics[metric.name];  // an empty curve that stays after an undo is no fact
      if (curve.count(c.measurement.step) > 0) return absl::AlreadyExistsError("the attempt reported this step");
      Put(curve, c.measurement.step, MetricRow{metric.value, c.measurement.elapsed_ms}, undo);
    }
    return absl::OkStatus();
  }

  absl::Status operator()(const ArchiveMeasurements& c) const {
    ATHANOR_ASSIGN_OR_RETURN(TrialRow * row, TrialOf(c.study, c.trial));
    for (auto& [token, attempt] : row->attempts) {
      if (token == c.by) continue;
      Assign(attempt.archived_after, std::optional(std::min(attempt.archived_after.value_or(c.step), c.step)), undo);
    }
    return absl::OkStatus();
  }

  absl::Status operator()(const PutRungEntry& c) const {
    ATHANOR_RETURN_IF_ERROR(TrialOf(c.study, c.entry.trial).status());
    Put(tables.studies.at(c.study).rung_entries, {c.entry.bracket, c.entry.rung, c.entry.trial}, c.entry, undo);
    return absl::OkStatus();
  }

  absl::Status operator()(const AddDecision& c) const {
    ATHANOR_RETURN_IF_ERROR(TrialOf(c.study, c.decision.trial).status());
    auto& decisions = tables.studies.at(c.study).decisions;
    const auto added = decisions.emplace(c.decision.revision, c.decision);
    undo.push_back([&decisions, added] { decisions.erase(added); });
    return absl::OkStatus();
  }

  absl::Status operator()(const AddCheckpoint& c) const {
    ATHANOR_RETURN_IF_ERROR(TrialOf(c.study, c.checkpoint.trial).status());
    Put(tables.studies.at(c.study).checkpoints, {c.checkpoint.trial, c.checkpoint.step, c.checkpoint.token},
        c.checkpoint, undo);
    return absl::OkStatus();
  }

  absl::Status operator()(const RemoveCheckpoint& c) const {
    const auto found = tables.studies.find(c.study);
    if (found == tables.studies.end()) return absl::OkStatus();
    Remove(found->second.checkpoints, {c.checkpoint.trial, c.checkpoint.step, c.checkpoint.token}, undo);
    return absl::OkStatus();
  }

  absl::Status operator()(const PutFinalMetrics& c) const {
    ATHANOR_ASSIGN_OR_RETURN(TrialRow * row, TrialOf(c.study, c.trial));
    Assign(row->final_metrics, c.metrics, undo);
    return absl::OkStatus();
  }

  absl::Status operator()(const PushEnqueued& c) const {
    ATHANOR_ASSIGN_OR_RETURN(StudyRow * study, Study(c.study));
    const int64_t id = c.configuration.id;
    if (study->enqueued.count(id) > 0) return absl::AlreadyExistsError("the id is queued");
    Put(study->enqueued, id, c.configuration, undo);
    Assign(study->last_enqueued_id, std::max(study->last_enqueued_id, id), undo);
    return absl::OkStatus();
  }

  absl::Status operator()(const PopEnqueued& c) const {
    const auto found = tables.studies.find(c.study);
    if (found != tables.studies.end()) Remove(found->second.enqueued, c.id, undo);
    return absl::OkStatus();
  }

  absl::Status operator()(const AddPriorTrial& c) const {
    ATHANOR_ASSIGN_OR_RETURN(StudyRow * study, Study(c.study));
    if (study->prior.count(c.position) > 0) return absl::AlreadyExistsError("the position is taken");
    Put(study->prior, c.position, c.trial, undo);
    return absl::OkStatus();
  }

  absl::Status operator()(const PutWorker& c) const {
    Put(tables.workers, c.worker->name, *c.worker, undo);
    return absl::OkStatus();
  }

  absl::Status operator()(const PutRequest& c) const {
    Put(tables.requests, c.request.id, c.request, undo);
    return absl::OkStatus();
  }

  absl::Status operator()(const ForgetRequests& c) const {
    std::vector<std::string> old;
    for (const auto& [id, request] : tables.requests) {
      if (request.at < c.before) old.push_back(id);
    }
    for (const std::string& id : old) Remove(tables.requests, id, undo);
    return absl::OkStatus();
  }
};

}  // namespace

absl::Status Apply(const Change& change, Tables& tables, UndoLog& undo) {
  return std::visit(Applier{tables, undo}, change);
}

}  // namespace athanor::memory
