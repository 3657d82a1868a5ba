// Header field names that headgate itself looks at, as small numbers: a comparison instead of a string compare.
// Values.
// Any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace headgate::http {

// kOther is every name that is not in the table; it is then known by its text alone.
enum class HeaderId : uint8_t {
  kOther,
  kAccept,
  kAcceptEncoding,
  kAuthorization,
  kCacheControl,
  kCdnLoop,
  kConnection,
  kContentEncoding,
  kContentLength,
  kContentType,
  kCookie,
  kDate,
  kExpect,
  kForwarded,
  kGrpcStatus,
  kGrpcMessage,
  kGrpcTimeout,
  kHost,
  kHttp2Settings,
  kKeepAlive,
  kLocation,
  kMaxForwards,
  kOrigin,
  kProxyAuthenticate,
  kProxyAuthorization,
  kProxyConnection,
  kRange,
  kReferer,
  kRetryAfter,
  kSecWebSocketAccept,
  kSecWebSocketKey,
  kSecWebSocketVersion,
  kServer,
  kSetCookie,
  kTe,
  kTraceparent,
  kTrailer,
  kTransferEncoding,
  kUpgrade,
  kUserAgent,
  kVia,
  kWwwAuthenticate,
  kXForwardedClientCert,
  kXForwardedFor,
  kXForwardedHost,
  kXForwardedPort,
  kXForwardedProto,
  kXRealIp,
  kXRequestId,
};
inline constexpr size_t kHeaderIdCount = 49;

// `lower_case` must be lower case already. kOther when the table doesn't have it.
HeaderId InternHeader(std::string_view lower_case) noexcept;
// The lower-case text; empty for kOther.
std::string_view HeaderText(HeaderId id) noexcept;

}  // namespace headgate::http
