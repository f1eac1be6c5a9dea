// A lease as a key of maps: this worker holds this trial under this token.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "athanor/v1/worker_service.pb.h"

namespace athanor::session {

struct LeaseKey {
  int64_t study_id = 0;
  int64_t trial_number = 0;
  int64_t token = 0;

  LeaseKey() = default;
  LeaseKey(int64_t study, int64_t trial, int64_t lease_token)
      : study_id(study), trial_number(trial), token(lease_token) {}
  explicit LeaseKey(const v1::LeaseRef& ref) : LeaseKey(ref.study_id(), ref.trial_number(), ref.token()) {}

  v1::LeaseRef ToProto() const {
    v1::LeaseRef ref;
    ref.set_study_id(study_id);
    ref.set_trial_number(trial_number);
    ref.set_token(token);
    return ref;
  }
  // "3-17-101": names the trial to the trainer, its folder and its log.
  std::string ToString() const {
    return std::to_string(study_id) + "-" + std::to_string(trial_number) + "-" + std::to_string(token);
  }
  auto operator<=>(const LeaseKey&) const = default;
};

}  // namespace athanor::session
