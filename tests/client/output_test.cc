#include "client/cli/output.h"

#include <limits>
#include <sstream>

#include "gtest/gtest.h"

namespace athanor::cli {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Json Example() {
  return {{"name", "a b"},
          {"value", kNan},
          {"nested", {{"low", -kInfinity}, {"high", kInfinity}}},
          {"list", {1, 2.5, "yes"}},
          {"none", nullptr},
          {"empty", Json::object()},
          {"ok", true}};
}

TEST(OutputTest, JsonKeepsOrderAndNamesNonFiniteNumbers) {
  EXPECT_EQ(ToJsonLine(Example()),
            "{\"name\":\"a b\",\"value\":\"NaN\",\"nested\":{\"low\":\"-Infinity\",\"high\":\"Infinity\"},"
            "\"list\":[1,2.5,\"yes\"],\"none\":null,\"empty\":{},\"ok\":true}\n");
  EXPECT_EQ(ToJsonText({{"x", 0.1}}), "{\n  \"x\": 0.1\n}\n");
  EXPECT_EQ(ToJsonText(Json::array()), "[]\n");
  EXPECT_EQ(ToJsonLine("\xFF"), "\"\xEF\xBF\xBD\"\n");  // not UTF-8
}

TEST(OutputTest, YamlIsBlockStyleAndKeepsTypes) {
  EXPECT_EQ(ToYamlText(Example()),
            "name: \"a b\"\n"
            "value: .nan\n"
            "nested:\n"
            "  low: -.inf\n"
            "  high: .inf\n"
            "list:\n"
            "  - 1\n"
            "  - 2.5\n"
            "  - \"yes\"\n"
            "none: null\n"
            "empty: {}\n"
            "ok: true\n");
  EXPECT_EQ(ToYamlText({{{"a", 1}, {"b", {{"c", "1"}}}}, {{"a", 1.0}}}),
            "- a: 1\n"
            "  b:\n"
            "    c: \"1\"\n"
            "- a: 1.0\n");
  EXPECT_EQ(ToYamlText(Json::array()), "[]\n");
}

TEST(OutputTest, CsvFlattensQuotesAndUnitesColumns) {
  EXPECT_EQ(ToCsvText({{{"n", 1}, {"p", {{"lr", 0.5}}}, {"text", "a,\"b\""}},
                       {{"n", 2}, {"p", {{"m", kNan}}}, {"l", {1, 2}}}}),
            "n,p.lr,text,p.m,l\r\n"
            "1,0.5,\"a,\"\"b\"\"\",,\r\n"
            "2,,,nan,\"[1,2]\"\r\n");
  EXPECT_EQ(ToCsvText(Json::array()), "");
  EXPECT_EQ(ToCsvText({{"x", -kInfinity}, {"y", nullptr}}), "x,y\r\n-inf,\r\n");
}

TEST(OutputTest, QuietPrintsIdsWhateverTheFormat) {
  std::ostringstream out;
  EXPECT_TRUE(Print({.data = {{"x", 1}}, .text = "text\n", .ids = {"3", "5"}}, OutputFormat::kJson, true, out));
  EXPECT_EQ(out.str(), "3\n5\n");
}

TEST(OutputTest, PrintTellsOfAStreamThatFailed) {
  std::ostringstream out;
  out.setstate(std::ios::badbit);
  EXPECT_FALSE(Print({.data = {}, .text = "text\n", .ids = {}}, OutputFormat::kTable, false, out));
}

}  // namespace
}  // namespace athanor::cli
