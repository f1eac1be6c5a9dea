#include "base/yaml_reader.h"

#include <cmath>
#include <limits>
#include <string>

#include "base/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace athanor {
namespace {

using ::testing::HasSubstr;

YamlDocument ParseOrDie(std::string_view text) {
  auto document = YamlDocument::Parse(text, "f.yaml");
  EXPECT_TRUE(document.ok()) << document.status();
  return *document;
}

std::string Message(const absl::Status& status) { return std::string(status.message()); }

YamlNode Entry(const YamlDocument& document, std::string_view key) {
  auto reader = YamlMapReader::Open(document.root());
  return *reader->Require(key);
}

TEST(YamlReaderTest, ScalarFollowsTheCoreSchema) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const struct {
    const char* text;
    Value want;
  } kCases[] = {
      {"true", true},
      {"False", false},
      {"yes", std::string("yes")},
      {"0", int64_t{0}},
      {"-17", int64_t{-17}},
      {"+5", int64_t{5}},
      {"010", int64_t{10}},
      {"0x1F", int64_t{31}},
      {"0o17", int64_t{15}},
      {"0o18", std::string("0o18")},
      {"9223372036854775807", std::numeric_limits<int64_t>::max()},
      {"-9223372036854775808", std::numeric_limits<int64_t>::min()},
      {"1.0", 1.0},
      {"1e-4", 1e-4},
      {".5", 0.5},
      {"5.", 5.0},
      {"+1E3", 1000.0},
      {".inf", kInfinity},
      {"-.INF", -kInfinity},
      {"1e", std::string("1e")},
      {".", std::string(".")},
      {"1_000", std::string("1_000")},
      {"10s", std::string("10s")},
      {"'1'", std::string("1")},
      {"\"true\"", std::string("true")},
      {"\"\\u00e9\"", std::string("\xC3\xA9")},
      {"two words", std::string("two words")},
  };
  for (const auto& test : kCases) {
    const auto value = ParseOrDie(test.text).root().Scalar();
    ASSERT_TRUE(value.ok()) << test.text << ": " << value.status();
    EXPECT_EQ(*value, test.want) << test.text;
  }
  EXPECT_TRUE(std::isnan(std::get<double>(*ParseOrDie(".nan").root().Scalar())));
}

TEST(YamlReaderTest, WrongTypeIsRefusedWithLinePathAndValue) {
  const YamlDocument document =
      ParseOrDie("a: 1\nb: {c: abc}\nd:\n  - x\n  - 2.5\ne:\nf: 99999999999999999999\ng: 1e999\n");
  const YamlNode c = *YamlMapReader::Open(Entry(document, "b"))->Require("c");
  const YamlNode d1 = (*Entry(document, "d").List())[1];
  EXPECT_EQ(Message(c.Int().status()), "f.yaml:2: b.c: found string \"abc\"; want an int");
  EXPECT_EQ(Message(c.Float().status()), "f.yaml:2: b.c: found string \"abc\"; want a float");
  EXPECT_EQ(Message(c.Bool().status()), "f.yaml:2: b.c: found string \"abc\"; want true or false");
  EXPECT_EQ(Message(c.DurationMs().status()),
            "f.yaml:2: b.c: found string \"abc\"; want a duration such as 250ms, 10s, 5m, 2h or 7d");
  EXPECT_EQ(Message(d1.String().status()), "f.yaml:5: d[1]: found float 2.5; want a string (put it in quotes)");
  EXPECT_EQ(Message(d1.Int().status()), "f.yaml:5: d[1]: found float 2.5; want an int");
  EXPECT_EQ(Message(Entry(document, "b").Int().status()), "f.yaml:2: b: found a map; want an int");
  EXPECT_EQ(Message(Entry(document, "d").Map().status()), "f.yaml:3: d: found a list; want a map");
  EXPECT_EQ(Message(Entry(document, "e").String().status()), "f.yaml:6: e: found nothing; want a string");
  EXPECT_EQ(Message(Entry(document, "a").List().status()), "f.yaml:1: a: found int 1; want a list");
  EXPECT_EQ(Message(Entry(document, "f").Int().status()),
            "f.yaml:7: f: number 99999999999999999999 is out of range; want an int from -9223372036854775808 to "
            "9223372036854775807");
  EXPECT_EQ(Message(Entry(document, "g").Float().status()),
            "f.yaml:8: g: number 1e999 is out of range; want a float from 2.2e-308 to 1.8e308 in size, or .inf");
}

TEST(YamlReaderTest, IntIsAcceptedAsFloatAndNothingElseIsConverted) {
  const YamlDocument document = ParseOrDie("i: 3\nf: 3.0\ns: '3'\n");
  EXPECT_EQ(*Entry(document, "i").Float(), 3.0);
  EXPECT_FALSE(Entry(document, "f").Int().ok());
  EXPECT_FALSE(Entry(document, "s").Int().ok());
  EXPECT_FALSE(Entry(document, "i").String().ok());
  EXPECT_EQ(*Entry(document, "s").String(), "3");
}

TEST(YamlReaderTest, DurationTakesOneWholeNumberOfOneUnit) {
  const struct {
    const char* text;
    int64_t want;  // -1 = refused
  } kCases[] = {{"250ms", 250},       {"10s", 10'000},     {"5m", 300'000},
                {"2h", 7'200'000},    {"7d", 604'800'000}, {"0", 0},
                {"'0'", 0},           {"10", -1},          {"1.5h", -1},
                {"1h30m", -1},        {"-5s", -1},         {"s", -1},
                {"5 m", -1},          {"''", -1},          {"106751991167d", 9'223'372'036'828'800'000},
                {"106751991168d", -1}};
  for (const auto& test : kCases) {
    const auto duration = ParseOrDie(test.text).root().DurationMs();
    EXPECT_EQ(duration.value_or(-1), test.want) << test.text;
  }
}

TEST(YamlReaderTest, BadDocumentIsRefusedWithFileAndLine) {
  const struct {
    std::string text;
    const char* want;
  } kCases[] = {
      {"a: 1\nb: 2\na: 3\n", "f.yaml:3: duplicate key \"a\""},
      {"p:\n  x: {q: 1, q: 2}\n", "f.yaml:2: duplicate key \"q\""},
      {"{\"a\": 1,\n \"a\": 2}", "f.yaml:2: duplicate key \"a\""},
      {"a: &x 1\n", "f.yaml:1: anchors (&name) are not supported"},
      {"a: &x 1\nb: *x\n", "f.yaml:1: anchors (&name) are not supported"},
      {"a: 1\n---\nb: 2\n", "f.yaml:2: a second document starts here; want one document in a file"},
      {"a: !!int 1\n", "f.yaml:1: the tag tag:yaml.org,2002:int is not supported"},
      {"[1, 2]: 3\n", "f.yaml:1: a map or a list cannot be a key; want a word"},
      {"a: {b: 1\n", "f.yaml:2: not valid YAML: end of map flow not found"},
      {"a: 1\n b: 2\n", "f.yaml:2: not valid YAML: "},
      {std::string("a: 1\nb: \x04 2\n"), "f.yaml:2: byte 0x04 cannot stand here; want UTF-8 text"},
      {"a: 1\nb: \xFF\n", "f.yaml:2: byte 0xff cannot stand here; want UTF-8 text"},
      {"a: \xC0\x80\n", "f.yaml:1: byte 0xc0 cannot stand here; want UTF-8 text"},
      {"a: \xED\xA0\x80\n", "f.yaml:1: byte 0xed cannot stand here; want UTF-8 text"},
  };
  for (const auto& test : kCases) {
    const auto document = YamlDocument::Parse(test.text, "f.yaml");
    ASSERT_FALSE(document.ok()) << test.text;
    EXPECT_EQ(document.status().code(), absl::StatusCode::kInvalidArgument) << test.text;
    EXPECT_THAT(Message(document.status()), HasSubstr(test.want)) << test.text;
  }
}

TEST(YamlReaderTest, SizeAndDepthAreBounded) {
  const std::string long_text = "a: " + std::string(1 << 20, 'x');
  EXPECT_EQ(YamlDocument::Parse(long_text, "f.yaml").status().code(), absl::StatusCode::kResourceExhausted);
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(YamlDocument::Parse(nested(64), "f.yaml").ok());
  const absl::Status too_deep = YamlDocument::Parse(nested(65), "f.yaml").status();
  EXPECT_EQ(too_deep.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Message(too_deep), "f.yaml:1: nested deeper than 64 levels");
  EXPECT_FALSE(YamlDocument::Parse(nested(100'000), "f.yaml").ok());
}

TEST(YamlReaderTest, LineOfFindsTheDeepestExistingPrefix) {
  const YamlDocument document = ParseOrDie(
      "name: x\n"
      "parameters:\n"
      "  lr:\n"
      "    min: 1\n"
      "  a.b: {max: 2}\n"
      "  list:\n"
      "    - 1\n"
      "    - 2\n"
      "    - {k: 1,\n"
      "       l: 2}\n");
  const struct {
    const char* path;
    int line;
  } kCases[] = {{"", 1},
                {"nothing.here", 1},
                {"parameters", 2},
                {"parameters.lr.min", 4},
                {"parameters.lr.max", 3},
                {"parameters.lrx.min", 2},
                {"parameters.a.b.max", 5},
                {"parameters.list[1]", 8},
                {"parameters.list[2].l", 10},
                {"parameters.list[7]", 6}};
  for (const auto& test : kCases) EXPECT_EQ(document.LineOf(test.path), test.line) << test.path;
  EXPECT_EQ(Message(document.Error("parameters.lr.max", "3 is odd")), "f.yaml:3: parameters.lr.max: 3 is odd");
}

TEST(YamlReaderTest, MapReaderRefusesWhatNobodyAskedFor) {
  const YamlDocument close = ParseOrDie("name: x\nserch: {}\n");
  auto reader = *YamlMapReader::Open(close.root());
  EXPECT_EQ(*reader.Find("name")->String(), "x");
  EXPECT_EQ(reader.Find("search"), nullptr);
  EXPECT_EQ(Message(reader.Finish()), "f.yaml:2: serch: unknown key; did you mean \"search\"?");
  EXPECT_EQ(Message(reader.Require("objective").status()), "f.yaml:1: the key \"objective\" is missing");

  const YamlDocument far = ParseOrDie("m:\n  name: x\n  zebra: 1\n");
  auto inner = *YamlMapReader::Open(Entry(far, "m"));
  inner.Find("name");
  inner.Find("search");
  EXPECT_EQ(Message(inner.Finish()), "f.yaml:3: m.zebra: unknown key; want one of name, search");
  inner.Find("zebra");
  EXPECT_TRUE(inner.Finish().ok());
}

TEST(YamlReaderTest, JsonIsYaml) {
  const YamlDocument document = ParseOrDie("{\n\t\"a\": [1, 2.5, \"x\\n\", true, null],\n\t\"b\": {\"c\":-1E2}\n}\n");
  const auto items = *Entry(document, "a").List();
  ASSERT_EQ(items.size(), 5u);
  EXPECT_EQ(*items[0].Int(), 1);
  EXPECT_EQ(*items[1].Float(), 2.5);
  EXPECT_EQ(*items[2].String(), "x\n");
  EXPECT_EQ(*items[3].Bool(), true);
  EXPECT_EQ(items[4].Describe(), "nothing");
  EXPECT_EQ(*YamlMapReader::Open(Entry(document, "b"))->Require("c")->Float(), -100.0);
}

TEST(YamlReaderTest, MessagesStayOnOneLineAndShort) {
  const YamlDocument document = ParseOrDie("a: \"x\\n" + std::string(200, 'y') + "\"\n");
  const std::string message = Message(Entry(document, "a").Int().status());
  EXPECT_EQ(message, "f.yaml:1: a: found string \"x\\n" + std::string(58, 'y') + "...\"; want an int");
}

// Damaged study files end in a document or an error, never in a crash. Each round flips, drops or repeats bytes of a
// good file.
TEST(YamlReaderTest, DamagedTextNeverCrashes) {
  const std::string good =
      "name: x\nparameters:\n  lr: {type: float, min: 1e-4, max: 1.0}\n  c: {values: [1, '2', true]}\nlabels: {a: "
      "\"b\"}\n";
  Random random(7);
  int parsed = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string text = good;
    for (uint64_t edits = 1 + random.Below(4); edits > 0 && !text.empty(); --edits) {
      const size_t at = random.Below(text.size());
      switch (random.Below(3)) {
        case 0:
          text[at] = static_cast<char>(random.Below(256));
          break;
        case 1:
          text.erase(at, 1 + random.Below(8));
          break;
        default:
          text.insert(at, text.substr(random.Below(text.size()), random.Below(12)));
      }
    }
    const auto document = YamlDocument::Parse(text, "f.yaml");
    if (!document.ok()) {
      EXPECT_EQ(document.status().message().find('\n'), std::string::npos) << document.status();
      continue;
    }
    ++parsed;
    EXPECT_GE(document->LineOf("parameters.lr.min"), 1);
  }
  EXPECT_GT(parsed, 100);
}

}  // namespace
}  // namespace athanor
