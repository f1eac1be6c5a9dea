// What a coordinator is to sustain on two cores that it shares with the load (RESULTS.md says how each is measured).
#pragma once

#include <string_view>

namespace athanor::bench {

inline constexpr double kReportsBar = 100'000;          // measurements/s, at least
inline constexpr double kLeasesBar = 6'000;             // acquire + finish/s, at least
inline constexpr double kFleetAcquireP50Bar = 2;        // ms, at most, like all that follow
inline constexpr double kFleetAcquireP99Bar = 20;       // ms
inline constexpr double kIdleBar = 5;                   // ms a slot and trial
inline constexpr double kGrowthBar = 1.2;               // calls with 1,000,000 finished trials against 1,000
inline constexpr double kStartBar = 5;                  // s
inline constexpr double kMemoryBar = 400;               // bytes a finished trial of 6 parameters
inline constexpr double kDatabaseBar = 40;              // bytes a metric value
inline constexpr double kVerbBar = 50;                  // ms
inline constexpr double kCurveBar = 10;                 // ms
inline constexpr double kStalledWatchersBar = 1 / 0.9;  // time of a report with watchers that do not read, against none

// Compares figures with their bars, and tells a bar that is missed from a collapse. A machine that is shared with other
// work misses bars; a figure that is four times as bad has another reason, which is what a regression guard looks for.
class Bars {
 public:
  // Whether a figure can tell of a collapse. The slowest calls cannot: one pause of the machine makes them.
  enum class Figure { kSteady, kOfOutliers };

  // Prints the figure, its bar and whether it was met.
  void AtLeast(std::string_view what, double measured, double bar, std::string_view unit);
  void AtMost(std::string_view what, double measured, double bar, std::string_view unit,
              Figure figure = Figure::kSteady);
  // Whether a steady figure was below a quarter of its bar, or above four times it.
  bool collapsed() const { return collapsed_; }

 private:
  void Print(Figure figure, std::string_view what, double measured, double bar, std::string_view unit,
             double times_worse);

  bool collapsed_ = false;
};

}  // namespace athanor::bench
