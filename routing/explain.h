// Why a request goes where it goes: the winner and, for every other candidate, why it lost.
// Pure; used by `headgate explain` and the admin listener.
// Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "http/message.h"
#include "routing/compile.h"

namespace headgate::routing {

struct Candidate {
  std::string route;
  bool won = false;
  std::string reason;  // a sentence: "its path prefix /api is shorter than /api/v2 of route 'x'"
};

struct Explanation {
  std::string listener;
  std::string host_rule;  // the hostname that decided, "*.shop.example.com", or "any"
  std::string route;      // empty: 404
  std::string rule;       // the match in words
  std::string action;     // "forward to shop-v1 (95 of 100) ...", "redirect ...", "respond ..."
  std::string upstream;   // when it is certain (forced, sticky key given, or only one weight above 0)
  std::vector<Candidate> candidates;
};

// `client` decides access lists and cohorts by client address.
Explanation Explain(const Compiled& compiled, uint32_t listener, const http::RequestHead& head,
                    const base::IpAddress& client);

}  // namespace headgate::routing
