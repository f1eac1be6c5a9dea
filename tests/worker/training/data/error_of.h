// The message of the error that an action ends with.
#pragma once

#include <string>

namespace athanor::training {

// "no error" if it returns; other errors pass.
template <typename Error, typename Action>
std::string ErrorOf(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace athanor::training
