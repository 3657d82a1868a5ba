// What is left of a request when it is over: what its metrics and its line in the access log are made of.
// Part of an exchange; text lives in the exchange's arena or its head's slab.
// One thread: the worker's.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/ip.h"
#include "http/message.h"
#include "metrics/access_log.h"
#include "metrics/reasons.h"
#include "proxy/context/client_info.h"
#include "proxy/context/worker_context.h"

namespace headgate::proxy {

class Forwarder;
class RouteHold;

struct RequestRecord {
  // What the client sent; the head may be rewritten afterwards.
  void Begin(const http::RequestHead& head, base::Instant first_byte, const WorkerContext& worker);

  base::Instant started{};  // the first byte
  base::WallTime wall_started{};
  base::Instant upstream_ended{};  // the response's last byte came; epoch: none did
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  base::Error error;  // code kNone: nothing went wrong
  std::string_view host, path, query, user_agent, referer, trace_id, request_id;
  http::Method method = http::Method::kGet;
  http::Version version = http::Version::kHttp11;
  uint16_t status = 0;
  bool grpc = false;                                // over HTTP/2; over HTTP/1.1 it is a request as any
  bool tunnel = false;                              // counted when it began
  uint8_t grpc_status = metrics::kGrpcStatusOther;  // its label
};

// Who was concerned.
struct RequestParties {
  const ClientInfo& connection;
  const base::IpAddress& client;  // behind trusted proxies
  const RouteHold& route;
  const Forwarder& forwarder;
};

void CountOutcome(const RequestRecord& record, const RequestParties& parties, base::Instant ended,
                  WorkerContext& worker);
void WriteAccessLog(const RequestRecord& record, const RequestParties& parties, base::Instant ended,
                    metrics::AccessLogRing& log);

}  // namespace headgate::proxy
