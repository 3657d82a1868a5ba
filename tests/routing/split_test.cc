#include "routing/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "support/sanitized.h"
#include "tests/routing/forward.h"

namespace headgate::routing {
namespace {

// For each backend, requests so far minus its share of them, after each request.
class Drift {
 public:
  explicit Drift(size_t backends) : history_(backends, {0.0}) {}
  void Add(uint32_t chosen, const std::vector<uint32_t>& weights) {
    double total = 0;
    for (const uint32_t weight : weights) total += weight;
    for (size_t i = 0; i < history_.size(); ++i) {
      history_[i].push_back(history_[i].back() + (i == chosen ? 1 : 0) - weights[i] / total);
    }
  }
  // The largest error of any share in any window of at most `window` requests.
  double Worst(size_t window) const {
    double worst = 0;
    for (const std::vector<double>& drift : history_) {
      for (size_t begin = 0; begin < drift.size(); ++begin) {
        const size_t end = std::min(begin + window, drift.size() - 1);
        worst = std::max(worst, std::abs(drift[end] - drift[begin]));
      }
    }
    return worst;
  }
  // The same for windows of every length.
  double WorstOfAll() const {
    double worst = 0;
    for (const std::vector<double>& drift : history_) {
      const auto [low, high] = std::minmax_element(drift.begin(), drift.end());
      worst = std::max(worst, *high - *low);
    }
    return worst;
  }

 private:
  std::vector<std::vector<double>> history_;
};

std::vector<uint32_t> RandomWeights(base::Rng& rng, size_t backends) {
  std::vector<uint32_t> weights(backends);
  const uint64_t scale = rng.Below(2) == 0 ? 10 : 1000;
  for (uint32_t& weight : weights) weight = static_cast<uint32_t>(rng.Below(4) == 0 ? 0 : 1 + rng.Below(scale));
  weights[rng.Below(backends)] = 1 + static_cast<uint32_t>(rng.Below(scale));
  return weights;
}

class SplitTest : public testing::Test {
 protected:
  const uint64_t seed_ = std::random_device{}();
  const testing::ScopedTrace trace_{__FILE__, __LINE__, "seed " + std::to_string(seed_)};
  base::Rng rng_{seed_};
};

TEST_F(SplitTest, OfAnyWindowEachShareIsRightWithinTwo) {
  for (int round = 0; round < support::Rounds(300); ++round) {
    const std::vector<uint32_t> weights = RandomWeights(rng_, 2 + rng_.Below(7));
    SplitState state;
    state.Adopt(Forward(weights));
    Drift drift(weights.size());
    for (int i = 0; i < 5000; ++i) {
      const auto next = state.Next();
      ASSERT_TRUE(next.has_value());
      ASSERT_NE(weights[*next], 0U) << "0 means none";
      drift.Add(*next, weights);
    }
    ASSERT_LT(drift.WorstOfAll(), 2.0);
  }
}

TEST_F(SplitTest, ExtremeWeightsKeepTheirShares) {
  const std::vector<uint32_t> weights = {1'000'000, 1, 999'999, 3, 500'000, 500'001, 2, 1'000'000};
  SplitState state;
  state.Adopt(Forward(weights));
  Drift drift(weights.size());
  for (int i = 0; i < 300'000; ++i) drift.Add(*state.Next(), weights);
  EXPECT_LT(drift.WorstOfAll(), 2.0);
}

TEST_F(SplitTest, AReloadThatChangesNothingChangesNoChoice) {
  const ForwardAction forward = Forward({7, 2, 1, 90});
  SplitState undisturbed;
  SplitState reloaded;
  undisturbed.Adopt(forward);
  reloaded.Adopt(forward);
  for (int i = 0; i < 3000; ++i) {
    if (rng_.Below(3) == 0) reloaded.Adopt(forward);
    ASSERT_EQ(reloaded.Next(), undisturbed.Next());
  }
}

TEST_F(SplitTest, WithTwoBackendsAnySequenceOfWeightChangesStaysWithinTwo) {
  for (int round = 0; round < 200; ++round) {
    SplitState state;
    Drift drift(2);
    for (int reload = 0; reload < 50; ++reload) {
      const std::vector<uint32_t> weights = {1 + static_cast<uint32_t>(rng_.Below(1000)),
                                             1 + static_cast<uint32_t>(rng_.Below(1000))};
      state.Adopt(Forward(weights));
      for (uint64_t i = rng_.Below(100); i > 0; --i) drift.Add(*state.Next(), weights);
    }
    ASSERT_LT(drift.WorstOfAll(), 2.001);
  }
}

TEST_F(SplitTest, RoundingDoesNotAddUpOverManyReloads) {
  SplitState state;
  Drift drift(2);
  for (int reload = 0; reload < 20'000; ++reload) {
    const std::vector<uint32_t> weights = {1 + static_cast<uint32_t>(rng_.Below(5)),
                                           1 + static_cast<uint32_t>(rng_.Below(5))};
    state.Adopt(Forward(weights));
    drift.Add(*state.Next(), weights);
  }
  ASSERT_LT(drift.WorstOfAll(), 2.1);
}

TEST_F(SplitTest, ASmallShareSurvivesFrequentReloads) {
  SplitState state;
  int small = 0;
  for (uint32_t i = 0; i < 10'000; ++i) {
    // Every 50 requests someone edits the weights a little; 1 % stays 1 %.
    if (i % 50 == 0) state.Adopt(Forward({990 + i % 100 / 50, 10}));
    if (*state.Next() == 1) ++small;
  }
  EXPECT_NEAR(small, 100, 2);
}

TEST_F(SplitTest, WeightChangesAmongManyBackendsLeaveAFewRequestsOfErrorAtMost) {
  for (int round = 0; round < 200; ++round) {
    const size_t backends = 2 + rng_.Below(7);
    SplitState state;
    state.Adopt(Forward(RandomWeights(rng_, backends)));
    for (uint64_t i = rng_.Below(500); i > 0; --i) state.Next();
    const std::vector<uint32_t> weights = RandomWeights(rng_, backends);
    state.Adopt(Forward(weights));
    Drift drift(backends);
    for (int i = 0; i < 3000; ++i) drift.Add(*state.Next(), weights);
    ASSERT_LE(drift.Worst(1000), 3.0);
  }
}

TEST_F(SplitTest, ProgressIsKeptByNameWhenTheOrderChanges) {
  ForwardAction forward = Forward({90, 10});
  SplitState state;
  state.Adopt(forward);
  int small = 0;
  for (int i = 0; i < 1000; ++i) {
    std::swap(forward.backends[0], forward.backends[1]);
    state.Adopt(forward);
    if (forward.backends[*state.Next()].weight == 10) ++small;
  }
  EXPECT_NEAR(small, 100, 1);
}

TEST_F(SplitTest, AnUnusableBackendsTurnsGoToTheOthersInProportion) {
  const std::vector<uint32_t> weights = {60, 30, 10};
  SplitState state;
  state.Adopt(Forward(weights));
  for (int i = 0; i < 17; ++i) state.Next();
  const bool usable[] = {false, true, true};
  Drift drift(3);
  for (int i = 0; i < 2000; ++i) {
    const auto next = state.NextUsable(usable);
    ASSERT_NE(next, 0U);
    drift.Add(*next, {0, 30, 10});
  }
  EXPECT_LE(drift.Worst(1000), 2.0);
}

TEST_F(SplitTest, ABackendThatComesBackIsOwedNothing) {
  const std::vector<uint32_t> weights = {50, 50};
  SplitState state;
  state.Adopt(Forward(weights));
  const bool usable[] = {false, true};
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(state.NextUsable(usable), 1U);
  Drift drift(2);
  for (int i = 0; i < 1000; ++i) drift.Add(*state.Next(), weights);
  EXPECT_LE(drift.WorstOfAll(), 2.0);
}

TEST_F(SplitTest, UsabilityThatChangesWithEveryRequestNeverChoosesTheUnusable) {
  const std::vector<uint32_t> weights = {5, 3, 0, 2};
  SplitState state;
  state.Adopt(Forward(weights));
  for (int i = 0; i < 20'000; ++i) {
    bool usable[4];
    for (bool& one : usable) one = rng_.Below(2) == 0;
    const auto next = state.NextUsable(usable);
    ASSERT_EQ(next.has_value(), usable[0] || usable[1] || usable[3]);
    if (next.has_value()) {
      ASSERT_TRUE(usable[*next]);
      ASSERT_NE(*next, 2U);
    }
  }
}

TEST_F(SplitTest, AllWeightsZeroChooseNothing) {
  SplitState state;
  EXPECT_EQ(state.Next(), std::nullopt);
  state.Adopt(Forward({0, 0}));
  EXPECT_EQ(state.Next(), std::nullopt);
  state.Adopt(Forward({0, 1}));
  EXPECT_EQ(state.Next(), 1U);
}

TEST_F(SplitTest, NewUsersFollowTheSequenceAndTheirKeysHashToTheirBackend) {
  for (int round = 0; round < 20; ++round) {
    const std::vector<uint32_t> weights = RandomWeights(rng_, 2 + rng_.Below(4));
    const ForwardAction forward = Forward(weights);
    SplitState state;
    state.Adopt(forward);
    Drift drift(weights.size());
    for (int i = 0; i < 3000; ++i) {
      const auto user = state.NextNewUser(forward, {}, rng_);
      ASSERT_TRUE(user.has_value());
      char text[kKeyTextBytes];
      FormatKey(user->key, text);
      ASSERT_EQ(CohortOf(forward, {text, kKeyTextBytes}), user->backend);
      drift.Add(user->backend, weights);
    }
    ASSERT_LE(drift.Worst(1000), 2.1);
  }
}

TEST_F(SplitTest, AOneInAMillionShareCostsNoMoreThanTheBoundOfDraws) {
  const ForwardAction forward = Forward({999'999, 1});
  SplitState state;
  state.Adopt(forward);
  // Its turn comes after half a million requests at the latest; NextNewUser then looks for a key in vain for a while.
  for (int i = 0; i < 1'100'000; ++i) {
    if (i % 1000 == 0) {
      ASSERT_TRUE(state.NextNewUser(forward, {}, rng_).has_value());
    } else {
      ASSERT_TRUE(state.Next().has_value());
    }
  }
}

}  // namespace
}  // namespace headgate::routing
