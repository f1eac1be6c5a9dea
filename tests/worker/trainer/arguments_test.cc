#include "worker/trainer/commands/arguments.h"

#include <gtest/gtest.h>

namespace athanor {
namespace {

TEST(Arguments, GivesWhatWasGivenElseTheDefault) {
  const Arguments arguments({"--out", "a.csv", "--device", "cuda:1"}, {"out", "device", "format"});
  EXPECT_EQ(arguments.Required("out"), "a.csv");
  EXPECT_EQ(arguments.Or("device", "cpu"), "cuda:1");
  EXPECT_EQ(arguments.Or("format", "weights"), "weights");
}

TEST(Arguments, RefusesWhatItDoesNotKnow) {
  EXPECT_THROW(Arguments({"--colour", "red"}, {"out"}), UsageError);
  EXPECT_THROW(Arguments({"out", "a"}, {"out"}), UsageError);
  EXPECT_THROW(Arguments({"--out"}, {"out"}), UsageError);
  EXPECT_THROW(Arguments({"--out", "a", "--out", "b"}, {"out"}), UsageError);
  EXPECT_THROW(Arguments({}, {"out"}).Required("out"), UsageError);
}

}  // namespace
}  // namespace athanor
