// Why a request gets the route that it gets: the winner and, for every other candidate, why it lost.
// Pure; used by `headgate explain` and the admin listener.
// Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "http/message.h"
#include "routing/compiled.h"

namespace headgate::routing {

// One match of a route of the host that decided.
struct Candidate {
  std::string route;
  std::string rule;  // the match in words
  bool won = false;
  std::string reason;  // a sentence: "its path prefix /api is shorter than /api/v2 of route 'x'"
};

struct Explanation {
  std::string host_rule;  // the hostname that decided, "*.shop.example.com", or "any"
  std::string route;      // empty: none
  std::string rule;       // the match in words
  // The winner first, then in the order of precedence; at most kCandidatesMax.
  static constexpr size_t kCandidatesMax = 1000;
  std::vector<Candidate> candidates;
  size_t candidates_left_out = 0;
  size_t routes_of_other_hosts = 0;  // on this listener, not listed
};

// `head` is normalised, as a decoder leaves it. What the route does with the request, control/verdict says.
Explanation Explain(const Compiled& compiled, uint32_t listener, const http::RequestHead& head);

}  // namespace headgate::routing
