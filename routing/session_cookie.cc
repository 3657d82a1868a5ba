#include "routing/session_cookie.h"

#include <array>
#include <charconv>

#include "routing/split.h"

namespace headgate::routing {

std::string_view ComposeSessionCookie(std::string_view name, uint64_t key, base::Duration ttl, http::Scheme scheme,
                                      base::Arena& arena) {
  std::array<char, kKeyTextBytes> value;
  FormatKey(key, value);
  std::array<char, 24> age;
  std::string_view max_age;
  if (ttl.count() > 0) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(ttl).count();
    max_age = {age.data(), std::to_chars(age.data(), age.data() + age.size(), seconds).ptr};
  }
  return arena.Concat({name,
                       "=",
                       {value.data(), value.size()},
                       "; Path=/",
                       max_age.empty() ? "" : "; Max-Age=",
                       max_age,
                       "; HttpOnly; SameSite=Lax",
                       scheme == http::Scheme::kHttps ? "; Secure" : ""});
}

}  // namespace headgate::routing
