#include "routing/compile/listener.h"

#include <algorithm>
#include <limits>

#include "base/arena.h"
#include "base/slab.h"
#include "config/defaults.h"
#include "config/text.h"
#include "routing/compile/path.h"
#include "routing/compile/policies.h"

namespace headgate::routing {
namespace {

namespace defaults = config::defaults;
using config::Limits;

uint32_t Narrow(uint64_t value) {
  return static_cast<uint32_t>(std::min<uint64_t>(value, std::numeric_limits<uint32_t>::max()));
}

LimitsPolicy CompileLimits(const Limits& global, const config::Box<Limits>& own) {
  const auto setting = [&](auto Limits::* key) -> const auto& {
    return own ? ((*own).*key).Or(global.*key) : global.*key;
  };
  const auto number = [&](config::Setting<uint64_t> Limits::* key, uint64_t absent) {
    return Narrow(setting(key).ValueOr(absent, 0));
  };
  const auto time = [&](config::Setting<config::Duration> Limits::* key, base::Duration absent) {
    return CompileDuration(setting(key), absent);
  };
  LimitsPolicy limits;
  limits.request_head_bytes = number(&Limits::request_head, defaults::kRequestHeadBytes);
  limits.field_bytes = number(&Limits::field_size, defaults::kFieldSizeBytes);
  limits.fields = number(&Limits::fields, defaults::kFields);
  limits.target_bytes = number(&Limits::target, defaults::kTargetBytes);
  limits.head_timeout = time(&Limits::head_timeout, defaults::kHeadTimeout);
  limits.keep_alive = time(&Limits::keep_alive, defaults::kKeepAlive);
  limits.tls_handshake = time(&Limits::tls_handshake, defaults::kTlsHandshake);
  limits.body_idle = time(&Limits::body_idle, defaults::kBodyIdle);
  limits.body_bytes_per_second = number(&Limits::body_rate, defaults::kBodyRateBytesPerSecond);
  limits.read_bytes_per_second = number(&Limits::read_rate, defaults::kReadRateBytesPerSecond);
  limits.upstream_head_bytes = number(&Limits::upstream_head, defaults::kUpstreamHeadBytes);
  limits.stream_buffer_bytes = number(&Limits::stream_buffer, defaults::kStreamBufferBytes);
  limits.h2_streams = number(&Limits::h2_streams, defaults::kH2Streams);
  limits.h2_window_bytes = number(&Limits::h2_window, defaults::kH2WindowBytes);
  limits.h2_connection_bytes = number(&Limits::h2_connection, defaults::kH2ConnectionBytes);
  limits.max_connections_per_client = setting(&Limits::max_connections_per_client).ValueOr(0, 0);
  if (own) limits.max_connections = own->max_connections.ValueOr(0, 0);
  return limits;
}

uint16_t PublicPort(const config::Listener& listener) {
  return listener.public_port ? listener.public_port->value : listener.address.value.port;
}

// [::] takes IPv4 too unless another listener has the port for IPv4.
bool IsDualStack(const config::Model& model, const config::Listener& listener) {
  if (listener.address.value.ip != base::IpAddress()) return false;
  const uint16_t port = listener.address.value.port;
  return std::none_of(model.listeners.begin(), model.listeners.end(), [port](const config::Listener& other) {
    return other.address.value.ip == base::IpAddress::V4(0) && other.address.value.port == port;
  });
}

HttpsRedirectPolicy CompileHttpsRedirect(const config::Model& model, const config::Listener& listener,
                                         config::DiagnosticList& diagnostics) {
  HttpsRedirectPolicy redirect;
  if (!listener.https_redirect) return redirect;
  redirect.enabled = true;
  const auto& target = listener.https_redirect->listener;
  const auto found = std::find_if(model.listeners.begin(), model.listeners.end(), [&](const config::Listener& other) {
    return target ? other.name.value == target->value : other.tls.has_value();
  });
  if (found != model.listeners.end()) redirect.public_port = PublicPort(*found);
  base::SlabPool slabs;
  base::Arena arena(slabs);
  for (const auto& path : listener.https_redirect->except) {
    const auto exempt = NormalizePath(path, arena, diagnostics);
    if (exempt) redirect.except.emplace_back(exempt->match_path);
  }
  return redirect;
}

// Absent: browsers speak HTTP/2 over TLS only, and in the clear prior knowledge is something to ask for.
ProtocolsPolicy CompileProtocols(const config::Listener& listener) {
  if (listener.protocols.empty()) return {.http1 = true, .h2 = listener.tls.has_value()};
  ProtocolsPolicy protocols{.http1 = false, .h2 = false};
  for (const auto& protocol : listener.protocols) {
    if (protocol.value == config::Protocol::kHttp11) protocols.http1 = true;
    if (protocol.value == config::Protocol::kH2) protocols.h2 = true;
  }
  return protocols;
}

ListenerPolicy CompileListener(const config::Model& model, const config::Listener& listener,
                               config::DiagnosticList& diagnostics) {
  ListenerPolicy policy;
  policy.name = listener.name.value;
  policy.address = CompileAddress(listener.address.value);
  policy.dual_stack = IsDualStack(model, listener);
  policy.public_port = PublicPort(listener);
  policy.https_redirect = CompileHttpsRedirect(model, listener, diagnostics);
  policy.protocols = CompileProtocols(listener);
  if (listener.proxy_protocol) policy.proxy_protocol_from = CompileCidrs(listener.proxy_protocol->from);
  policy.limits = CompileLimits(model.limits, listener.limits);
  if (!listener.tls) return policy;
  policy.tls = true;
  const bool only_tls13 = listener.tls->min_version && listener.tls->min_version->value == config::TlsVersion::kTls13;
  policy.min_version = only_tls13 ? TlsVersion::kTls13 : TlsVersion::kTls12;
  for (const config::Certificate& certificate : listener.tls->certificates) {
    policy.certificates.push_back({certificate.cert_file.value.resolved, certificate.key_file.value.resolved});
  }
  return policy;
}

UpstreamTlsPolicy CompileUpstreamTls(const config::UpstreamTls& written) {
  UpstreamTlsPolicy tls;
  tls.enabled = true;
  tls.verify = written.verify ? written.verify->value : defaults::kTlsVerify;
  if (written.server_name) tls.server_name = written.server_name->value;
  if (written.ca_file) tls.ca_file = written.ca_file->value.resolved;
  if (written.cert_file) tls.cert_file = written.cert_file->value.resolved;
  if (written.key_file) tls.key_file = written.key_file->value.resolved;
  return tls;
}

ConnectionsPolicy CompileConnections(const config::Connections& written) {
  ConnectionsPolicy connections;
  connections.max = Narrow(written.max.ValueOr(defaults::kConnectionsMax, 0));
  connections.max_pending = Narrow(written.max_pending.ValueOr(defaults::kConnectionsMaxPending, defaults::kUnlimited));
  connections.max_requests = Narrow(written.max_requests.ValueOr(defaults::kConnectionsMaxRequests, 0));
  connections.max_age = CompileDuration(written.max_age, defaults::kConnectionsMaxAge);
  connections.idle_timeout = CompileDuration(written.idle_timeout, defaults::kConnectionsIdleTimeout);
  connections.connect_timeout = CompileDuration(written.connect_timeout, defaults::kConnectTimeout);
  return connections;
}

LoadBalancingPolicy CompileLoadBalancing(config::LoadBalancing written) {
  switch (written) {
    case config::LoadBalancing::kRoundRobin:
      return LoadBalancingPolicy::kRoundRobin;
    case config::LoadBalancing::kLeastRequest:
      return LoadBalancingPolicy::kLeastRequest;
    case config::LoadBalancing::kRandom:
      return LoadBalancingPolicy::kRandom;
    case config::LoadBalancing::kRingHash:
      return LoadBalancingPolicy::kRingHash;
    case config::LoadBalancing::kMaglev:
      return LoadBalancingPolicy::kMaglev;
  }
  return LoadBalancingPolicy::kRoundRobin;
}

HashOnPolicy::By CompileHashOnBy(config::HashOnBy written) {
  switch (written) {
    case config::HashOnBy::kClientIp:
      return HashOnPolicy::By::kClientIp;
    case config::HashOnBy::kPath:
      return HashOnPolicy::By::kPath;
    case config::HashOnBy::kHeader:
      return HashOnPolicy::By::kHeader;
    case config::HashOnBy::kCookie:
      return HashOnPolicy::By::kCookie;
    case config::HashOnBy::kQuery:
      return HashOnPolicy::By::kQuery;
  }
  return HashOnPolicy::By::kClientIp;
}

HashOnPolicy CompileHashOn(const config::Optional<config::HashOn>& written, LoadBalancingPolicy policy) {
  HashOnPolicy on;
  if (policy != LoadBalancingPolicy::kRingHash && policy != LoadBalancingPolicy::kMaglev) return on;
  on.by = written ? CompileHashOnBy(written->value.by) : HashOnPolicy::By::kClientIp;
  if (!written) return on;
  const bool header = on.by == HashOnPolicy::By::kHeader;
  on.name = header ? config::Lower(written->value.name) : written->value.name;
  if (header) on.header_id = http::InternHeader(on.name);
  return on;
}

UpstreamProtocol CompileProtocol(config::Protocol written) {
  switch (written) {
    case config::Protocol::kHttp11:
      return UpstreamProtocol::kHttp1;
    case config::Protocol::kH2:
      return UpstreamProtocol::kH2;
    case config::Protocol::kH2c:
      return UpstreamProtocol::kH2c;
  }
  return UpstreamProtocol::kHttp1;
}

}  // namespace

base::SocketAddress CompileAddress(const config::HostPort& address) {
  constexpr uint32_t kLoopback = 0x7f000001;
  if (address.IsName()) return {base::IpAddress::V4(kLoopback), address.port};
  return address.ToSocketAddress();
}

std::vector<ListenerPolicy> CompileListeners(const config::Model& model, config::DiagnosticList& diagnostics) {
  std::vector<ListenerPolicy> listeners;
  for (const config::Listener& listener : model.listeners) {
    listeners.push_back(CompileListener(model, listener, diagnostics));
  }
  return listeners;
}

UpstreamPolicy CompileUpstream(const config::Upstream& upstream) {
  UpstreamPolicy policy;
  policy.name = upstream.name.value;
  if (upstream.address && upstream.address->value.IsName()) {
    policy.dns_host = upstream.address->value.name;
    policy.dns_port = upstream.address->value.port;
  } else if (upstream.address) {
    policy.endpoints.push_back({CompileAddress(upstream.address->value), defaults::kEndpointWeight});
  }
  for (const config::Endpoint& endpoint : upstream.endpoints) {
    const uint32_t weight = endpoint.weight ? endpoint.weight->value : defaults::kEndpointWeight;
    policy.endpoints.push_back({CompileAddress(endpoint.address.value), weight});
  }
  if (upstream.load_balancing) policy.load_balancing = CompileLoadBalancing(upstream.load_balancing->value);
  policy.hash_on = CompileHashOn(upstream.hash_on, policy.load_balancing);
  if (upstream.protocol) policy.protocol = CompileProtocol(upstream.protocol->value);
  if (upstream.tls) policy.tls = CompileUpstreamTls(*upstream.tls);
  if (upstream.connections) policy.connections = CompileConnections(*upstream.connections);
  return policy;
}

}  // namespace headgate::routing
