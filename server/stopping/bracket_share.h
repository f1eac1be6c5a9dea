// In which bracket a new trial of adaptive `asha` starts, by how well each rung has ranked what the next one showed.
//
// After Hyper-Tune (Li et al. 2022, arXiv:2201.06834, section 4.1), which learns how often to use each bracket from how
// precisely its lowest fidelity ranks. There the precision comes from a model and the best bracket is weighed against
// its cost; here it is read off the trials themselves, and a rung is used for as long as it ranks well, because a rung
// that ranks well is worth its place however cheap it is.
//
// Precision of rung k: rho_k, Spearman's rank correlation of the values at rungs k and k + 1 over trials that passed k
// without being chosen there (promoted trials alone would be a selected half-range, on which any rung correlates
// badly), the newest Rung::kMaxPairs of them. With m pairs it is shrunk to a prior of 0.8 that weighs as much as 3
// pairs:
//     rho_k = (m * spearman + 3 * 0.8) / (m + 3),    spearman = 0 and m = 0 below 3 pairs.
// The trust in rung k is clamp((rho_k - 0.6) / 0.2, 0, 1). A trial that looks at rung k starts there with this
// probability, else it looks one rung up; the highest bracket takes what is left. So a rung that ranks at 0.8 or better
// takes every trial, one at 0.6 or worse none: over four rungs 0.6 compounds to 0.13, a final rank that is luck.
//
// Nobody would find out about a rung that every trial pauses at, so whoever starts at rung k goes one up with
// probability 0.2 * sqrt(3 / (3 + p)), p being the trials that were to pass rung k so far; above rung 0 a reduction
// factor of 3 times less often, since the detour costs as many times more. It falls slowly enough never to stop: the
// sum diverges, so a rung that was judged on few pairs is judged again.
#pragma once

#include <cstdint>
#include <map>

#include "server/core/ladder.h"

namespace athanor {

// Spearman's rank correlation, mid-ranks for ties; 0 where one side has no spread. O(m log m).
double RankCorrelation(const std::map<TrialNumber, RungPair>& pairs);

// rho_k above, in [-1, 1]. About 5 microseconds.
double RungPrecision(const Rung& rung);

// How far the rung's ranking is to be relied on, in [0, 1].
double RungTrust(const Rung& rung);

// The rung in [0, brackets) at which trial `trial` pauses first. A pure function of the ladder, the seed and the
// number. brackets >= 1. About 5 microseconds a rung that it looks at, whatever the number of trials.
int64_t ChooseFirstRung(const Ladder& ladder, int64_t number, int64_t brackets, uint64_t seed, TrialNumber trial);

}  // namespace athanor
