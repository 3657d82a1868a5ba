#include "config/fields/address_hints.h"

#include <algorithm>
#include <array>

#include "config/fields/idn.h"
#include "config/parse.h"
#include "config/text.h"

namespace headgate::config {
namespace {

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool IsPort(std::string_view text) {
  const auto port = ParseCount(text);
  return port && *port >= 1 && *port <= 65535;
}

// What a URL is made of; without a scheme, an authority and what follows it.
struct Parts {
  std::string_view scheme;
  std::string_view host;  // IPv6 in its brackets
  std::string_view port;  // what is behind the colon; empty: no colon
  std::string_view path;
};

Parts PartsOf(std::string_view text) {
  Parts parts;
  if (const size_t scheme = text.find("://"); scheme != text.npos) {
    parts.scheme = text.substr(0, scheme);
    text.remove_prefix(scheme + 3);
  }
  const size_t path = std::min(text.find('/'), text.size());
  parts.path = text.substr(path);
  text = text.substr(0, path);
  const size_t colon = text.rfind(':');
  const bool has_port = colon != text.npos && text.find(']', colon) == text.npos;
  parts.host = text.substr(0, has_port ? colon : text.size());
  if (has_port) parts.port = text.substr(colon + 1);
  return parts;
}

// The address that was meant, or empty. `any`: what stands for a host that is left out.
std::string AddressOf(std::string_view text, std::string_view any) {
  if (IsPort(text)) return std::string(any) + ":" + std::string(text);
  // An IPv6 address without its brackets, perhaps with a port.
  if (base::IpAddress::Parse(text) && text.find(':') != text.npos) {
    const size_t colon = text.rfind(':');
    const std::string_view host = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    const bool ported = port.size() > 3 || port == "80" || port == "443" || host.ends_with(':');
    if (ported && IsPort(text.substr(colon + 1)) && base::IpAddress::Parse(host)) {
      return "[" + std::string(host) + "]:" + std::string(text.substr(colon + 1));
    }
    return "[" + std::string(text) + "]:80";
  }
  const Parts parts = PartsOf(text);
  const std::string_view fallback = parts.scheme == "https" ? "443" : "80";
  const std::string port(parts.port.empty() ? fallback : parts.port);
  std::string host(parts.host);
  if (host.empty() || host == "*") host = any;
  if (host == "::") host = "[::]";
  if (!IsAscii(host)) host = AsciiHostname(host);
  const std::string address = host + ":" + port;
  return ParseHostPort(address) ? address : std::string();
}

std::string PortProblem(std::string_view text) {
  const Parts parts = PartsOf(text);
  if (parts.port.empty() || IsPort(parts.port) || !ParseCount(parts.port)) return {};
  return "a port is from 1 to 65535";
}

}  // namespace

std::string ListenAddressHint(std::string_view key, std::string_view text) {
  if (text.starts_with("unix:") || text.starts_with('/')) return "a socket in the file system is not available";
  if (std::string problem = PortProblem(text); !problem.empty()) return problem;
  const std::string address = AddressOf(text, "0.0.0.0");
  const auto parsed = ParseHostPort(address);
  if (!parsed) return {};
  if (!parsed->IsName() || parsed->IsLoopback()) return "write \"" + address + "\"";
  if (key == "endpoints") return "a name goes to the upstream's 'address' in place of 'endpoints'";
  return "an IP address of this machine: \"0.0.0.0:" + std::to_string(parsed->port) + "\" for all of them";
}

std::string UpstreamAddressHint(std::string_view text) {
  if (text.starts_with("unix:") || text.starts_with('/')) return "a socket in the file system is not available";
  if (text.find(',') != text.npos) return "several addresses: endpoints: [\"10.0.0.1:8080\", \"10.0.0.2:8080\"]";
  if (std::string problem = PortProblem(text); !problem.empty()) return problem;
  const std::string address = AddressOf(text, "127.0.0.1");
  if (address.empty()) return {};
  const Parts parts = PartsOf(text);
  const bool path = parts.path.size() > 1;
  const bool guessed = parts.port.empty() && parts.scheme.empty() && address.ends_with(":80");
  return "write \"" + address + "\"" + (guessed ? ", with the port that it listens on" : "") +
         (parts.scheme == "https" ? ", and tls: {} beside it" : "") +
         (path ? "; a path goes to the route: rewrite: {prefix: " + std::string(parts.path) + "}" : "");
}

std::string HostnameHint(const Field& field, std::string_view text) {
  const bool of_route = field.type == FieldType::kHostname;
  if (of_route && (text == "*" || text == "_" || text.empty())) return "leave 'hostnames' out: any hostname";
  if (text.find_first_of(", ") != text.npos && of_route) return "write a list: hostnames: [a.example, b.example]";
  if (!IsAscii(text)) {
    const std::string ascii = AsciiHostname(text);
    return IsRouteHostname(ascii) ? "write " + (ascii.starts_with('*') ? '"' + ascii + '"' : ascii) : std::string();
  }
  const Parts parts = PartsOf(text);
  const std::string host(parts.host);
  if (!parts.scheme.empty() || !parts.port.empty() || !parts.path.empty()) {
    if (!IsRouteHostname(host)) return {};
    return "write " + (host.starts_with('*') ? '"' + host + '"' : host) +
           (parts.path.size() > 1 && of_route ? ", and matches: [{path: {prefix: " + std::string(parts.path) + "}}]"
                                              : "");
  }
  const std::string below = "*." + host.substr(std::min(host.find_first_not_of("*."), host.size()));
  const bool dotted = host.starts_with('.') || host.starts_with('*');
  if (of_route && dotted && IsRouteHostname(below)) return "write \"" + below + "\"";
  if (host.find('*') != host.npos) return "'*' stands for whole labels, at the front only: \"*.example.com\"";
  if (host.find_first_of("~^$|()[]\\") != host.npos)
    return "a hostname is no pattern: write each, or \"*.example.com\"";
  if (host.find("..") != host.npos) return "a label between two dots is empty";
  return {};
}

std::string NetworkOf(const base::IpAddress& ip, unsigned bits) {
  std::array<uint8_t, 16> bytes = ip.bytes();
  const unsigned kept = bits + (ip.is_v4() ? 96 : 0);
  for (unsigned bit = kept; bit < 128; ++bit) bytes[bit / 8] &= static_cast<uint8_t>(~(0x80U >> (bit % 8)));
  return base::IpAddress::FromBytes(bytes).ToString() + "/" + std::to_string(bits);
}

}  // namespace headgate::config
