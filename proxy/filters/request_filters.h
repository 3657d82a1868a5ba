// The route's filters in the order in which they judge a request's head: each says continue or refuses it.
// Stateless functions over policies; a new one is a row in request_filters.cc.
// One thread: the worker's.
#pragma once

#include "base/error.h"
#include "base/ip.h"
#include "http/message.h"
#include "proxy/context/client_info.h"
#include "routing/policy/route.h"

namespace headgate::proxy {

struct FilterContext {
  const http::RequestHead& head;
  const ClientInfo& connection;
  const base::IpAddress& client;  // behind trusted proxies
  const routing::RoutePolicy& route;
};

// The first refusal; code kNone: go on.
base::Error RunRequestFilters(const FilterContext& context) noexcept;

}  // namespace headgate::proxy
