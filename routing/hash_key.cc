#include "routing/hash_key.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/hash.h"
#include "http/cookie.h"
#include "http/uri.h"
#include "routing/conditions.h"
#include "routing/session_cookie.h"
#include "routing/split.h"

namespace headgate::routing {
namespace {

HashKey KeyOf(std::string_view text) noexcept { return {std::max<uint64_t>(base::StableHash64(text, 0), 1), {}}; }

HashKey KeyOfHeader(const HashOnPolicy& on, const http::RequestHead& head) noexcept {
  if (on.header_id == http::HeaderId::kHost) return KeyOf(head.authority);
  const http::HeaderField* field = head.headers.Find(on.header_id, on.name);
  return field == nullptr ? HashKey{} : KeyOf(field->value);
}

HashKey KeyOfCookie(const HashOnPolicy& on, const http::RequestHead& head, base::Rng& rng, base::Arena& arena) {
  if (const auto value = http::FindCookie(head.headers, on.name)) return KeyOf(*value);
  const uint64_t made = rng.Next();
  std::array<char, kKeyTextBytes> text;
  FormatKey(made, text);
  HashKey key = KeyOf({text.data(), text.size()});
  key.set_cookie = ComposeSessionCookie(on.name, made, base::Duration(0), head.scheme, arena);
  return key;
}

HashKey KeyOfQuery(const HashOnPolicy& on, const http::RequestHead& head, base::Arena& arena) {
  std::string_view query = head.query;
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    const size_t equals = pair.find('=');
    if (!DecodesTo(pair.substr(0, equals), on.name)) continue;
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    return KeyOf(http::DecodeQueryComponent(value, arena));
  }
  return {};
}

}  // namespace

HashKey HashKeyOf(const HashOnPolicy& on, const http::RequestHead& head, const base::IpAddress& client, base::Rng& rng,
                  base::Arena& arena) {
  switch (on.by) {
    case HashOnPolicy::By::kNone:
      return {};
    case HashOnPolicy::By::kClientIp:
      return KeyOf({reinterpret_cast<const char*>(client.bytes().data()), client.bytes().size()});
    case HashOnPolicy::By::kPath:
      return KeyOf(head.path);
    case HashOnPolicy::By::kHeader:
      return KeyOfHeader(on, head);
    case HashOnPolicy::By::kCookie:
      return KeyOfCookie(on, head, rng, arena);
    case HashOnPolicy::By::kQuery:
      return KeyOfQuery(on, head, arena);
  }
  return {};
}

}  // namespace headgate::routing
