#include "routing/rewrite.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "http/uri.h"
#include "routing/conditions.h"

namespace headgate::routing {
namespace {

constexpr std::string_view kAcmePath = "/.well-known/acme-challenge/";

base::Error Invalid(const char* detail) noexcept {
  return {base::ErrorCode::kInternal, base::Side::kProxy, base::Retry::kNever, detail};
}

// What is left of `path` behind the first `prefix_bytes` of its form with `//` merged: "" or "/...".
std::string_view BehindPrefix(std::string_view path, size_t prefix_bytes) noexcept {
  size_t at = 0;
  for (size_t merged = 0; merged < prefix_bytes && at < path.size(); ++merged, ++at) {
    while (at + 1 < path.size() && path[at] == '/' && path[at + 1] == '/') ++at;
  }
  return path.substr(at);
}

std::string_view ReplacePrefix(std::string_view replacement, const Match& match, const http::RequestHead& head) {
  while (replacement.ends_with('/')) replacement.remove_suffix(1);
  const std::string_view rest = BehindPrefix(head.path, match.prefix_bytes);
  if (replacement.empty() && rest.empty()) return "/";
  return head.headers.arena().Concat({replacement, rest});
}

std::string_view ReplaceByRegex(const RewritePolicy& rewrite, const http::RequestHead& head) noexcept {
  // The route may have matched the second only, because `//` is one slash.
  for (const std::string_view path : {head.path, head.match_path}) {
    const auto replaced = rewrite.regex->Replace(path, rewrite.replacement, head.headers.arena());
    if (replaced.has_value()) return *replaced;
  }
  return head.path;
}

std::string_view RewrittenPath(const RewritePolicy& rewrite, const Match& match,
                               const http::RequestHead& head) noexcept {
  switch (rewrite.kind) {
    case RewritePolicy::Kind::kNone:
      return head.path;
    case RewritePolicy::Kind::kPrefix:
      return ReplacePrefix(rewrite.replacement, match, head);
    case RewritePolicy::Kind::kPath:
      return rewrite.replacement;
    case RewritePolicy::Kind::kRegex:
      return ReplaceByRegex(rewrite, head);
  }
  return head.path;
}

uint16_t DefaultPort(std::string_view scheme) noexcept { return scheme == "https" ? 443 : 80; }

// 0, which is not written, where it is some scheme's own.
uint16_t PublicPort(uint16_t port) noexcept { return port == 80 || port == 443 ? 0 : port; }

// ":8443", or nothing for the scheme's own port.
class PortText {
 public:
  PortText(std::string_view scheme, uint16_t port) noexcept {
    if (port == 0 || port == DefaultPort(scheme)) return;
    text_[0] = ':';
    size_ = static_cast<size_t>(std::to_chars(text_.data() + 1, text_.data() + text_.size(), port).ptr - text_.data());
  }
  std::string_view view() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, 6> text_;
  size_t size_ = 0;
};

std::string_view Compose(std::string_view scheme, std::string_view host, uint16_t port, std::string_view path,
                         const http::RequestHead& head) {
  if (path == "*") path = "/";
  const std::string_view mark = head.has_query ? "?" : "";
  base::Arena& arena = head.headers.arena();
  if (host.empty()) {
    // HTTP/1.0 without Host: a path alone, which must not read as "//host".
    while (path.starts_with("//")) path.remove_prefix(1);
    return arena.Concat({path, mark, head.query});
  }
  return arena.Concat({scheme, "://", host, PortText(scheme, port).view(), path, mark, head.query});
}

}  // namespace

base::Result<void> ApplyRewrite(const RewritePolicy& rewrite, const Match& match, http::RequestHead& head) noexcept {
  if (!rewrite.hostname.empty()) head.authority = rewrite.hostname;
  if (rewrite.kind == RewritePolicy::Kind::kNone || head.path == "*") return {};
  const std::string_view path = RewrittenPath(rewrite, match, head);
  base::Arena& arena = head.headers.arena();
  const std::string_view text = path.starts_with('/') ? path : arena.Concat({"/", path});
  base::Result<http::Target> target = http::NormalizeTarget(text, arena);
  if (!target.ok()) return Invalid("a rewritten path is not valid");
  if (target.value().has_query) return Invalid("a rewritten path holds a question mark");
  head.path = target.value().path;
  return {};
}

std::string_view ComposeLocation(const RedirectAction& redirect, const Match& match, uint16_t public_port,
                                 const http::RequestHead& head) {
  const std::string_view own_scheme = head.scheme == http::Scheme::kHttps ? "https" : "http";
  const std::string_view scheme = redirect.scheme.empty() ? own_scheme : std::string_view(redirect.scheme);
  const std::string_view host = redirect.hostname.empty() ? head.host : std::string_view(redirect.hostname);
  uint16_t port = redirect.port;
  if (port == 0) port = redirect.scheme.empty() ? PublicPort(public_port) : DefaultPort(scheme);
  std::string_view path = head.path;
  switch (redirect.path_kind) {
    case RedirectAction::Path::kKeep:
      break;
    case RedirectAction::Path::kReplace:
      path = redirect.path;
      break;
    case RedirectAction::Path::kReplacePrefix:
      path = head.path == "*" ? head.path : ReplacePrefix(redirect.path, match, head);
      break;
  }
  return Compose(scheme, host, port, path, head);
}

std::string_view ComposeHttpsLocation(const HttpsRedirectPolicy& redirect, const http::RequestHead& head) {
  return Compose("https", head.host, PublicPort(redirect.public_port), head.path, head);
}

bool GoesToHttps(const HttpsRedirectPolicy& redirect, const http::RequestHead& head) noexcept {
  if (!redirect.enabled || head.scheme == http::Scheme::kHttps || head.match_path.starts_with(kAcmePath)) return false;
  return std::none_of(redirect.except.begin(), redirect.except.end(),
                      [&head](const std::string& except) { return IsPathUnder(except, head.match_path); });
}

}  // namespace headgate::routing
