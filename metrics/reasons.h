// The closed sets of label values (reason, result, state, method): an enum and its words each.
// Constants.
// Any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headgate::metrics {

// Index of headgate_requests_total's `method`. Equals http::Method for the nine that have a name of their own.
inline constexpr std::array<std::string_view, 10> kMethodLabels = {"GET",     "HEAD",    "POST",  "PUT",   "DELETE",
                                                                   "CONNECT", "OPTIONS", "TRACE", "PATCH", "OTHER"};
inline constexpr uint8_t kMethodLabelOther = 9;

// `method` is a number of http::Method, whose first nine are those of kMethodLabels.
constexpr uint8_t MethodLabel(unsigned method) noexcept {
  return method < kMethodLabelOther ? static_cast<uint8_t>(method) : kMethodLabelOther;
}

// Why a request was refused before a route was looked for, or an HTTP/2 connection was ended for abuse:
// headgate_requests_rejected_total. From kH2ResetFlood to kH2SmallDataFlood in the order of http::h2::Abuse.
enum class RejectReason : uint8_t {
  kBadRequest,
  kSmuggling,
  kUnknownCoding,
  kUnknownMethod,
  kMethodNotAllowed,
  kVersionNotSupported,
  kHeaderTooLarge,
  kTargetTooLong,
  kExpectationFailed,
  kMisdirected,
  kLoop,
  kSlowClient,
  kH2ResetFlood,
  kH2ProvokedResetFlood,
  kH2ContinuationFlood,
  kH2HeaderBomb,
  kH2SettingsFlood,
  kH2PingFlood,
  kH2PriorityFlood,
  kH2EmptyFrameFlood,
  kH2WindowUpdateFlood,
  kH2SmallDataFlood,
  kH2StreamsRefused,  // a request beyond limits.h2Streams: REFUSED_STREAM
  kH2StalledStream,   // a response that the client gave no window for
};
inline constexpr std::array<std::string_view, 24> kRejectReasonWords = {"bad_request",
                                                                        "smuggling",
                                                                        "unknown_coding",
                                                                        "unknown_method",
                                                                        "method_not_allowed",
                                                                        "version",
                                                                        "header_too_large",
                                                                        "target_too_long",
                                                                        "expectation_failed",
                                                                        "misdirected",
                                                                        "loop",
                                                                        "slow_client",
                                                                        "h2_reset_flood",
                                                                        "h2_provoked_reset_flood",
                                                                        "h2_continuation_flood",
                                                                        "h2_header_bomb",
                                                                        "h2_settings_flood",
                                                                        "h2_ping_flood",
                                                                        "h2_priority_flood",
                                                                        "h2_empty_frame_flood",
                                                                        "h2_window_update_flood",
                                                                        "h2_small_data_flood",
                                                                        "h2_streams_refused",
                                                                        "h2_stalled_stream"};
inline constexpr size_t kRejectReasonCount = kRejectReasonWords.size();

// Why a routed request did not end well (or no route was found): headgate_proxy_errors_total.
enum class ProxyErrorReason : uint8_t {
  kNoRoute,
  kNoBackends,
  kNoEndpoint,
  kConnect,
  kTimeout,   // the upstream's or the request's deadline: 504
  kReset,     // the upstream closed or reset
  kTls,       // the upstream's TLS
  kProtocol,  // the upstream broke HTTP
  kOverload,  // pending queue, memory, connections: 503
  kBodyTooLarge,
  kSlowClient,    // the client's body made no progress: 408
  kSlowReader,    // the client does not read our response
  kClientClosed,  // 499
  kIdleTimeout,   // timeouts.idle
  kForbidden,
  kRateLimited,
  kMisdirected,
  kBadRequest,  // a body or trailer that broke the rules after the head was routed
  kDraining,
  kInternal,
};
inline constexpr std::array<std::string_view, 20> kProxyErrorReasonWords = {
    "no_route",  "no_backends",  "no_endpoint",    "connect",     "timeout",     "reset",         "tls",
    "protocol",  "overload",     "body_too_large", "slow_client", "slow_reader", "client_closed", "idle_timeout",
    "forbidden", "rate_limited", "misdirected",    "bad_request", "draining",    "internal"};
inline constexpr size_t kProxyErrorReasonCount = kProxyErrorReasonWords.size();

// How one attempt at an upstream ended: headgate_upstream_requests_total.
enum class UpstreamResult : uint8_t { kOk, k5xx, kTimeout, kReset, kConnect, kCanceled };
inline constexpr std::array<std::string_view, 6> kUpstreamResultWords = {"ok",    "5xx",     "timeout",
                                                                         "reset", "connect", "canceled"};
inline constexpr size_t kUpstreamResultCount = kUpstreamResultWords.size();

// How a new connection to an upstream ended: headgate_upstream_connects_total.
enum class ConnectResult : uint8_t { kOk, kRefused, kTimeout, kTls, kFailed };
inline constexpr std::array<std::string_view, 5> kConnectResultWords = {"ok", "refused", "timeout", "tls", "failed"};
inline constexpr size_t kConnectResultCount = kConnectResultWords.size();

// headgate_connections and headgate_upstream_connections.
enum class ConnectionState : uint8_t { kActive, kIdle };
inline constexpr std::array<std::string_view, 2> kConnectionStateWords = {"active", "idle"};
inline constexpr size_t kConnectionStateCount = kConnectionStateWords.size();

// headgate_connections_by_protocol_total: what ALPN or the first bytes chose.
enum class ConnectionProtocol : uint8_t { kHttp1, kH2 };
inline constexpr std::array<std::string_view, 2> kConnectionProtocolWords = {"http/1.1", "h2"};
inline constexpr size_t kConnectionProtocolCount = kConnectionProtocolWords.size();

// Index of headgate_grpc_requests_total's `grpc_status`.
inline constexpr std::array<std::string_view, 18> kGrpcStatusLabels = {
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "other"};
inline constexpr uint8_t kGrpcStatusOther = 17;  // none, or a number that gRPC does not have

constexpr uint8_t GrpcStatusLabel(unsigned status) noexcept {
  return status < kGrpcStatusOther ? static_cast<uint8_t>(status) : kGrpcStatusOther;
}

// headgate_upstream_endpoints.
enum class EndpointState : uint8_t { kHealthy, kUnhealthy, kEjected, kDraining };
inline constexpr std::array<std::string_view, 4> kEndpointStateWords = {"healthy", "unhealthy", "ejected", "draining"};
inline constexpr size_t kEndpointStateCount = kEndpointStateWords.size();

// How a client's TLS handshake ended: headgate_tls_handshakes_total.
enum class TlsHandshake : uint8_t {
  kTls12,
  kTls12Resumed,
  kTls13,
  kTls13Resumed,
  kTimeout,
  kClosed,              // the client went away
  kVersion,             // no protocol version in common
  kCipher,              // no cipher or group in common
  kCertificateRefused,  // the client sent an alert about our certificate
  kProtocol,            // anything else that was not TLS as we speak it
};
// result, reason, version, resumed: of one end after the other.
inline constexpr std::array<std::string_view, 40> kTlsHandshakeWords = {
    "success", "none",
    "1.2",     "false",  //
    "success", "none",
    "1.2",     "true",  //
    "success", "none",
    "1.3",     "false",  //
    "success", "none",
    "1.3",     "true",  //
    "failure", "timeout",
    "none",    "false",  //
    "failure", "closed",
    "none",    "false",  //
    "failure", "version",
    "none",    "false",  //
    "failure", "cipher",
    "none",    "false",  //
    "failure", "certificate_refused",
    "none",    "false",  //
    "failure", "protocol",
    "none",    "false",  //
};
inline constexpr size_t kTlsHandshakeCount = kTlsHandshakeWords.size() / 4;

// headgate_config_reloads_total.
inline constexpr std::array<std::string_view, 2> kReloadResultWords = {"success", "failure"};

constexpr TlsHandshake TlsHandshakeDone(bool is_tls13, bool resumed) noexcept {
  return static_cast<TlsHandshake>((is_tls13 ? 2 : 0) + (resumed ? 1 : 0));
}

template <class Enum>
constexpr size_t Index(Enum value) noexcept {
  return static_cast<size_t>(value);
}

}  // namespace headgate::metrics
