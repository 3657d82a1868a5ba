#include "base/error.h"

namespace headgate::base {

std::string_view ErrorCodeName(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kNone:
      return "";
    case ErrorCode::kBadRequest:
      return "bad_request";
    case ErrorCode::kSmuggling:
      return "smuggling";
    case ErrorCode::kUnknownCoding:
      return "unknown_coding";
    case ErrorCode::kUnknownMethod:
      return "unknown_method";
    case ErrorCode::kMethodNotAllowed:
      return "method_not_allowed";
    case ErrorCode::kVersionNotSupported:
      return "version_not_supported";
    case ErrorCode::kHeaderTooLarge:
      return "header_too_large";
    case ErrorCode::kTargetTooLong:
      return "target_too_long";
    case ErrorCode::kBodyTooLarge:
      return "body_too_large";
    case ErrorCode::kExpectationFailed:
      return "expectation_failed";
    case ErrorCode::kMisdirected:
      return "misdirected";
    case ErrorCode::kHeadTimeout:
      return "head_timeout";
    case ErrorCode::kBodyTimeout:
      return "body_timeout";
    case ErrorCode::kSlowReader:
      return "slow_reader";
    case ErrorCode::kClientClosed:
      return "client_closed";
    case ErrorCode::kIdleTimeout:
      return "idle_timeout";
    case ErrorCode::kForbidden:
      return "forbidden";
    case ErrorCode::kRateLimited:
      return "rate_limited";
    case ErrorCode::kNoRoute:
      return "no_route";
    case ErrorCode::kNoBackends:
      return "no_backends";
    case ErrorCode::kNoEndpoint:
      return "no_endpoint";
    case ErrorCode::kLoop:
      return "loop";
    case ErrorCode::kOverload:
      return "overload";
    case ErrorCode::kDraining:
      return "draining";
    case ErrorCode::kInternal:
      return "internal";
    case ErrorCode::kConnectRefused:
      return "connect_refused";
    case ErrorCode::kConnectFailed:
      return "connect_failed";
    case ErrorCode::kConnectTimeout:
      return "connect_timeout";
    case ErrorCode::kUpstreamTls:
      return "upstream_tls";
    case ErrorCode::kUpstreamReset:
      return "upstream_reset";
    case ErrorCode::kUpstreamProtocol:
      return "upstream_protocol";
    case ErrorCode::kUpstreamHeaderTooLarge:
      return "upstream_header_too_large";
    case ErrorCode::kUpstreamTimeout:
      return "upstream_timeout";
    case ErrorCode::kRequestTimeout:
      return "request_timeout";
  }
  return "";
}

}  // namespace headgate::base
