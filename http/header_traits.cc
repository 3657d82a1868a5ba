#include "http/header_traits.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "http/ascii.h"

namespace headgate::http {
namespace {

constexpr std::string_view kForwardedPrefix = "x-forwarded-";
constexpr size_t kNameBytesMax = 64;  // no name that matters is longer, but for what follows a prefix

constexpr auto MakeTraits() {
  std::array<HeaderTraits, kHeaderIdCount> table{};
  const auto set = [&table](HeaderId id, HeaderTraits traits) { table[static_cast<size_t>(id)] = traits; };
  using enum HeaderId;
  // rule, matters, barred in trailers, forwarding, ours
  set(kOther, {FieldRule::kMaybeImitation, false, false, false, false});
  set(kHost, {FieldRule::kHost, true, true, false, true});
  set(kContentLength, {FieldRule::kContentLength, true, true, false, true});
  set(kTransferEncoding, {FieldRule::kTransferEncoding, true, true, false, true});
  set(kConnection, {FieldRule::kConnection, true, true, false, true});
  set(kKeepAlive, {FieldRule::kHop, false, true, false, true});
  set(kProxyConnection, {FieldRule::kHop, false, true, false, true});
  set(kHttp2Settings, {FieldRule::kHop, false, true, false, true});
  set(kUpgrade, {FieldRule::kUpgrade, false, true, false, true});
  set(kTe, {FieldRule::kTe, false, true, false, true});
  set(kTrailer, {FieldRule::kKeep, false, true, false, false});
  set(kExpect, {FieldRule::kExpect, true, true, false, true});
  set(kContentType, {FieldRule::kContentType, true, true, false, false});
  set(kSecWebSocketKey, {FieldRule::kWebSocketKey, true, true, false, false});
  set(kSecWebSocketVersion, {FieldRule::kWebSocketVersion, true, true, false, false});
  set(kSecWebSocketAccept, {FieldRule::kKeep, true, true, false, false});
  for (HeaderId id : {kForwarded, kXForwardedClientCert, kXForwardedFor, kXForwardedHost, kXForwardedPort,
                      kXForwardedProto, kXRealIp, kXRequestId}) {
    set(id, {FieldRule::kKeep, true, true, true, true});
  }
  for (HeaderId id : {kAuthorization, kProxyAuthorization, kProxyAuthenticate, kWwwAuthenticate, kCookie, kSetCookie,
                      kContentEncoding, kCacheControl, kLocation, kMaxForwards, kRange, kVia, kRetryAfter}) {
    set(id, {FieldRule::kKeep, true, true, false, false});
  }
  set(kCdnLoop, {FieldRule::kKeep, true, true, false, true});
  for (HeaderId id : {kOrigin, kDate, kServer, kTraceparent, kGrpcStatus, kGrpcMessage, kGrpcTimeout, kAccept,
                      kAcceptEncoding, kReferer, kUserAgent}) {
    set(id, {FieldRule::kKeep, true, false, false, false});
  }
  return table;
}
constexpr auto kTraits = MakeTraits();

}  // namespace

const HeaderTraits& TraitsOf(HeaderId id) noexcept { return kTraits[static_cast<size_t>(id)]; }

bool ImitatesOurField(std::string_view lower_case) noexcept {
  if (lower_case.find('_') == std::string_view::npos) return false;
  lower_case = lower_case.substr(0, kNameBytesMax);
  char text[kNameBytesMax];
  std::replace_copy(lower_case.begin(), lower_case.end(), text, '_', '-');
  const std::string_view name(text, lower_case.size());
  return TraitsOf(InternHeader(name)).ours || name.starts_with(kForwardedPrefix);
}

bool MattersToConnection(std::string_view name) noexcept {
  name = name.substr(0, kNameBytesMax);
  char text[kNameBytesMax];
  std::memcpy(text, name.data(), name.size());
  LowerInPlace(text, name.size());
  const std::string_view lower(text, name.size());
  return TraitsOf(InternHeader(lower)).matters || lower.starts_with(kForwardedPrefix);
}

}  // namespace headgate::http
