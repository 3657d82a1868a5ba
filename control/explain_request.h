// A request as a person names it (method, URL, fields) to the words why it goes where it goes.
// Functions; used by `headgate explain` and the admin listener.
// Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/ip.h"
#include "control/route_origins.h"
#include "control/verdict.h"
#include "proxy/net/tls_context.h"
#include "routing/explain.h"

namespace headgate::control {

struct AskedRequest {
  std::string method;
  std::string url;  // "https://shop.example.com/api?x=1", or "/path" with a Host among the fields
  std::vector<std::pair<std::string, std::string>> headers;
  std::string listener;    // empty: the one whose public port and scheme fit the URL, else the first
  base::IpAddress client;  // the other end of the connection: of a trusted proxy its X-Forwarded-* count
};

struct Explained {
  std::string listener;
  std::string note;             // what is odd about the question; empty: nothing
  std::string client;           // whom access lists and cohorts take it to be from
  std::string scheme;           // "http" or "https", as the client speaks it
  routing::Explanation search;  // empty where no route is looked for
  Verdict verdict;
};

// The certificates of a listener with tls, by its index; null: they cannot be read, and no request is 421 for them.
using CertificatesOf = std::function<std::shared_ptr<const proxy::net::CertificateSet>(uint32_t listener)>;

/// InvalidArgument with a sentence when headgate would refuse the request's head, or the listener is not there.
/// `certificates_of` may be empty.
absl::StatusOr<Explained> ExplainRequest(const routing::Compiled& compiled, const AskedRequest& asked,
                                         const CertificatesOf& certificates_of);

std::string ExplanationAsText(const Explained& explained, const RouteOrigins& origins = {});
std::string ExplanationAsJson(const Explained& explained, const RouteOrigins& origins = {});

}  // namespace headgate::control
