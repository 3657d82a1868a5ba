#include "routing/policy/route.h"

namespace headgate::routing {

bool AccessPolicy::Allows(const base::IpAddress& client) const noexcept {
  if (base::Contains(deny, client)) return false;
  return !has_allow || base::Contains(allow, client);
}

}  // namespace headgate::routing
