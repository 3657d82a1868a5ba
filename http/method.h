// Request methods: one table for all protocols (RFC 9110 9, the registered extensions that llhttp knows, and QUERY).
// Values.
// Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace headgate::http {

// The order is private to headgate; metrics names the first nine, the rest are OTHER there.
enum class Method : uint8_t {
  kGet,
  kHead,
  kPost,
  kPut,
  kDelete,
  kConnect,
  kOptions,
  kTrace,
  kPatch,
  kAcl,
  kBind,
  kCheckout,
  kCopy,
  kLink,
  kLock,
  kMerge,
  kMkactivity,
  kMkcalendar,
  kMkcol,
  kMove,
  kMsearch,
  kNotify,
  kPropfind,
  kProppatch,
  kPurge,
  kRebind,
  kReport,
  kSearch,
  kSource,
  kSubscribe,
  kUnbind,
  kUnlink,
  kUnlock,
  kUnsubscribe,
  kQuery,  // RFC 10008
  kOther,  // none of these, or not known: of requests that are refused, for metrics and the log only
};
inline constexpr size_t kMethodCount = 35;  // those with a token

// The method's token, as on the wire ("M-SEARCH"); "OTHER" for kOther. Case-sensitive (RFC 9110 9.1).
std::string_view MethodName(Method method) noexcept;
// Nothing for a token that is no method headgate knows (501).
std::optional<Method> ParseMethod(std::string_view token) noexcept;
// Safe and idempotent methods (RFC 9110 9.2.1, 9.2.2).
bool IsSafe(Method method) noexcept;
bool IsIdempotent(Method method) noexcept;

}  // namespace headgate::http
