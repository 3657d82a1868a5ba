#include <algorithm>

#include "routing/policy/route.h"

namespace headgate::routing {

bool AccessPolicy::Allows(const base::IpAddress& client) const noexcept {
  const auto holds = [&client](const base::Cidr& block) { return block.Contains(client); };
  if (std::any_of(deny.begin(), deny.end(), holds)) return false;
  return !has_allow || std::any_of(allow.begin(), allow.end(), holds);
}

}  // namespace headgate::routing
