// What a running headgate answers to a request: the judgements of its request path, asked one after the other without
// sending anything. The order is that of proxy/exchange/exchange.cc.
// A function.
// Any thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/ip.h"
#include "http/message.h"
#include "proxy/context/client_info.h"
#include "routing/compiled.h"

namespace headgate::control {

// A request as it is after forwarding fields and request id are set.
struct JudgedRequest {
  const routing::Compiled& compiled;
  uint32_t listener = 0;
  http::RequestHead& head;  // a rewrite changes it
  const base::IpAddress& client;
  const proxy::ClientInfo& connection;
};

struct Verdict {
  bool routed = false;   // a route was looked for
  std::string rule;      // of a listener that answers before that; empty: none
  uint16_t status = 0;   // of an answer of our own; 0: the upstream's, as far as the configuration knows
  std::string action;    // "forward to shop-v1 (95 of 100) ...", "redirect ...", "respond ...", "403: ..."
  std::string limit;     // rateLimit of the route in words; empty: none
  std::string upstream;  // when it is certain (forced, sticky key given, or only one weight above 0)
};

Verdict JudgeRequest(const JudgedRequest& request);

}  // namespace headgate::control
