// A request as a person names it (method, URL, fields) to the words why it goes where it goes.
// Functions; used by `headgate explain` and the admin listener.
// Any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/ip.h"
#include "routing/explain.h"

namespace headgate::control {

struct AskedRequest {
  std::string method;
  std::string url;  // "https://shop.example.com/api?x=1", or "/path" with a Host among the fields
  std::vector<std::pair<std::string, std::string>> headers;
  std::string listener;    // empty: the one whose public port and scheme fit the URL, else the first
  base::IpAddress client;  // the other end of the connection: of a trusted proxy its X-Forwarded-* count
};

/// InvalidArgument with a sentence when headgate would refuse the request, or the listener is not there.
absl::StatusOr<routing::Explanation> ExplainRequest(const routing::Compiled& compiled, const AskedRequest& asked);

std::string ExplanationAsText(const routing::Explanation& explanation);
std::string ExplanationAsJson(const routing::Explanation& explanation);

}  // namespace headgate::control
