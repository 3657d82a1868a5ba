#include "routing/conditions.h"

#include <array>
#include <optional>

#include "base/limits.h"
#include "http/ascii.h"
#include "http/cookie.h"

namespace headgate::routing {
namespace {

bool ValueFulfils(const ValueCondition& condition, std::string_view value) noexcept {
  switch (condition.kind) {
    case ValueCondition::Kind::kExact:
      return value == condition.value;
    case ValueCondition::Kind::kRegex:
      return condition.regex->FullMatch(value);
    case ValueCondition::Kind::kPresent:
      return true;
  }
  return false;
}

// Takes one character, decoded, off the front. Broken escapes stay as they are (http::DecodeQueryComponent).
char TakeDecoded(std::string_view& text) noexcept {
  const char c = text.front();
  if (c == '%' && text.size() >= 3) {
    const int high = http::HexValue(text[1]);
    const int low = http::HexValue(text[2]);
    if (high >= 0 && low >= 0) {
      text.remove_prefix(3);
      return static_cast<char>(high * 16 + low);
    }
  }
  text.remove_prefix(1);
  return c == '+' ? ' ' : c;
}

// The usual value needs none of the arena: many routes may ask it of one request.
bool DecodedFullMatch(const Regex& regex, std::string_view encoded, base::Arena& arena) noexcept {
  std::array<char, base::kTargetBytesMax> usual;
  char* decoded = encoded.size() <= usual.size() ? usual.data() : arena.AllocateArray<char>(encoded.size());
  size_t size = 0;
  while (!encoded.empty()) decoded[size++] = TakeDecoded(encoded);
  return regex.FullMatch({decoded, size});
}

}  // namespace

bool DecodesTo(std::string_view encoded, std::string_view plain) noexcept {
  while (!encoded.empty()) {
    if (plain.empty() || TakeDecoded(encoded) != plain.front()) return false;
    plain.remove_prefix(1);
  }
  return plain.empty();
}

bool IsPathUnder(std::string_view prefix, std::string_view path) noexcept {
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

bool HeaderFulfils(const ValueCondition& condition, const http::RequestHead& head) noexcept {
  if (condition.id == http::HeaderId::kHost) return ValueFulfils(condition, head.authority);
  for (const http::HeaderField& field : head.headers.fields()) {
    if (field.id != condition.id) continue;
    if (field.id == http::HeaderId::kOther && field.name != condition.name) continue;
    if (ValueFulfils(condition, field.value)) return true;
  }
  return false;
}

bool QueryFulfils(const ValueCondition& condition, const http::RequestHead& head) noexcept {
  std::string_view query = head.query;
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    const size_t equals = pair.find('=');
    if (pair.empty() || !DecodesTo(pair.substr(0, equals), condition.name)) continue;
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    switch (condition.kind) {
      case ValueCondition::Kind::kExact:
        return DecodesTo(value, condition.value);
      case ValueCondition::Kind::kRegex:
        return DecodedFullMatch(*condition.regex, value, head.headers.arena());
      case ValueCondition::Kind::kPresent:
        return true;
    }
  }
  return false;
}

bool CookieFulfils(const ValueCondition& condition, const http::RequestHead& head) noexcept {
  const std::optional<std::string_view> value = http::FindCookie(head.headers, condition.name);
  return value.has_value() && ValueFulfils(condition, *value);
}

bool Fulfils(const ForceCondition& force, const http::RequestHead& head) noexcept {
  return force.cookie ? CookieFulfils(force.condition, head) : HeaderFulfils(force.condition, head);
}

}  // namespace headgate::routing
