// Bars and sparklines: pictures a few columns wide.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "client/cli/styled_text.h"

namespace athanor::cli {

// `width` columns of which `fraction` (clamped to [0, 1]; NaN is 0) is filled, in steps of half a column.
StyledLine ProgressBar(double fraction, size_t width, Style style, Charset charset);

// `values` from left to right as blocks of eight heights between their least and greatest finite value; all equal: the
// middle. More values than `width`: thinned evenly, first and last kept. A non-finite value is a cross. Empty without
// values.
std::string Sparkline(const std::vector<double>& values, size_t width, Charset charset);

}  // namespace athanor::cli
