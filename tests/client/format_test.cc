#include "client/cli/format.h"

#include <limits>
#include <vector>

#include "client/cli/bars.h"
#include "client/cli/table.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace athanor::cli {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr Look kPlain = {.charset = Charset::kUtf8, .colour = Colour::kNever};

TEST(FormatTest, NumbersHaveSensibleDigits) {
  const struct {
    double value;
    const char* number;
    const char* metric;
  } kCases[] = {{0, "0", "0.0000"},
                {64, "64", "64.0000"},
                {0.0123456, "0.01235", "0.0123"},
                {1.2e-5, "1.2e-05", "1.2e-05"},
                {123456, "123456", "123456"},
                {0.1, "0.1", "0.1000"},
                {-0.5, "-0.5", "-0.5000"},
                {kNan, "nan", "nan"},
                {kInfinity, "inf", "inf"},
                {-kInfinity, "-inf", "-inf"},
                {1e300, "1e+300", "1e+300"}};
  for (const auto& test : kCases) {
    EXPECT_EQ(FormatNumber(test.value), test.number);
    EXPECT_EQ(FormatMetric(test.value), test.metric);
  }
}

TEST(FormatTest, DurationsAreReadable) {
  const struct {
    int64_t milliseconds;
    const char* want;
  } kCases[] = {{0, "0ms"},           {850, "850ms"},        {4299, "4.2s"},         {42'000, "42s"},
                {59'999, "59s"},      {60'000, "1m00s"},     {151'000, "2m31s"},     {3'600'000, "1h00m"},
                {7'500'000, "2h05m"}, {86'400'000, "1d00h"}, {273'600'000, "3d04h"}, {-1000, "-1.0s"}};
  for (const auto& test : kCases) EXPECT_EQ(FormatDuration(test.milliseconds), test.want);
  EXPECT_EQ(FormatAge(0, 5000), "-");
  EXPECT_EQ(FormatAge(1000, 62'000), "1m01s ago");
  EXPECT_EQ(FormatAge(9000, 5000), "0ms ago");
  EXPECT_EQ(FormatTime(0), "-");
  EXPECT_EQ(FormatTime(1'000'000'000'000), "2001-09-09 01:46:40Z");
}

TEST(FormatTest, BytesUseBinaryUnits) {
  EXPECT_EQ(FormatBytes(512), "512 B");
  EXPECT_EQ(FormatBytes(3 << 19), "1.5 MiB");
  EXPECT_EQ(FormatBytes(int64_t{5} << 30), "5.0 GiB");
}

TEST(FormatTest, EndSaysWhichRungOrStep) {
  google::protobuf::RepeatedField<int64_t> rungs;
  for (const int64_t step : {1, 3, 9}) rungs.Add(step);
  v1::Trial trial;
  trial.set_final_step(4);
  const auto end = [&](v1::TrialState state) {
    trial.set_state(state);
    return FormatEnd(trial, rungs);
  };
  EXPECT_EQ(end(v1::TRIAL_STATE_PRUNED), "pruned at step 4");
  trial.set_rung(1);
  EXPECT_EQ(end(v1::TRIAL_STATE_PRUNED), "pruned at rung 1 (step 3)");
  EXPECT_EQ(end(v1::TRIAL_STATE_PAUSED), "paused at rung 1 (step 3)");
  EXPECT_EQ(end(v1::TRIAL_STATE_COMPLETED), "completed");
  EXPECT_EQ(end(v1::TRIAL_STATE_WAITING), "waiting");
  EXPECT_EQ(end(v1::TRIAL_STATE_FAILED), "failed");
  trial.set_reason("out of memory");
  EXPECT_EQ(end(v1::TRIAL_STATE_INFEASIBLE), "infeasible: out of memory");
  trial.set_rung(7);  // of a newer plan than this one
  EXPECT_EQ(end(v1::TRIAL_STATE_PRUNED), "pruned at step 4");
}

TEST(SparklineTest, ScalesBetweenLeastAndGreatest) {
  EXPECT_EQ(Sparkline({0, 1, 2, 3, 4, 5, 6, 7}, 8, Charset::kUtf8), "▁▂▃▄▅▆▇█");
  EXPECT_EQ(Sparkline({0, 7}, 8, Charset::kAscii), "_#");
  EXPECT_EQ(Sparkline({5, 5, 5}, 8, Charset::kUtf8), "▄▄▄");
  EXPECT_EQ(Sparkline({kNan, 1, kInfinity, 2}, 8, Charset::kUtf8), "×▁×█");
  EXPECT_EQ(Sparkline({-1.7e308, 1.7e308}, 8, Charset::kUtf8), "▁█");
  EXPECT_EQ(Sparkline({}, 8, Charset::kUtf8), "");
  // Thinned to 3 of 5: the first, the middle and the last.
  EXPECT_EQ(Sparkline({0, 9, 7, 9, 3.5}, 3, Charset::kAscii), "_#=");
}

TEST(ProgressBarTest, FillsInHalfColumns) {
  const struct {
    double fraction;
    const char* utf8;
    const char* ascii;
  } kCases[] = {{0, "────", "----"},   {0.124, "────", "----"}, {0.125, "╸───", "----"},
                {0.5, "━━──", "##--"}, {0.9, "━━━╸", "###-"},   {1, "━━━━", "####"},
                {7, "━━━━", "####"},   {-1, "────", "----"},    {kNan, "────", "----"}};
  for (const auto& test : kCases) {
    EXPECT_EQ(ProgressBar(test.fraction, 4, Style::kActive, Charset::kUtf8).Render(kPlain), test.utf8) << test.fraction;
    EXPECT_EQ(ProgressBar(test.fraction, 4, Style::kActive, Charset::kAscii).Render(kPlain), test.ascii)
        << test.fraction;
  }
}

TEST(FormatTest, SaysWhatStopsTrials) {
  const struct {
    const char* rule;
    const char* want;
  } kCases[] = {
      {"", "none"},
      {"median {}", "median"},
      {"percentile { percentile: 25 }", "percentile 25"},
      {"asha {}", "asha 1 to 27, factor 3"},
      {"asha { min_resource: 3 max_resource: 9 reduction_factor: 2 brackets: 1 }", "asha 3 to 9, factor 2"},
      {"asha { brackets: 4 }", "asha 1 to 27, factor 3, 4 brackets"},
      {"asha_stopping {}", "asha_stopping 1 to 27, factor 3"},
      {"hyperband { max_resource: 81 }", "hyperband 1 to 81, factor 3"},
      {"hyperband { synchronous: true }", "hyperband 1 to 27, factor 3, synchronous"},
      {"threshold { upper: 10 }", "threshold to 10"},
      {"threshold { lower: 0.5 }", "threshold from 0.5"},
      {"threshold { lower: 0.5 upper: 10 }", "threshold 0.5 to 10"},
      {"patience {}", "patience 5"},
      {"patience { patience: 0 min_delta: 0.25 inner { threshold { upper: 10 } } }",
       "patience 0, min delta 0.25, then threshold to 10"},
  };
  for (const auto& test : kCases) {
    v1::EarlyStopping stopping;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(test.rule, &stopping));
    EXPECT_EQ(FormatStopping(stopping, 27), test.want);
  }
}

TEST(FormatTest, SaysWhereATrialOfABracketPausesFirst) {
  v1::Study study;
  for (const int64_t step : {1, 3, 9}) study.add_rungs(step);
  v1::Trial trial;
  study.mutable_spec()->mutable_early_stopping()->mutable_asha();
  EXPECT_EQ(FormatBracket(trial, study), "");
  study.mutable_spec()->mutable_early_stopping()->mutable_asha()->set_brackets(2);
  EXPECT_EQ(FormatBracket(trial, study), "0 (pauses from step 1 on)");
  trial.set_bracket(1);
  EXPECT_EQ(FormatBracket(trial, study), "1 (pauses from step 3 on)");
  study.mutable_spec()->mutable_early_stopping()->mutable_hyperband();
  trial.set_bracket(4);  // of the second synchronous cycle
  EXPECT_EQ(FormatBracket(trial, study), "4 (pauses from step 3 on)");
  trial.set_bracket(2);
  EXPECT_EQ(FormatBracket(trial, study), "2 (never pauses)");
}

TEST(StyledTextTest, WidthCountsColumnsNotBytes) {
  EXPECT_EQ(DisplayWidth("abc"), 3u);
  EXPECT_EQ(DisplayWidth("é"), 1u);
  EXPECT_EQ(DisplayWidth("e\xCC\x81"), 1u);  // e and a combining accent
  EXPECT_EQ(DisplayWidth("日本"), 4u);
  EXPECT_EQ(DisplayWidth("\xFF\xFE"), 2u);
  EXPECT_EQ(Truncate("日本語", 5, Charset::kUtf8), "日本…");
  EXPECT_EQ(Truncate("日本語", 4, Charset::kUtf8), "日…");
  EXPECT_EQ(Truncate("abcdef", 3, Charset::kAscii), "ab~");
  EXPECT_EQ(Truncate("abc", 3, Charset::kUtf8), "abc");
}

TEST(StyledTextTest, ControlCharactersCannotReachTheTerminal) {
  EXPECT_EQ(StyledLine("a\x1b[2Jb\nc").Render(kPlain), "a [2Jb c");
}

TEST(StyledTextTest, FitKeepsStylesAndEndsInAnEllipsis) {
  StyledLine line("abc", Style::kBold);
  line.Append("def");
  line.Fit(6, Charset::kUtf8);
  EXPECT_EQ(line.Render({.charset = Charset::kUtf8, .colour = Colour::kAnsi}), "\x1b[1mabc\x1b[0mdef");
  line.Fit(3, Charset::kUtf8);
  EXPECT_EQ(line.width(), 3u);
  EXPECT_EQ(line.Render({.charset = Charset::kUtf8, .colour = Colour::kAnsi}), "\x1b[1mab…\x1b[0m");
}

TEST(TableTest, AlignsAndLeavesOutEmptyColumns) {
  Table table({{"N", Align::kRight}, {"NAME"}, {"EMPTY"}, {"LAST", Align::kRight}});
  table.AddRow({StyledLine("1"), StyledLine("a"), StyledLine(), StyledLine("10")});
  table.AddRow({StyledLine("100"), StyledLine("日本語"), StyledLine(), StyledLine("9")});
  EXPECT_EQ(table.Text(kPlain),
            "  N  NAME    LAST\n"
            "  1  a         10\n"
            "100  日本語     9\n");
}

}  // namespace
}  // namespace athanor::cli
