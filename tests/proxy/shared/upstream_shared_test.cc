#include "proxy/shared/upstream_shared.h"

#include <gtest/gtest.h>

namespace headgate::proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const base::SocketAddress kA = *base::SocketAddress::Parse("10.0.0.1:80");
const base::SocketAddress kB = *base::SocketAddress::Parse("10.0.0.2:80");

TEST(EndpointSharedTest, IsSetAsideForOneSecondDoublingToTen) {
  EndpointShared endpoint(kA);
  base::FakeClock clock;
  for (const seconds aside : {seconds(1), seconds(2), seconds(4), seconds(8), seconds(10), seconds(10)}) {
    EXPECT_FALSE(endpoint.IsAside(clock.Now()));
    endpoint.SetAside(clock.Now());
    clock.Advance(aside - milliseconds(1));
    EXPECT_TRUE(endpoint.IsAside(clock.Now()));
    clock.Advance(milliseconds(1));
  }
  EXPECT_FALSE(endpoint.IsAside(clock.Now()));
}

TEST(EndpointSharedTest, SeveralRefusalsAtOnceCountOnce) {
  EndpointShared endpoint(kA);
  base::FakeClock clock;
  for (int i = 0; i < 5; ++i) endpoint.SetAside(clock.Now());
  clock.Advance(seconds(1));
  EXPECT_FALSE(endpoint.IsAside(clock.Now()));
  EXPECT_EQ(endpoint.refusals.load(), 1u);
}

TEST(EndpointSharedTest, ASuccessBeginsTheDoublingAnew) {
  EndpointShared endpoint(kA);
  base::FakeClock clock;
  endpoint.SetAside(clock.Now());
  clock.Advance(seconds(1));
  endpoint.Succeeded();
  endpoint.SetAside(clock.Now());
  clock.Advance(seconds(1));
  EXPECT_FALSE(endpoint.IsAside(clock.Now()));
}

TEST(MakeEndpointSetTest, KeepsTheStateOfAddressesThatStay) {
  const auto first = MakeEndpointSet({{kA, 1}, {kB, 2}}, nullptr);
  const auto second = MakeEndpointSet({{kB, 3}}, first.get());
  EXPECT_GT(second->version, first->version);
  ASSERT_EQ(second->endpoints.size(), 1u);
  EXPECT_EQ(second->endpoints[0].shared, first->endpoints[1].shared);
  EXPECT_EQ(second->endpoints[0].weight, 3u);
}

TEST(MakeEndpointSetTest, AnAddressGivenTwiceIsOneEndpointWithBothWeights) {
  const auto set = MakeEndpointSet({{kA, 1}, {kB, 1}, {kA, 4}}, nullptr);
  ASSERT_EQ(set->endpoints.size(), 2u);
  EXPECT_EQ(set->endpoints[0].weight, 5u);
}

TEST(MakeEndpointSetTest, NamesEndpointsForLogs) {
  const auto set = MakeEndpointSet({{kA, 1}}, nullptr);
  EXPECT_EQ(set->endpoints[0].shared->text, "10.0.0.1:80");
}

}  // namespace
}  // namespace headgate::proxy
