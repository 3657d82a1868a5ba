#include "config/parse.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

#include "config/text.h"

namespace headgate::config {
namespace {

constexpr std::chrono::hours kDurationMax{24 * 3653};
constexpr size_t kDnsNameBytesMax = 253;
constexpr size_t kDnsLabelBytesMax = 63;
constexpr size_t kNameBytesMax = 128;
constexpr uint32_t kPpmPerPercent = 10'000;
constexpr size_t kPercentDecimalsMax = 4;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlphanumeric(char c) { return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

template <class Predicate>
bool All(std::string_view text, Predicate predicate) {
  return std::all_of(text.begin(), text.end(), predicate);
}

// The count at the front and the unit behind it.
struct Quantity {
  uint64_t count = 0;
  std::string_view unit;
};

std::optional<Quantity> ParseQuantity(std::string_view text) {
  const auto digits = static_cast<size_t>(std::find_if_not(text.begin(), text.end(), IsDigit) - text.begin());
  const std::optional<uint64_t> count = ParseCount(text.substr(0, digits));
  if (!count) return std::nullopt;
  return Quantity{*count, text.substr(digits)};
}

bool IsDnsLabel(std::string_view label) {
  if (label.empty() || label.size() > kDnsLabelBytesMax || label.front() == '-' || label.back() == '-') return false;
  return All(label, [](char c) { return IsAlphanumeric(c) || c == '-' || c == '_'; });
}

std::string_view WithoutBrackets(std::string_view text) {
  const bool bracketed = text.size() > 2 && text.front() == '[' && text.back() == ']';
  return bracketed ? text.substr(1, text.size() - 2) : text;
}

// "." or "..", also with escapes.
bool IsDots(std::string_view segment) {
  int dots = 0;
  for (; !segment.empty(); ++dots) {
    const bool escaped = segment.starts_with("%2e") || segment.starts_with("%2E");
    if (!escaped && segment.front() != '.') return false;
    segment.remove_prefix(escaped ? 3 : 1);
  }
  return dots == 1 || dots == 2;
}

}  // namespace

std::optional<uint64_t> ParseCount(std::string_view text) {
  if (text.empty() || !All(text, IsDigit) || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Duration> ParseDuration(std::string_view text) {
  struct Unit {
    std::string_view name;
    Duration length;
  };
  static constexpr std::array kUnits = {Unit{"ms", std::chrono::milliseconds(1)}, Unit{"s", std::chrono::seconds(1)},
                                        Unit{"m", std::chrono::minutes(1)}, Unit{"h", std::chrono::hours(1)}};
  const std::optional<Quantity> quantity = ParseQuantity(text);
  if (!quantity) return std::nullopt;
  for (const Unit& unit : kUnits) {
    if (unit.name != quantity->unit) continue;
    if (quantity->count > static_cast<uint64_t>(kDurationMax / unit.length)) return std::nullopt;
    return unit.length * static_cast<int64_t>(quantity->count);
  }
  return std::nullopt;
}

std::optional<uint64_t> ParseSize(std::string_view text) {
  struct Unit {
    std::string_view name;
    unsigned shift;
  };
  static constexpr std::array kUnits = {Unit{"", 0}, Unit{"KiB", 10}, Unit{"MiB", 20}, Unit{"GiB", 30}};
  const std::optional<Quantity> quantity = ParseQuantity(text);
  if (!quantity) return std::nullopt;
  for (const Unit& unit : kUnits) {
    if (unit.name != quantity->unit) continue;
    if (quantity->count > (uint64_t{1} << 62U) >> unit.shift) return std::nullopt;
    return quantity->count << unit.shift;
  }
  return std::nullopt;
}

std::optional<Percent> ParsePercent(std::string_view text) {
  if (!text.ends_with('%')) return std::nullopt;
  text.remove_suffix(1);
  const size_t dot = text.find('.');
  const std::optional<uint64_t> whole = ParseCount(text.substr(0, dot));
  if (!whole || *whole > 100) return std::nullopt;
  uint64_t ppm = *whole * kPpmPerPercent;
  if (dot != std::string_view::npos) {
    const std::string_view decimals = text.substr(dot + 1);
    if (decimals.empty() || decimals.size() > kPercentDecimalsMax || !All(decimals, IsDigit)) return std::nullopt;
    uint64_t scale = kPpmPerPercent;
    for (const char c : decimals) ppm += static_cast<uint64_t>(c - '0') * (scale /= 10);
  }
  if (ppm > 100 * kPpmPerPercent) return std::nullopt;
  return Percent{static_cast<uint32_t>(ppm)};
}

std::optional<bool> ParseBool(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

std::optional<HostPort> ParseHostPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::optional<uint64_t> port = ParseCount(text.substr(colon + 1));
  if (!port || *port == 0 || *port > 65535) return std::nullopt;
  HostPort result;
  result.port = static_cast<uint16_t>(*port);
  if (const auto address = base::SocketAddress::Parse(text)) {
    result.ip = address->ip;
    return result;
  }
  std::string_view host = text.substr(0, colon);
  if (!IsDnsName(host)) return std::nullopt;
  if (host.back() == '.') host.remove_suffix(1);
  result.name = Lower(host);
  return result;
}

bool IsDnsName(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > kDnsNameBytesMax) return false;
  if (All(text.substr(text.rfind('.') + 1), IsDigit)) return false;
  while (true) {
    const size_t dot = text.find('.');
    if (!IsDnsLabel(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool IsRouteHostname(std::string_view text) {
  if (text.starts_with("*.")) return IsDnsName(text.substr(2));
  return IsDnsName(text) || base::IpAddress::Parse(WithoutBrackets(text)).has_value();
}

bool IsToken(std::string_view text) {
  static constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && All(text, [](char c) { return IsAlphanumeric(c) || kMarks.find(c) != kMarks.npos; });
}

bool IsHeaderValue(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  if (!text.empty() && (is_space(text.front()) || is_space(text.back()))) return false;
  return All(text, [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F); });
}

bool IsCookieValue(std::string_view text) {
  static constexpr std::string_view kRefused = "\",;\\";
  return All(text, [](char c) { return c > 0x20 && c < 0x7F && kRefused.find(c) == kRefused.npos; });
}

bool IsName(std::string_view text) {
  static constexpr std::string_view kRefused = "\"'`\\{}";
  if (text.empty() || text.size() > kNameBytesMax) return false;
  return All(text, [](char c) { return c > 0x20 && c < 0x7F && kRefused.find(c) == kRefused.npos; });
}

std::string PathProblem(std::string_view text) {
  if (!text.starts_with('/')) return "a path starts with '/'";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7F) return "a path holds no spaces or control characters";
    if (c == '?' || c == '#') return "a path holds no query and no fragment";
    if (c == '\\') return "a path holds no backslash";
  }
  if (text.find("//") != std::string_view::npos) return "'//' is one '/' for matching: write one";
  std::string_view rest = text;
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const std::string_view segment = rest.substr(0, rest.find('/'));
    if (IsDots(segment)) return "a path holds no '.' or '..' segment: requests are normalised";
    rest.remove_prefix(segment.size());
  }
  return {};
}

std::string ResolvePath(std::string_view directory, std::string_view path) {
  const std::filesystem::path joined = std::filesystem::path(directory) / std::filesystem::path(path);
  std::string resolved = joined.lexically_normal().string();
  if (resolved.size() > 1 && resolved.ends_with('/')) resolved.pop_back();
  return resolved;
}

bool IsInside(std::string_view path, std::string_view directory) {
  if (directory.empty() || directory == ".") return !path.starts_with('/') && path != ".." && !path.starts_with("../");
  if (!path.starts_with(directory)) return false;
  return path.size() == directory.size() || directory.ends_with('/') || path[directory.size()] == '/';
}

}  // namespace headgate::config
