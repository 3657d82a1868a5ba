// Why a request goes where it goes: the winner and, for every other candidate, why it lost.
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
  std::string listener;
  std::string note;       // what is odd about the question; empty: nothing
  std::string client;     // whom access lists and cohorts take it to be from
  std::string scheme;     // "http" or "https", as the client speaks it
  std::string host_rule;  // the hostname that decided, "*.shop.example.com", or "any"
  std::string route;      // empty: 404
  std::string rule;       // the match in words
  std::string action;     // "forward to shop-v1 (95 of 100) ...", "redirect ...", "respond ..."
  std::string upstream;   // when it is certain (forced, sticky key given, or only one weight above 0)
  // The winner first, then in the order of precedence; at most kCandidatesMax.
  static constexpr size_t kCandidatesMax = 1000;
  std::vector<Candidate> candidates;
  size_t candidates_left_out = 0;
  size_t routes_of_other_hosts = 0;  // on this listener, not listed
};

// `head` is normalised, as a decoder leaves it. `client` decides access lists and cohorts by client address.
Explanation Explain(const Compiled& compiled, uint32_t listener, const http::RequestHead& head,
                    const base::IpAddress& client);

}  // namespace headgate::routing
