// The standard normal distribution, where the standard library stops at erf.
#pragma once

namespace athanor {

// The mass below z, and that between a and b.
double NormalBelow(double z);
double NormalBetween(double a, double b);

// The z below which the mass is `p`, 0 < p < 1 (Acklam's rational approximation and one step of Halley's method): a
// relative error below 1e-12.
double NormalQuantile(double p);

}  // namespace athanor
