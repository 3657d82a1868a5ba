// Targets and authorities. What the normaliser lets through is a path without dot segments, without bytes that somebody
// could read differently, and normalising it again changes nothing.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/arena.h"
#include "base/slab.h"
#include "http/uri.h"

namespace {

using headgate::base::Arena;
using headgate::base::SlabPool;
namespace http = headgate::http;

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::abort();
}

// Percent-decodes everything once, as a careless upstream does.
std::string DecodeAll(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    Require(i + 2 < text.size(), "no broken escape is left");
    char* end = nullptr;
    const std::string digits(text.substr(i + 1, 2));
    decoded += static_cast<char>(std::strtoul(digits.c_str(), &end, 16));
    Require(end == digits.c_str() + 2 && digits[0] != '+' && digits[0] != '-', "no broken escape is left");
    i += 2;
  }
  return decoded;
}

void RequireNoDotSegments(std::string_view path) {
  Require(!path.empty() && path.front() == '/', "a path begins with a slash");
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    const std::string_view name = segment.substr(0, segment.find(';'));
    Require(name != "." && name != "..", "no dot segment, decoded or not, with a parameter or without");
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
}

void CheckTarget(std::string_view text) {
  SlabPool pool;
  Arena arena(pool);
  auto result = http::NormalizeTarget(text, arena);
  if (!result.ok()) return;
  const http::Target target = result.value();
  RequireNoDotSegments(target.path);
  RequireNoDotSegments(DecodeAll(target.path));
  RequireNoDotSegments(target.match_path);
  Require(target.match_path.find("//") == std::string_view::npos, "no double slash is matched");
  for (const char c : target.path) {
    Require(c > 0x20 && c < 0x7f && c != '\\' && c != '#' && c != '?', "only visible bytes are left in the path");
  }
  for (const char c : target.query) Require(c > 0x20 && c < 0x7f && c != '#', "only visible bytes in the query");
  const std::string decoded = DecodeAll(target.path);
  Require(decoded.find('\0') == std::string::npos && decoded.find('\\') == std::string::npos, "no %00 and no %5C");

  std::string again(target.path);
  if (target.has_query) again.append("?").append(target.query);
  auto second = http::NormalizeTarget(again, arena);
  Require(second.ok(), "what is normal is accepted");
  Require(second.value().path == target.path && second.value().match_path == target.match_path &&
              second.value().query == target.query && second.value().has_query == target.has_query,
          "normalising twice is normalising once");
  auto matched = http::NormalizeTarget(target.match_path, arena);
  Require(matched.ok() && matched.value().match_path == target.match_path, "what is matched is normal");
}

void CheckAuthority(std::string_view text) {
  SlabPool pool;
  Arena arena(pool);
  auto result = http::ParseAuthority(text, arena);
  if (!result.ok()) return;
  const std::string host(result.value().host);
  Require(!host.empty() && host.size() <= 255 && host.back() != '.', "a host is neither empty nor rooted");
  for (const char c : host)
    Require(!(c >= 'A' && c <= 'Z') && c > 0x20 && c != '@' && c != '/', "a host is lower case");
  auto second = http::ParseAuthority(host, arena);
  Require(second.ok() && second.value().host == host && second.value().port == 0, "a host is an authority");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckTarget(text);
  CheckAuthority(text);
  if (!text.empty()) CheckAuthority(text.substr(1));
  SlabPool pool;
  Arena arena(pool);
  Require(http::DecodeQueryComponent(text, arena).size() <= text.size(), "decoding makes nothing longer");
  return 0;
}
