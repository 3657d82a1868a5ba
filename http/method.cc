#include "http/method.h"

#include <array>

namespace headgate::http {
namespace {

constexpr std::array<std::string_view, kMethodCount + 1> kNames = {
    "GET",    "HEAD",   "POST",      "PUT",    "DELETE",   "CONNECT",   "OPTIONS",     "TRACE",      "PATCH",
    "ACL",    "BIND",   "CHECKOUT",  "COPY",   "LINK",     "LOCK",      "MERGE",       "MKACTIVITY", "MKCALENDAR",
    "MKCOL",  "MOVE",   "M-SEARCH",  "NOTIFY", "PROPFIND", "PROPPATCH", "PURGE",       "REBIND",     "REPORT",
    "SEARCH", "SOURCE", "SUBSCRIBE", "UNBIND", "UNLINK",   "UNLOCK",    "UNSUBSCRIBE", "QUERY",      "OTHER"};
static_assert(static_cast<size_t>(Method::kOther) == kMethodCount);
static_assert(kNames[static_cast<size_t>(Method::kUnsubscribe)] == "UNSUBSCRIBE");
static_assert(kNames[static_cast<size_t>(Method::kMsearch)] == "M-SEARCH");

constexpr uint64_t Bit(Method method) { return uint64_t{1} << static_cast<unsigned>(method); }
// RFC 9110 9.2.1 and the registry of methods (IANA http-methods).
constexpr uint64_t kSafe = Bit(Method::kGet) | Bit(Method::kHead) | Bit(Method::kOptions) | Bit(Method::kTrace) |
                           Bit(Method::kPropfind) | Bit(Method::kReport) | Bit(Method::kSearch) | Bit(Method::kQuery);
constexpr uint64_t kIdempotent =
    kSafe | Bit(Method::kPut) | Bit(Method::kDelete) | Bit(Method::kAcl) | Bit(Method::kBind) | Bit(Method::kCheckout) |
    Bit(Method::kCopy) | Bit(Method::kLink) | Bit(Method::kMerge) | Bit(Method::kMkactivity) |
    Bit(Method::kMkcalendar) | Bit(Method::kMkcol) | Bit(Method::kMove) | Bit(Method::kProppatch) |
    Bit(Method::kRebind) | Bit(Method::kUnbind) | Bit(Method::kUnlink) | Bit(Method::kUnlock);

}  // namespace

std::string_view MethodName(Method method) noexcept { return kNames[static_cast<size_t>(method)]; }

std::optional<Method> ParseMethod(std::string_view token) noexcept {
  for (size_t i = 0; i < kMethodCount; ++i) {
    if (kNames[i] == token) return static_cast<Method>(i);
  }
  return std::nullopt;
}

bool IsSafe(Method method) noexcept { return (kSafe & Bit(method)) != 0; }
bool IsIdempotent(Method method) noexcept { return (kIdempotent & Bit(method)) != 0; }

}  // namespace headgate::http
