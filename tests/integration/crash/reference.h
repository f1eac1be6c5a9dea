// The history of calls, undisturbed: what a coordinator that dies in between is compared with.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/integration/crash/faulty_server.h"
#include "tests/integration/crash/wire.h"

namespace athanor {

struct Reference {
  std::vector<Call> calls;
  // Of each call: its answer, and how often it passes each point.
  std::vector<std::string> answers;
  std::vector<std::map<std::string, int>> passings;
  // What is stored and what is served before the first call and after each.
  std::vector<std::string> stored;
  std::vector<std::string> served;

  // The most passings of a point in one call.
  int MostPassings(const std::string& point) const;
};

// Runs the history in `folder`, which then holds its end. Fails the test if a call is not answered OK.
Reference RunUndisturbed(const Folder& folder);

// Waits until every call that was answered has done all it does: the owner goes on after an answer has left, and
// checkpoint files are deleted off the path of a call. Fails the test if files and rows never agree.
void Settle(const Folder& folder, Wire& wire);

}  // namespace athanor
