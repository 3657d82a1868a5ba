#include "proxy/reply/outcome.h"

namespace headgate::proxy {

using base::ErrorCode;
using metrics::ProxyErrorReason;
using metrics::RejectReason;

namespace {

Outcome Rejected(uint16_t status, RejectReason reason, ProxyErrorReason routed, bool close = true) noexcept {
  return {.status = status, .proxy_reason = routed, .reject_reason = reason, .close = close, .retry_after = false};
}

Outcome Failed(uint16_t status, ProxyErrorReason reason, bool close = false) noexcept {
  return {.status = status, .proxy_reason = reason, .reject_reason = {}, .close = close, .retry_after = status == 503};
}

}  // namespace

Outcome OutcomeOf(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kNone:
      return Failed(200, ProxyErrorReason::kInternal);
    case ErrorCode::kBadRequest:
      return Rejected(400, RejectReason::kBadRequest, ProxyErrorReason::kBadRequest);
    case ErrorCode::kSmuggling:
      return Rejected(400, RejectReason::kSmuggling, ProxyErrorReason::kBadRequest);
    case ErrorCode::kUnknownCoding:
      return Rejected(501, RejectReason::kUnknownCoding, ProxyErrorReason::kBadRequest);
    case ErrorCode::kUnknownMethod:
      return Rejected(501, RejectReason::kUnknownMethod, ProxyErrorReason::kBadRequest);
    case ErrorCode::kMethodNotAllowed:
      return Rejected(405, RejectReason::kMethodNotAllowed, ProxyErrorReason::kBadRequest);
    case ErrorCode::kVersionNotSupported:
      return Rejected(505, RejectReason::kVersionNotSupported, ProxyErrorReason::kBadRequest);
    case ErrorCode::kHeaderTooLarge:
      return Rejected(431, RejectReason::kHeaderTooLarge, ProxyErrorReason::kBadRequest);
    case ErrorCode::kTargetTooLong:
      return Rejected(414, RejectReason::kTargetTooLong, ProxyErrorReason::kBadRequest);
    case ErrorCode::kExpectationFailed:
      return Rejected(417, RejectReason::kExpectationFailed, ProxyErrorReason::kBadRequest);
    case ErrorCode::kMisdirected:
      return Rejected(421, RejectReason::kMisdirected, ProxyErrorReason::kMisdirected, /*close=*/false);
    case ErrorCode::kLoop:
      return Rejected(508, RejectReason::kLoop, ProxyErrorReason::kInternal, /*close=*/false);
    case ErrorCode::kHeadTimeout:
      return Rejected(408, RejectReason::kSlowClient, ProxyErrorReason::kSlowClient);
    case ErrorCode::kBodyTooLarge:
      return Failed(413, ProxyErrorReason::kBodyTooLarge, /*close=*/true);
    case ErrorCode::kBodyTimeout:
      return Failed(408, ProxyErrorReason::kSlowClient, /*close=*/true);
    case ErrorCode::kSlowReader:
      return Failed(499, ProxyErrorReason::kSlowReader, /*close=*/true);
    case ErrorCode::kClientClosed:
      return Failed(499, ProxyErrorReason::kClientClosed, /*close=*/true);
    case ErrorCode::kIdleTimeout:
      return Failed(504, ProxyErrorReason::kIdleTimeout, /*close=*/true);
    case ErrorCode::kForbidden:
      return Failed(403, ProxyErrorReason::kForbidden);
    case ErrorCode::kRateLimited:
      return Failed(429, ProxyErrorReason::kRateLimited);
    case ErrorCode::kNoRoute:
      return Failed(404, ProxyErrorReason::kNoRoute);
    case ErrorCode::kNoBackends:
      return Failed(500, ProxyErrorReason::kNoBackends);
    case ErrorCode::kNoEndpoint:
      return Failed(503, ProxyErrorReason::kNoEndpoint);
    case ErrorCode::kOverload:
      return Failed(503, ProxyErrorReason::kOverload);
    case ErrorCode::kDraining:
      return Failed(503, ProxyErrorReason::kDraining, /*close=*/true);
    case ErrorCode::kInternal:
      return Failed(500, ProxyErrorReason::kInternal, /*close=*/true);
    case ErrorCode::kConnectRefused:
    case ErrorCode::kConnectFailed:
      return Failed(502, ProxyErrorReason::kConnect);
    case ErrorCode::kConnectTimeout:
      return Failed(504, ProxyErrorReason::kConnect);
    case ErrorCode::kUpstreamTls:
      return Failed(502, ProxyErrorReason::kTls);
    case ErrorCode::kUpstreamReset:
      return Failed(502, ProxyErrorReason::kReset);
    case ErrorCode::kUpstreamProtocol:
    case ErrorCode::kUpstreamHeaderTooLarge:
      return Failed(502, ProxyErrorReason::kProtocol);
    case ErrorCode::kUpstreamTimeout:
    case ErrorCode::kRequestTimeout:
      return Failed(504, ProxyErrorReason::kTimeout);
  }
  return Failed(500, ProxyErrorReason::kInternal, /*close=*/true);
}

RejectReason RejectReasonOf(http::h2::Abuse abuse) noexcept {
  using http::h2::Abuse;
  switch (abuse) {
    case Abuse::kResets:
      return RejectReason::kH2ResetFlood;
    case Abuse::kProvokedResets:
      return RejectReason::kH2ProvokedResetFlood;
    case Abuse::kContinuation:
      return RejectReason::kH2ContinuationFlood;
    case Abuse::kHeaderBomb:
      return RejectReason::kH2HeaderBomb;
    case Abuse::kSettings:
      return RejectReason::kH2SettingsFlood;
    case Abuse::kPings:
      return RejectReason::kH2PingFlood;
    case Abuse::kPriority:
      return RejectReason::kH2PriorityFlood;
    case Abuse::kEmptyFrames:
      return RejectReason::kH2EmptyFrameFlood;
    case Abuse::kSmallWindowUpdates:
      return RejectReason::kH2WindowUpdateFlood;
    case Abuse::kSmallData:
      return RejectReason::kH2SmallDataFlood;
  }
  return RejectReason::kBadRequest;
}

const char* PublicReason(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kNone:
      return "";
    case ErrorCode::kBadRequest:
    case ErrorCode::kSmuggling:
      return "malformed request";
    case ErrorCode::kUnknownCoding:
      return "unknown transfer coding";
    case ErrorCode::kUnknownMethod:
      return "unknown method";
    case ErrorCode::kMethodNotAllowed:
      return "method not allowed";
    case ErrorCode::kVersionNotSupported:
      return "HTTP version not supported";
    case ErrorCode::kHeaderTooLarge:
      return "request head too large";
    case ErrorCode::kTargetTooLong:
      return "request target too long";
    case ErrorCode::kBodyTooLarge:
      return "request body too large";
    case ErrorCode::kExpectationFailed:
      return "unknown expectation";
    case ErrorCode::kMisdirected:
      return "this connection's certificate is not for that host";
    case ErrorCode::kHeadTimeout:
    case ErrorCode::kBodyTimeout:
      return "the request did not arrive in time";
    case ErrorCode::kSlowReader:
    case ErrorCode::kClientClosed:
      return "client closed the request";
    case ErrorCode::kIdleTimeout:
      return "nothing moved for too long";
    case ErrorCode::kForbidden:
      return "forbidden";
    case ErrorCode::kRateLimited:
      return "too many requests";
    case ErrorCode::kNoRoute:
      return "no route for this host and path";
    case ErrorCode::kNoBackends:
      return "the route has no backend with a weight";
    case ErrorCode::kNoEndpoint:
      return "no endpoint is available";
    case ErrorCode::kLoop:
      return "the request came back: an upstream leads to this proxy";
    case ErrorCode::kOverload:
      return "overloaded";
    case ErrorCode::kDraining:
      return "shutting down";
    case ErrorCode::kInternal:
      return "internal error";
    case ErrorCode::kConnectRefused:
    case ErrorCode::kConnectFailed:
      return "could not connect to the upstream";
    case ErrorCode::kConnectTimeout:
      return "connecting to the upstream took too long";
    case ErrorCode::kUpstreamTls:
      return "the upstream's TLS failed";
    case ErrorCode::kUpstreamReset:
      return "the upstream closed the connection";
    case ErrorCode::kUpstreamProtocol:
    case ErrorCode::kUpstreamHeaderTooLarge:
      return "the upstream sent an invalid response";
    case ErrorCode::kUpstreamTimeout:
      return "the upstream did not answer in time";
    case ErrorCode::kRequestTimeout:
      return "the request's deadline passed";
  }
  return "";
}

}  // namespace headgate::proxy
