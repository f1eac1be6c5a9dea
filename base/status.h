// Shorthand for code that passes absl::Status and absl::StatusOr upward.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns the status from the enclosing function unless it is OK.
#define ATHANOR_RETURN_IF_ERROR(expression)                                                         \
  do {                                                                                              \
    if (absl::Status athanor_status_ = (expression); !athanor_status_.ok()) return athanor_status_; \
  } while (false)

// ATHANOR_ASSIGN_OR_RETURN(auto value, Compute()): binds the value, or returns the status.
#define ATHANOR_ASSIGN_OR_RETURN(left, expression) \
  ATHANOR_ASSIGN_OR_RETURN_(ATHANOR_CONCATENATE_(athanor_result_, __LINE__), left, expression)
#define ATHANOR_ASSIGN_OR_RETURN_(result, left, expression) \
  auto result = (expression);                               \
  if (!result.ok()) return std::move(result).status();      \
  left = *std::move(result)
#define ATHANOR_CONCATENATE_(a, b) ATHANOR_CONCATENATE_IMPL_(a, b)
#define ATHANOR_CONCATENATE_IMPL_(a, b) a##b
