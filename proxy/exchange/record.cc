#include "proxy/exchange/record.h"

#include <array>

#include "http/method.h"
#include "proxy/context/client_info.h"
#include "proxy/exchange/forwarder.h"
#include "proxy/exchange/route_hold.h"
#include "proxy/reply/outcome.h"

namespace headgate::proxy {

using base::Instant;
using http::HeaderId;

namespace {

std::string_view ProtocolName(http::Version version) noexcept {
  switch (version) {
    case http::Version::kHttp10:
      return "HTTP/1.0";
    case http::Version::kHttp11:
      return "HTTP/1.1";
    case http::Version::kHttp2:
      return "HTTP/2";
  }
  return "";
}

bool IsLowerHex(std::string_view text) noexcept {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool IsAllZero(std::string_view text) noexcept { return text.find_first_not_of('0') == std::string_view::npos; }

// The 32 hex digits of a W3C traceparent's trace-id (version-id-parent-flags); empty when the field is not one. Later
// versions may append to it.
std::string_view TraceIdOf(std::string_view traceparent) noexcept {
  constexpr size_t kBytes = 55;
  if (traceparent.size() < kBytes) return {};
  const std::string_view version = traceparent.substr(0, 2);
  const std::string_view id = traceparent.substr(3, 32);
  const std::string_view parent = traceparent.substr(36, 16);
  const std::string_view flags = traceparent.substr(53, 2);
  const bool ends = traceparent.size() == kBytes || (version != "00" && traceparent[kBytes] == '-');
  const bool shaped = traceparent[2] == '-' && traceparent[35] == '-' && traceparent[52] == '-' && ends;
  const bool hex = IsLowerHex(version) && IsLowerHex(id) && IsLowerHex(parent) && IsLowerHex(flags);
  return shaped && hex && version != "ff" && !IsAllZero(id) && !IsAllZero(parent) ? id : std::string_view();
}

}  // namespace

void RequestRecord::Begin(const http::RequestHead& head, Instant first_byte, const WorkerContext& worker) {
  started = first_byte;
  wall_started = worker.wall_now - (worker.now - first_byte);
  method = head.method;
  version = head.version;
  host = head.host;
  path = head.path;
  query = head.query;
  user_agent = head.headers.Get(HeaderId::kUserAgent);
  referer = head.headers.Get(HeaderId::kReferer);
  trace_id = TraceIdOf(head.headers.Get(HeaderId::kTraceparent));
}

void CountOutcome(const RequestRecord& record, const RequestParties& parties, Instant ended, WorkerContext& worker) {
  metrics::Shard& cells = worker.shard;
  const RouteHold& route = parties.route;
  const metrics::BackendSeries& backend = route.backend_series();
  if (!record.tunnel) {
    cells.CountRequest(backend.requests, metrics::MethodLabel(static_cast<unsigned>(record.method)), record.status);
    if (record.grpc) cells.CountGrpc(backend.requests, record.grpc_status);
    cells.Observe(backend.duration, ended - record.started);
    if (route.has_backend() && record.upstream_ended != Instant{}) {
      cells.Observe(worker.series.proxy_overhead, parties.forwarder.overhead() + (ended - record.upstream_ended));
    }
  }
  if (record.bytes_in > 0) cells.Add(route.series().request_bytes, record.bytes_in);
  if (record.bytes_out > 0) cells.Add(route.series().response_bytes, record.bytes_out);
  if (record.error.code == base::ErrorCode::kNone) return;
  const Outcome outcome = OutcomeOf(record.error.code);
  if (outcome.reject_reason && route.policy() == nullptr) {
    cells.Add(worker.series.requests_rejected[metrics::Index(*outcome.reject_reason)]);
  } else {
    cells.CountError(route.series().errors, outcome.proxy_reason);
  }
}

void WriteAccessLog(const RequestRecord& record, const RequestParties& parties, Instant ended,
                    metrics::AccessLogRing& log) {
  if (!log.Wanted()) return;
  std::array<char, base::IpAddress::kTextMax> text;
  const ClientInfo& connection = parties.connection;
  const std::string_view client = parties.client == connection.peer
                                      ? connection.peer_text
                                      : std::string_view(text.data(), parties.client.Format(text));
  log.Write({.time = record.wall_started,
             .request_id = record.request_id,
             .client = client,
             .method = http::MethodName(record.method),
             .host = record.host,
             .path = record.path,
             .query = record.query,
             .protocol = ProtocolName(record.version),
             .route = parties.route.route_name(),
             .upstream = parties.route.upstream_name(),
             .endpoint = parties.forwarder.endpoint(),
             .reason = base::ErrorCodeName(record.error.code),
             .detail = record.error.detail,
             .tls = connection.tls_version,
             .user_agent = record.user_agent,
             .referer = record.referer,
             .trace_id = record.trace_id,
             .bytes_in = record.bytes_in,
             .bytes_out = record.bytes_out,
             .duration = ended - record.started,
             .upstream_duration = parties.forwarder.head_time(),
             .attempts = parties.forwarder.attempts(),
             .code = record.status});
}

}  // namespace headgate::proxy
