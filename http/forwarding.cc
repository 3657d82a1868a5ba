#include "http/forwarding.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "http/ascii.h"
#include "http/field_list.h"
#include "http/header_traits.h"
#include "http/uri.h"

namespace headgate::http {
namespace {

constexpr std::string_view kPrefix = "x-forwarded-";

bool IsForwardingField(const HeaderField& field) noexcept {
  if (field.id == HeaderId::kOther) return field.name.starts_with(kPrefix);
  return TraitsOf(field.id).forwarding;
}

// An element of X-Forwarded-For; some proxies add the port, or brackets.
std::optional<base::IpAddress> ParseElement(std::string_view text) noexcept {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  const auto ip = base::IpAddress::Parse(text);
  if (ip.has_value()) return ip;
  const auto address = base::SocketAddress::Parse(text);
  return address.has_value() ? std::optional(address->ip) : std::nullopt;
}

std::string_view FormatIp(const base::IpAddress& ip, base::Arena& arena) {
  std::array<char, base::IpAddress::kTextMax> text;
  return arena.Copy({text.data(), ip.Format(text)});
}

std::string_view FormatPort(uint16_t port, base::Arena& arena) {
  std::array<char, 5> text;
  const char* end = std::to_chars(text.data(), text.data() + text.size(), port).ptr;
  return arena.Copy({text.data(), static_cast<size_t>(end - text.data())});
}

base::IpAddress ClientBehind(std::string_view list, const ForwardingInput& input) noexcept {
  base::IpAddress client = input.peer;
  while (!list.empty()) {
    const size_t comma = list.rfind(',');
    const std::string_view element = TrimOws(comma == std::string_view::npos ? list : list.substr(comma + 1));
    list = list.substr(0, comma == std::string_view::npos ? 0 : comma);
    if (element.empty()) continue;  // RFC 9110 5.6.1.2
    const auto ip = ParseElement(element);
    if (!ip.has_value()) return client;
    client = *ip;
    if (!base::Contains(input.trusted, client)) return client;
  }
  return client;
}

// A WebSocket's schemes name the same connections (RFC 6455 3).
std::optional<Scheme> ParseScheme(std::string_view text) noexcept {
  if (EqualsIgnoreCase(text, "https") || EqualsIgnoreCase(text, "wss")) return Scheme::kHttps;
  if (EqualsIgnoreCase(text, "http") || EqualsIgnoreCase(text, "ws")) return Scheme::kHttp;
  return std::nullopt;
}

std::string_view SchemeText(Scheme scheme) noexcept { return scheme == Scheme::kHttps ? "https" : "http"; }

bool IsPort(std::string_view text) noexcept {
  uint64_t port = 0;
  return text.size() <= 5 && ParseDecimal(text, port) && port != 0 && port <= 65535;
}

// HTTP/1.0 may have none.
void SetHost(std::string_view host, HeaderMap& headers) {
  if (host.empty()) {
    headers.Remove(HeaderId::kXForwardedHost);
  } else {
    headers.Set(HeaderId::kXForwardedHost, host);
  }
}

// What a trusted peer said of the client's connection stays where it is sound: the first of a list, which is what the
// proxy nearest to the client said.
void CompleteConnectionFields(const ForwardingInput& input, RequestHead& head) {
  HeaderMap& headers = head.headers;
  const std::optional<Scheme> told = ParseScheme(FirstElement(headers, HeaderId::kXForwardedProto));
  const Scheme scheme = told.value_or(input.scheme);
  uint16_t port = input.public_port;
  if (told.has_value()) {
    head.scheme = scheme;
    port = head.port != 0 ? head.port : scheme == Scheme::kHttps ? 443 : 80;
  }
  const std::string_view host = FirstElement(headers, HeaderId::kXForwardedHost);
  const std::string_view port_text = FirstElement(headers, HeaderId::kXForwardedPort);
  headers.Set(HeaderId::kXForwardedProto, SchemeText(scheme));
  headers.Set(HeaderId::kXForwardedPort, IsPort(port_text) ? port_text : FormatPort(port, headers.arena()));
  SetHost(ParseAuthority(host, headers.arena()).ok() ? host : head.authority, headers);
}

void AddAll(const ForwardingInput& input, std::string_view peer, RequestHead& head) {
  HeaderMap& headers = head.headers;
  headers.Add(HeaderId::kXForwardedFor, peer);
  headers.Add(HeaderId::kXRealIp, peer);
  headers.Add(HeaderId::kXForwardedProto, SchemeText(input.scheme));
  if (!head.authority.empty()) headers.Add(HeaderId::kXForwardedHost, head.authority);
  headers.Add(HeaderId::kXForwardedPort, FormatPort(input.public_port, headers.arena()));
}

}  // namespace

void RemoveForwardingFields(HeaderMap& headers) noexcept { headers.RemoveIf(IsForwardingField); }

base::IpAddress ApplyForwarding(const ForwardingInput& input, RequestHead& head) {
  HeaderMap& headers = head.headers;
  base::Arena& arena = headers.arena();
  const std::string_view peer = input.peer_text.empty() ? FormatIp(input.peer, arena) : input.peer_text;
  if (!base::Contains(input.trusted, input.peer)) {
    RemoveForwardingFields(headers);
    AddAll(input, peer, head);
    return input.peer;
  }
  const std::string_view list = JoinLines(headers, HeaderId::kXForwardedFor);
  base::IpAddress client = ClientBehind(list, input);
  if (list.empty()) client = base::IpAddress::Parse(headers.Get(HeaderId::kXRealIp)).value_or(input.peer);
  headers.Set(HeaderId::kXForwardedFor, list.empty() ? peer : arena.Concat({list, ", ", peer}));
  headers.Set(HeaderId::kXRealIp, client == input.peer ? peer : FormatIp(client, arena));
  CompleteConnectionFields(input, head);
  return client;
}

}  // namespace headgate::http
