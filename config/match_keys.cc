#include "config/match_keys.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/ip.h"
#include "config/text.h"

namespace headgate::config {
namespace {

constexpr uint64_t kHighSeed = 0x68656164;
constexpr uint64_t kLowSeed = 0x67617465;

// Length before text: no two lists of texts give the same bytes.
void AppendText(std::string& out, std::string_view text) {
  out += std::to_string(text.size());
  out += ':';
  out += text;
}

void AppendValues(std::string& out, const std::vector<ValueMatch>& matches, bool lower_names) {
  std::vector<std::string> parts;
  parts.reserve(matches.size());
  for (const ValueMatch& match : matches) {
    std::string part;
    AppendText(part, lower_names ? Lower(match.name.value) : match.name.value);
    part += static_cast<char>('0' + static_cast<int>(match.kind));
    AppendText(part, match.value.value);
    parts.push_back(std::move(part));
  }
  std::sort(parts.begin(), parts.end());
  parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
  for (const std::string& part : parts) AppendText(out, part);
}

bool IsUnreserved(char c) {
  constexpr std::string_view kMarks = "-._~";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || kMarks.find(c) != kMarks.npos;
}

// As the normaliser of requests writes it (http/uri.h): what is unreserved decoded, what is above 0x7f encoded, hex
// digits in upper case. Dot segments and `//` are refused before.
std::string CanonicalPath(std::string_view path) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (size_t i = 0; i < path.size(); ++i) {
    unsigned escaped = 0;
    const char* digits = path.data() + i + 1;
    const bool is_escape =
        path[i] == '%' && i + 2 < path.size() && std::from_chars(digits, digits + 2, escaped, 16).ptr == digits + 2;
    const unsigned byte = is_escape ? escaped : static_cast<unsigned char>(path[i]);
    if (is_escape) i += 2;
    if (is_escape ? IsUnreserved(static_cast<char>(byte)) : byte < 0x80) {
      out += static_cast<char>(byte);
    } else {
      out += {'%', kHex[byte >> 4U], kHex[byte & 15U]};
    }
  }
  return out;
}

std::string CanonicalMatch(const RouteMatch& match) {
  PathMatchKind kind = PathMatchKind::kPrefix;
  std::string path = "/";
  if (match.path) {
    kind = match.path->kind;
    const std::string& written = match.path->value.value;
    path = kind == PathMatchKind::kRegex ? written : CanonicalPath(written);
  }
  if (kind == PathMatchKind::kPrefix && path.ends_with('/')) path.pop_back();
  std::string out(1, static_cast<char>('0' + static_cast<int>(kind)));
  AppendText(out, path);
  AppendText(out, match.method ? match.method->value : std::string());
  AppendValues(out, match.headers, true);
  out += '|';
  AppendValues(out, match.query_params, false);
  return out;
}

std::string CanonicalHost(std::string_view host) {
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  const auto address = base::IpAddress::Parse(bracketed ? host.substr(1, host.size() - 2) : host);
  if (address) return address->ToString();
  if (host.ends_with('.')) host.remove_suffix(1);
  return Lower(host);
}

void AddClaims(const Route& route, const std::string& host, std::vector<MatchClaim>& out) {
  const auto add = [&](const RouteMatch& match) {
    std::string bytes;
    AppendText(bytes, host);
    bytes += CanonicalMatch(match);
    const MatchKey key{base::StableHash64(bytes, kHighSeed), base::StableHash64(bytes, kLowSeed)};
    out.push_back({key, &route});
  };
  for (const RouteMatch& match : route.matches) add(match);
  if (route.matches.empty()) add(RouteMatch{});
}

}  // namespace

std::vector<MatchClaim> MatchClaims(const Model& unit) {
  std::vector<MatchClaim> claims;
  claims.reserve(unit.routes.size());
  for (const auto& route : unit.routes) {
    for (const auto& host : route->hostnames) AddClaims(*route, CanonicalHost(host.value), claims);
    if (route->hostnames.empty()) AddClaims(*route, "", claims);
  }
  return claims;
}

bool ShareListener(const Route& a, const Route& b) {
  if (a.listeners.empty() || b.listeners.empty()) return true;
  for (const auto& left : a.listeners) {
    for (const auto& right : b.listeners) {
      if (left.value == right.value) return true;
    }
  }
  return false;
}

}  // namespace headgate::config
