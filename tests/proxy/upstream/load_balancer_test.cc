#include "proxy/upstream/load_balancer.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>
#include <set>

namespace headgate::proxy {
namespace {

using routing::LoadBalancingPolicy;

class LoadBalancerTest : public ::testing::TestWithParam<LoadBalancingPolicy> {
 protected:
  static std::shared_ptr<const EndpointSet> Set(const std::vector<uint32_t>& weights,
                                                const EndpointSet* previous = nullptr,
                                                LoadBalancingPolicy policy = LoadBalancingPolicy::kRoundRobin) {
    std::vector<std::pair<base::SocketAddress, uint32_t>> addresses;
    uint16_t port = 1;
    for (const uint32_t weight : weights) {
      addresses.emplace_back(base::SocketAddress{base::IpAddress::V4(0x7f000001), port++}, weight);
    }
    return MakeEndpointSet(addresses, previous, policy);
  }
  void Use(LoadBalancingPolicy policy, const std::vector<uint32_t>& weights) {
    set = Set(weights, nullptr, policy);
    balancer.SetPolicy(policy);
    balancer.SetEndpoints(set);
  }
  EndpointShared& At(size_t index) { return *set->endpoints[index].shared; }
  size_t Pick(const EndpointShared* avoid = nullptr) { return balancer.Pick(clock.Now(), avoid, keys.Next()); }
  size_t PickFor(uint64_t hash, const EndpointShared* avoid = nullptr) {
    return balancer.Pick(clock.Now(), avoid, hash);
  }
  std::vector<size_t> Shares(size_t picks, const EndpointShared* avoid = nullptr) {
    std::vector<size_t> shares(set->endpoints.size(), 0);
    for (size_t i = 0; i < picks; ++i) ++shares.at(Pick(avoid));
    return shares;
  }

  base::FakeClock clock;
  base::Rng rng{20240607};
  base::Rng keys{7};  // a new client each time
  LoadBalancer balancer{rng};
  std::shared_ptr<const EndpointSet> set;
};

INSTANTIATE_TEST_SUITE_P(Policies, LoadBalancerTest,
                         ::testing::Values(LoadBalancingPolicy::kRoundRobin, LoadBalancingPolicy::kLeastRequest,
                                           LoadBalancingPolicy::kRandom, LoadBalancingPolicy::kRingHash,
                                           LoadBalancingPolicy::kMaglev));

TEST_P(LoadBalancerTest, UsesEveryEndpoint) {
  Use(GetParam(), {1, 1, 1, 1});
  for (const size_t share : Shares(400)) EXPECT_GT(share, 50u);
}

TEST_P(LoadBalancerTest, OneEndpointIsAlwaysChosenWhateverItsState) {
  Use(GetParam(), {1});
  At(0).SetAside(clock.Now());
  EXPECT_EQ(Pick(&At(0)), 0u);
}

TEST_P(LoadBalancerTest, SkipsWhoIsSetAsideUntilItsTimeIsOver) {
  for (const std::vector<uint32_t>& weights : {std::vector<uint32_t>{1, 1, 1}, std::vector<uint32_t>{1, 5, 2}}) {
    Use(GetParam(), weights);
    At(1).SetAside(clock.Now());
    EXPECT_EQ(Shares(200)[1], 0u);
    clock.Advance(std::chrono::seconds(1));
    EXPECT_GT(Shares(200)[1], 0u);
  }
}

TEST_P(LoadBalancerTest, UsesAllWhenAllAreSetAside) {
  Use(GetParam(), {1, 1, 1});
  for (size_t i = 0; i < 3; ++i) At(i).SetAside(clock.Now());
  for (const size_t share : Shares(300)) EXPECT_GT(share, 0u);
}

TEST_P(LoadBalancerTest, AvoidsTheEndpointOfTheAttemptBefore) {
  for (const std::vector<uint32_t>& weights : {std::vector<uint32_t>{1, 1, 1}, std::vector<uint32_t>{1, 5, 2}}) {
    Use(GetParam(), weights);
    EXPECT_EQ(Shares(200, &At(1))[1], 0u);
  }
}

TEST_P(LoadBalancerTest, TakesTheAvoidedOneRatherThanOneSetAside) {
  Use(GetParam(), {1, 1});
  At(1).SetAside(clock.Now());
  EXPECT_EQ(Shares(50, &At(0))[0], 50u);
}

TEST_P(LoadBalancerTest, AvoidsAmongThoseSetAsideToo) {
  Use(GetParam(), {1, 1});
  At(0).SetAside(clock.Now());
  At(1).SetAside(clock.Now());
  EXPECT_EQ(Shares(50, &At(0))[1], 50u);
}

TEST_P(LoadBalancerTest, GivesSharesByWeight) {
  Use(GetParam(), {1, 3});
  const size_t share = Shares(4000)[1];
  // A ring's arcs are of chance.
  const size_t tolerance = GetParam() == LoadBalancingPolicy::kRingHash ? 350 : 150;
  EXPECT_GT(share, 3000 - tolerance);
  EXPECT_LT(share, 3000 + tolerance);
}

TEST_P(LoadBalancerTest, PicksWithinTheSetForAnyWeightsAndStates) {
  base::Rng dice(99);
  for (int round = 0; round < 300; ++round) {
    std::vector<uint32_t> weights(1 + dice.Below(9));
    for (uint32_t& weight : weights) weight = static_cast<uint32_t>(dice.Below(4));
    Use(GetParam(), weights);
    std::set<size_t> aside;
    for (size_t i = 0; i < weights.size(); ++i) {
      if (dice.Below(2) == 0) continue;
      At(i).SetAside(clock.Now());
      aside.insert(i);
    }
    for (int i = 0; i < 20; ++i) {
      const size_t picked = Pick(&At(dice.Below(weights.size())));
      ASSERT_LT(picked, weights.size());
      const bool somebody_available = aside.size() < weights.size();
      ASSERT_FALSE(somebody_available && aside.contains(picked)) << "round " << round;
    }
  }
}

TEST_F(LoadBalancerTest, RoundRobinIsExactOverEachCycle) {
  Use(LoadBalancingPolicy::kRoundRobin, {5, 1, 1});
  for (int cycle = 0; cycle < 10; ++cycle) EXPECT_EQ(Shares(7), (std::vector<size_t>{5, 1, 1}));
}

TEST_F(LoadBalancerTest, RoundRobinIsSmooth) {
  Use(LoadBalancingPolicy::kRoundRobin, {5, 1, 1});
  size_t in_a_row = 0;
  size_t longest = 0;
  for (int i = 0; i < 70; ++i) {
    in_a_row = Pick() == 0 ? in_a_row + 1 : 0;
    longest = std::max(longest, in_a_row);
  }
  EXPECT_LE(longest, 4u);  // a a b a c a a: four across the seam of two cycles
}

TEST_F(LoadBalancerTest, RoundRobinKeepsItsPlaceWhenEndpointsChange) {
  Use(LoadBalancingPolicy::kRoundRobin, {3, 1});
  std::vector<size_t> shares(2, 0);
  for (int i = 0; i < 400; ++i) {
    ++shares[Pick()];
    set = Set({3, 1}, set.get());
    balancer.SetEndpoints(set);
  }
  EXPECT_EQ(shares, (std::vector<size_t>{300, 100}));
}

TEST_F(LoadBalancerTest, LeastRequestNeverTakesTheBusiestOfTwo) {
  Use(LoadBalancingPolicy::kLeastRequest, {1, 1});
  At(0).active = 3;
  At(1).active = 2;
  EXPECT_EQ(Shares(100)[1], 100u);
}

TEST_F(LoadBalancerTest, LeastRequestEvensOutTheLoads) {
  Use(LoadBalancingPolicy::kLeastRequest, {1, 1, 1, 1, 1});
  At(2).active = 40;
  for (int i = 0; i < 200; ++i) At(Pick()).active.fetch_add(1);
  for (size_t i = 0; i < 5; ++i) EXPECT_NEAR(At(i).active.load(), 48, 6) << i;
}

TEST_F(LoadBalancerTest, LeastRequestWeighsLoads) {
  Use(LoadBalancingPolicy::kLeastRequest, {1, 3});
  At(0).active = 10;
  At(1).active = 10;
  EXPECT_EQ(Shares(100)[1], 100u);
  At(1).active = 60;
  EXPECT_EQ(Shares(100)[0], 100u);
}

TEST_F(LoadBalancerTest, ManyWeightsAreExactOverEachRoundWhateverIsSetAside) {
  std::vector<uint32_t> weights(100);
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<uint32_t>(1 + i % 7);
  Use(LoadBalancingPolicy::kRoundRobin, weights);
  At(3).SetAside(clock.Now());
  const size_t total = std::accumulate(weights.begin(), weights.end(), size_t{0}) - weights[3];
  const std::vector<size_t> shares = Shares(total * 5);
  EXPECT_EQ(shares[3], 0u);
  for (size_t i = 0; i < weights.size(); ++i) {
    const double expected = i != 3 ? 5.0 * weights[i] : 0;
    EXPECT_NEAR(static_cast<double>(shares[i]), expected, 1) << i;
  }
}

class HashBalancerTest : public LoadBalancerTest {};

INSTANTIATE_TEST_SUITE_P(Policies, HashBalancerTest,
                         ::testing::Values(LoadBalancingPolicy::kRingHash, LoadBalancingPolicy::kMaglev));

TEST_P(HashBalancerTest, AKeyKeepsItsEndpointOnEveryWorker) {
  Use(GetParam(), std::vector<uint32_t>(10, 1));
  base::Rng other_rng{99};
  LoadBalancer other{other_rng};
  other.SetPolicy(GetParam());
  other.SetEndpoints(set);
  for (uint64_t i = 0; i < 1000; ++i) {
    const uint64_t hash = keys.Next();
    const size_t picked = PickFor(hash);
    ASSERT_EQ(PickFor(hash), picked);
    ASSERT_EQ(other.Pick(clock.Now(), nullptr, hash), picked);
  }
}

TEST_P(HashBalancerTest, AKeyWhoseEndpointIsSetAsideMovesAlwaysToTheSameOneAndComesBack) {
  Use(GetParam(), std::vector<uint32_t>(10, 1));
  const uint64_t hash = keys.Next();
  const size_t home = PickFor(hash);
  const uint64_t neighbour = keys.Next();
  const size_t elsewhere = PickFor(neighbour);
  At(home).SetAside(clock.Now());
  const size_t second = PickFor(hash);
  EXPECT_NE(second, home);
  EXPECT_EQ(PickFor(hash), second);
  EXPECT_TRUE(elsewhere == home || PickFor(neighbour) == elsewhere) << "keys of the others stay";
  const size_t third = PickFor(hash, &At(second));
  EXPECT_NE(third, home);
  EXPECT_NE(third, second);
  clock.Advance(std::chrono::seconds(1));
  EXPECT_EQ(PickFor(hash), home);
}

TEST_P(HashBalancerTest, FindsTheOneOfAThousandThatIsNotSetAside) {
  Use(GetParam(), std::vector<uint32_t>(1000, 1));
  for (size_t i = 0; i < 1000; ++i) {
    if (i != 617) At(i).SetAside(clock.Now());
  }
  for (int i = 0; i < 100; ++i) ASSERT_EQ(Pick(), 617u);
}

TEST_P(HashBalancerTest, WithoutAKeyAnyEndpointWillDo) {
  Use(GetParam(), {1, 1, 1, 1});
  std::set<size_t> seen;
  for (int i = 0; i < 200; ++i) seen.insert(PickFor(0));
  EXPECT_EQ(seen.size(), 4u);
}

TEST_P(HashBalancerTest, ASetWithoutATableServesToo) {
  Use(GetParam(), {1, 1, 1});
  balancer.SetEndpoints(Set({1, 1, 1}));
  std::set<size_t> seen;
  for (int i = 0; i < 200; ++i) seen.insert(Pick());
  EXPECT_EQ(seen.size(), 3u);
}

// Two to five endpoints with weights of 1 to 9 that are not all equal.
std::vector<uint32_t> RandomWeights(base::Rng& dice) {
  std::vector<uint32_t> weights(2 + dice.Below(4));
  for (uint32_t& weight : weights) weight = 1 + static_cast<uint32_t>(dice.Below(9));
  if (weights[1] == weights[0]) ++weights[1];
  return weights;
}

TEST_F(LoadBalancerTest, LeastRequestGivesSharesByWeightUnderAnyLoad) {
  constexpr size_t kPicks = 10'000;
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  base::Rng dice(seed);
  for (int round = 0; round < 20; ++round) {
    const std::vector<uint32_t> weights = RandomWeights(dice);
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (const size_t under_way : {0U, 1U, 100U}) {
      Use(LoadBalancingPolicy::kLeastRequest, weights);
      std::vector<size_t> busy;
      std::vector<size_t> shares(weights.size(), 0);
      for (size_t i = 0; i < kPicks; ++i) {
        const size_t picked = Pick();
        ++shares[picked];
        At(picked).active.fetch_add(1);
        busy.push_back(picked);
        if (busy.size() <= under_way) continue;
        std::swap(busy[dice.Below(busy.size())], busy.back());
        At(busy.back()).active.fetch_sub(1);
        busy.pop_back();
      }
      for (size_t i = 0; i < weights.size(); ++i) {
        // With one under way the choice is coarse; else only chance is in between.
        const double tolerance = under_way == 1 ? 0.2 : 0.03;
        EXPECT_NEAR(static_cast<double>(shares[i]) / kPicks, weights[i] / total, tolerance)
            << "endpoint " << i << " of " << ::testing::PrintToString(weights) << ", " << under_way << " under way";
      }
    }
  }
}

TEST_F(LoadBalancerTest, LeastRequestGoesAroundAStuckEndpointWhateverItsWeight) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  base::Rng dice(seed);
  for (int round = 0; round < 50; ++round) {
    const std::vector<uint32_t> weights = RandomWeights(dice);
    Use(LoadBalancingPolicy::kLeastRequest, weights);
    const size_t stuck = dice.Below(weights.size());
    At(stuck).active = 100;
    EXPECT_EQ(Shares(500)[stuck], 0u) << "endpoint " << stuck << " of " << ::testing::PrintToString(weights);
  }
}

}  // namespace
}  // namespace headgate::proxy
