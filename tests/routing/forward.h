// Forward actions for tests: backends a, b, c ... with these weights.
// Pure function.
// Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "routing/policy/route.h"
#include "routing/split.h"

namespace headgate::routing {

inline ForwardAction Forward(const std::vector<uint32_t>& weights) {
  ForwardAction forward;
  for (const uint32_t weight : weights) {
    Backend& backend = forward.backends.emplace_back();
    backend.name = std::string(1, static_cast<char>('a' + forward.backends.size() - 1));
    backend.name_hash = BackendNameHash(backend.name);
    backend.upstream = static_cast<uint32_t>(forward.backends.size() - 1);
    backend.weight = weight;
  }
  return forward;
}

}  // namespace headgate::routing
