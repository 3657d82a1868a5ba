// Random routes and requests: the table answers as the naive matcher does.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/rng.h"
#include "support/sanitized.h"
#include "tests/routing/route_reference.h"

namespace headgate::routing {
namespace {

TEST(RouteTableReference, TheTableAgreesWithANaiveMatcherOnRandomRoutes) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  base::Rng rng(seed);
  for (int round = 0; round < support::Rounds(2000); ++round) {
    std::vector<uint8_t> bytes(400 + rng.Below(600));
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(rng.Next());
    const std::optional<std::string> problem = reference::Disagreement(bytes);
    ASSERT_FALSE(problem.has_value()) << *problem << " in round " << round;
  }
}

}  // namespace
}  // namespace headgate::routing
