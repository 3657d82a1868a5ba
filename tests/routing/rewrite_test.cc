#include "routing/rewrite.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/routing/request.h"

namespace headgate::routing {
namespace {

Match Covering(uint32_t prefix_bytes) { return {nullptr, 0, prefix_bytes}; }

std::string Rewritten(RewritePolicy::Kind kind, std::string_view replacement, TestRequest& request, uint32_t covered,
                      std::string_view pattern = "") {
  RewritePolicy rewrite;
  rewrite.kind = kind;
  rewrite.replacement = replacement;
  if (!pattern.empty()) rewrite.regex = Regex::Compile(pattern).value();
  const auto result = ApplyRewrite(rewrite, Covering(covered), request.head);
  return result.ok() ? std::string(request.head.path) : std::string("error: ") + result.error().detail;
}

std::string Prefix(std::string_view replacement, std::string_view path, uint32_t covered) {
  TestRequest request("h", path);
  return Rewritten(RewritePolicy::Kind::kPrefix, replacement, request, covered);
}

TEST(Rewrite, APrefixIsReplacedByWholeSegments) {
  EXPECT_EQ(Prefix("/v1", "/api/x", 4), "/v1/x");
  EXPECT_EQ(Prefix("/v1/", "/api/x", 4), "/v1/x");
  EXPECT_EQ(Prefix("/v1", "/api", 4), "/v1");
  EXPECT_EQ(Prefix("/v1", "/api/", 4), "/v1/");
  EXPECT_EQ(Prefix("/", "/api", 4), "/");
  EXPECT_EQ(Prefix("/", "/api/x", 4), "/x");
  EXPECT_EQ(Prefix("/v1", "/x", 0), "/v1/x") << "a prefix of / covers nothing";
}

TEST(Rewrite, APrefixThatWasMatchedWithSlashesMergedIsFoundInThePathAsItCame) {
  EXPECT_EQ(Prefix("/v1", "//api//v0///x//y", 7), "/v1///x//y");
  EXPECT_EQ(Prefix("/v1", "///api", 4), "/v1");
}

TEST(Rewrite, APathReplacesThePathAndTheQueryStays) {
  TestRequest request("h", "/a/b?x=1");
  EXPECT_EQ(Rewritten(RewritePolicy::Kind::kPath, "/c", request, 0), "/c");
  EXPECT_EQ(request.head.query, "x=1");
  EXPECT_EQ(request.head.match_path, "/a/b") << "the log knows the path as it came";
}

TEST(Rewrite, AnExpressionReplacesItsFirstMatchWithGroups) {
  TestRequest request("h", "/users/42/orders/users/7");
  EXPECT_EQ(Rewritten(RewritePolicy::Kind::kRegex, "/u-\\1", request, 0, "/users/([0-9]+)"), "/u-42/orders/users/7");
  TestRequest other("h", "/other");
  EXPECT_EQ(Rewritten(RewritePolicy::Kind::kRegex, "/u", other, 0, "/users"), "/other") << "nothing matched";
}

TEST(Rewrite, AnotherSlashDoesNotLeadAroundAnExpression) {
  TestRequest twice("h", "//a//secret");
  twice.head.match_path = "/a/secret";
  EXPECT_EQ(Rewritten(RewritePolicy::Kind::kRegex, "/internal/", twice, 0, "^/a/"), "/internal/secret");
  TestRequest kept("h", "/a//secret");
  EXPECT_EQ(Rewritten(RewritePolicy::Kind::kRegex, "/internal/", kept, 0, "^/a/"), "/internal//secret");
  TestRequest other("h", "//b");
  other.head.match_path = "/b";
  EXPECT_EQ(Rewritten(RewritePolicy::Kind::kRegex, "/internal/", other, 0, "^/a/"), "//b");
}

TEST(Rewrite, TheResultIsNormalisedOrRefused) {
  TestRequest dots("h", "/x/secret");
  EXPECT_EQ(Rewritten(RewritePolicy::Kind::kRegex, "/a/../", dots, 0, "^/x/"), "/secret");
  TestRequest above("h", "/x/y");
  EXPECT_EQ(Rewritten(RewritePolicy::Kind::kRegex, "/../", above, 0, "^/x/"), "error: a rewritten path is not valid");
  TestRequest bare("h", "/x/y");
  EXPECT_EQ(Rewritten(RewritePolicy::Kind::kRegex, "", bare, 0, "^/x/"), "/y");
  TestRequest nothing("h", "/x");
  EXPECT_EQ(Rewritten(RewritePolicy::Kind::kRegex, "", nothing, 0, "^/x"), "/");
  const std::string long_path = "/" + std::string(20'000, 'x');
  TestRequest twice("h", long_path);
  EXPECT_EQ(Rewritten(RewritePolicy::Kind::kRegex, "\\0\\0", twice, 0, ".*"), long_path + long_path) << "any length";
}

TEST(Rewrite, AHostnameChangesWhatIsForwardedOnly) {
  TestRequest request("shop.example.com", "/");
  RewritePolicy rewrite;
  rewrite.hostname = "inner";
  EXPECT_TRUE(ApplyRewrite(rewrite, {}, request.head).ok());
  EXPECT_EQ(request.head.authority, "inner");
  EXPECT_EQ(request.head.host, "shop.example.com");
  EXPECT_EQ(request.head.path, "/");
}

TEST(Rewrite, OptionsStarKeepsItsTarget) {
  TestRequest request("h", "*", http::Method::kOptions);
  EXPECT_EQ(Rewritten(RewritePolicy::Kind::kPath, "/c", request, 0), "*");
}

std::string Location(const RedirectAction& redirect, std::string_view target, uint16_t public_port = 80,
                     http::Scheme scheme = http::Scheme::kHttp, uint32_t covered = 0, std::string_view host = "a.com") {
  TestRequest request(host, target);
  request.head.scheme = scheme;
  return std::string(ComposeLocation(redirect, Covering(covered), public_port, request.head));
}

TEST(Redirect, KeepsWhatItDoesNotChange) {
  EXPECT_EQ(Location({}, "/a?b=c"), "http://a.com/a?b=c");
  EXPECT_EQ(Location({}, "/a?"), "http://a.com/a?");
  EXPECT_EQ(Location({}, "/", 8443, http::Scheme::kHttps), "https://a.com:8443/");
  EXPECT_EQ(Location({}, "/", 443, http::Scheme::kHttps), "https://a.com/");
  EXPECT_EQ(Location({}, "/", 443), "http://a.com/") << "a proxy in front may end TLS there";
  EXPECT_EQ(Location({}, "/", 80, http::Scheme::kHttps), "https://a.com/");
}

TEST(Redirect, SchemeHostnameAndPort) {
  RedirectAction redirect;
  redirect.scheme = "https";
  EXPECT_EQ(Location(redirect, "/a", 8080), "https://a.com/a") << "the scheme's own port";
  redirect.port = 8443;
  EXPECT_EQ(Location(redirect, "/a", 8080), "https://a.com:8443/a");
  redirect.port = 443;
  redirect.hostname = "b.com";
  EXPECT_EQ(Location(redirect, "/a", 8080), "https://b.com/a");
  EXPECT_EQ(Location({}, "/a", 8080, http::Scheme::kHttp, 0, "[::1]"), "http://[::1]:8080/a");
}

TEST(Redirect, PathAndPrefixReplacementKeepTheQuery) {
  RedirectAction redirect;
  redirect.path_kind = RedirectAction::Path::kReplace;
  redirect.path = "/new";
  EXPECT_EQ(Location(redirect, "/old?x=1"), "http://a.com/new?x=1");
  redirect.path_kind = RedirectAction::Path::kReplacePrefix;
  EXPECT_EQ(Location(redirect, "/old/a?x=1", 80, http::Scheme::kHttp, 4), "http://a.com/new/a?x=1");
  redirect.path = "/";
  EXPECT_EQ(Location(redirect, "/old", 80, http::Scheme::kHttp, 4), "http://a.com/");
}

TEST(Redirect, APathThatLooksLikeAHostStaysOnTheHost) {
  EXPECT_EQ(Location({}, "//evil.com/x"), "http://a.com//evil.com/x");
  RedirectAction strip;
  strip.path_kind = RedirectAction::Path::kReplacePrefix;
  strip.path = "/";
  EXPECT_EQ(Location(strip, "/old//evil.com", 80, http::Scheme::kHttp, 4), "http://a.com//evil.com");
  EXPECT_EQ(Location({}, "//evil.com/x", 80, http::Scheme::kHttp, 0, ""), "/evil.com/x") << "HTTP/1.0 without Host";
}

TEST(HttpsRedirect, GoesToThePublicPort) {
  HttpsRedirectPolicy redirect;
  TestRequest request("a.com", "/x?y");
  EXPECT_EQ(ComposeHttpsLocation(redirect, request.head), "https://a.com/x?y");
  redirect.public_port = 8443;
  EXPECT_EQ(ComposeHttpsLocation(redirect, request.head), "https://a.com:8443/x?y");
  redirect.public_port = 80;
  EXPECT_EQ(ComposeHttpsLocation(redirect, request.head), "https://a.com/x?y");
}

TEST(HttpsRedirect, ExceptionsAreWholeSegmentsAndAcmeIsAlwaysOne) {
  HttpsRedirectPolicy redirect;
  redirect.enabled = true;
  redirect.except = {"/healthz", "/open/"};
  const auto goes = [&redirect](std::string_view path) {
    return GoesToHttps(redirect, TestRequest("a.com", path).head);
  };
  EXPECT_FALSE(goes("/healthz"));
  EXPECT_FALSE(goes("/healthz/deep"));
  EXPECT_FALSE(goes("/open"));
  EXPECT_FALSE(goes("/.well-known/acme-challenge/token"));
  EXPECT_TRUE(goes("/healthzz"));
  EXPECT_TRUE(goes("/.well-known/acme-challenges"));
  EXPECT_TRUE(goes("/"));
}

TEST(HttpsRedirect, WhoCameByHttpsIsThere) {
  HttpsRedirectPolicy redirect;
  TestRequest request("a.com", "/");
  EXPECT_FALSE(GoesToHttps(redirect, request.head)) << "not asked for";
  redirect.enabled = true;
  EXPECT_TRUE(GoesToHttps(redirect, request.head));
  request.head.scheme = http::Scheme::kHttps;
  EXPECT_FALSE(GoesToHttps(redirect, request.head));
}

}  // namespace
}  // namespace headgate::routing
