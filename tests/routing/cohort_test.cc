#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "base/rng.h"
#include "routing/split.h"
#include "tests/routing/forward.h"

namespace headgate::routing {
namespace {

class CohortTest : public testing::Test {
 protected:
  const uint64_t seed_ = std::random_device{}();
  const testing::ScopedTrace trace_{__FILE__, __LINE__, "seed " + std::to_string(seed_)};
  base::Rng rng_{seed_};
};

TEST_F(CohortTest, AUserMovesFromOneBackendToAnotherOnlyIfTheOthersWeightGrewInRelation) {
  for (int round = 0; round < 300; ++round) {
    const size_t backends = 2 + rng_.Below(4);
    std::vector<uint32_t> before(backends);
    std::vector<uint32_t> after(backends);
    for (size_t i = 0; i < backends; ++i) {
      before[i] = static_cast<uint32_t>(rng_.Below(101));
      after[i] = rng_.Below(2) == 0 ? before[i] : static_cast<uint32_t>(rng_.Below(101));
    }
    const ForwardAction old_action = Forward(before);
    const ForwardAction new_action = Forward(after);
    for (int user = 0; user < 500; ++user) {
      const std::string key = "user-" + std::to_string(rng_.Next());
      const auto from = CohortOf(old_action, key);
      const auto to = CohortOf(new_action, key);
      if (!from || !to || *from == *to) continue;
      // after[to] / after[from] > before[to] / before[from], without dividing by 0.
      ASSERT_GT(uint64_t{after[*to]} * before[*from], uint64_t{before[*to]} * after[*from])
          << "from " << *from << " to " << *to;
    }
  }
}

TEST_F(CohortTest, SharesAreTheWeights) {
  const std::vector<uint32_t> weights = {50, 30, 15, 5};
  const ForwardAction action = Forward(weights);
  constexpr int kUsers = 100'000;
  std::vector<int> counts(weights.size());
  for (int i = 0; i < kUsers; ++i) ++counts[*CohortOf(action, std::to_string(rng_.Next()))];
  for (size_t i = 0; i < weights.size(); ++i) {
    const double share = weights[i] / 100.0;
    // Six standard deviations: once in 500 million runs.
    EXPECT_NEAR(counts[i], kUsers * share, 6 * std::sqrt(kUsers * share * (1 - share)));
  }
}

TEST_F(CohortTest, AWeightOfZeroNeverWins) {
  const ForwardAction action = Forward({0, 1, 0});
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(CohortOf(action, std::to_string(rng_.Next())), 1U);
  EXPECT_EQ(CohortOf(Forward({0, 0}), "user"), std::nullopt);
}

TEST_F(CohortTest, TheOrderOfBackendsDoesNotMatter) {
  const ForwardAction action = Forward({3, 5, 7});
  ForwardAction turned = action;
  std::swap(turned.backends[0], turned.backends[2]);
  for (int i = 0; i < 1000; ++i) {
    const std::string key = std::to_string(rng_.Next());
    EXPECT_EQ(action.backends[*CohortOf(action, key)].name, turned.backends[*CohortOf(turned, key)].name);
  }
}

// Replicas and releases have to agree: these may never change.
TEST_F(CohortTest, GoldenCohorts) {
  const ForwardAction action = Forward({70, 20, 10});
  std::string cohorts;
  for (int i = 0; i < 60; ++i) cohorts += action.backends[*CohortOf(action, "user-" + std::to_string(i))].name;
  EXPECT_EQ(cohorts, "aaaaaaaaaaabaaaaaaaaaabaaaaaacaaaaabaaacbaaabaaaaabaaaacaaaa");
  EXPECT_EQ(BackendNameHash("shop-v1"), 10801486660982645205ULL);
}

}  // namespace
}  // namespace headgate::routing
