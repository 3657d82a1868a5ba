#include "control/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/slab.h"
#include "config/units.h"
#include "routing/compile/compile.h"

namespace headgate::control {
namespace {

using ::testing::StartsWith;

constexpr char kShop[] = R"(
listeners:
  - {name: web, address: 127.0.0.1:8080, publicPort: 80}
  - {name: inside, address: 127.0.0.1:8081}
  - {name: sent, address: 127.0.0.1:8082, httpsRedirect: {except: [/healthz]}}
  - {name: secure, address: 127.0.0.1:8443, tls: {certificates: [{certFile: a, keyFile: b}]}}
upstreams: {v1: {address: "a:80"}, v2: {address: "b:80"}}
routes:
  - name: shop
    hostnames: ["*.shop.com"]
    backends: [{upstream: v1, weight: 95}, {upstream: v2, weight: 5, force: [{header: {name: x-canary, exact: always}}]}]
    sticky: {by: header x-user}
  - {name: one, hostnames: [one.com], backends: [{upstream: v1}, {upstream: v2, weight: 0}], websocket: false, maxBodySize: 10}
  - {name: nobody, hostnames: [zero.com], backends: [{upstream: v1, weight: 0}]}
  - {name: closed, hostnames: [closed.com], access: {deny: [10.0.0.0/8]}, respond: {status: 200}}
  - name: slow
    hostnames: [slow.com]
    respond: {status: 200}
    rateLimit: {requests: 100, per: 10s, burst: 50, by: header x-key, dryRun: true}
  - {name: free, hostnames: [free.com], respond: {status: 200}, rateLimit: {requests: 1, except: [10.0.0.0/8]}}
  - {name: away, hostnames: [away.com], redirect: {scheme: https}}
  - {name: said, hostnames: [said.com], respond: {status: 503}}
  - {name: bad, hostnames: [bad.com], backends: [{upstream: v1}], rewrite: {regex: '/a(.*)', substitution: '/..\1'}}
  - {name: inside, listeners: [inside], hostnames: [inside.com], respond: {status: 200}}
)";

class VerdictTest : public ::testing::Test {
 protected:
  VerdictTest() {
    arena_.Reset();
    const config::LoadedFile file = config::LoadFile("headgate.yaml", kShop);
    EXPECT_NE(file.model, nullptr);
    config::DiagnosticList problems;
    compiled_ = routing::Compile(*file.model, nullptr, problems);
  }
  http::RequestHead& NewHead(std::string_view host, std::string_view path = "/") {
    head_.emplace(arena_);
    head_->authority = head_->host = host;
    head_->path = head_->match_path = path;
    return *head_;
  }
  Verdict Judged(uint32_t listener = 0) {
    return JudgeRequest({*compiled_, listener, *head_, base::IpAddress::V4(0x0a000001), connection_});
  }
  std::string Action(std::string_view host, std::string_view path = "/", uint32_t listener = 0) {
    NewHead(host, path);
    return Judged(listener).action;
  }
  base::SlabPool slabs_;
  base::Arena arena_{slabs_};
  std::optional<http::RequestHead> head_;
  proxy::ClientInfo connection_;
  std::shared_ptr<const routing::Compiled> compiled_;
};

TEST_F(VerdictTest, SaysTheLimitOfTheRoute) {
  NewHead("slow.com");
  EXPECT_EQ(Judged().limit, "100 requests in 10s, 50 at once, by header x-key; dryRun: nothing is refused");
  EXPECT_EQ(Judged().status, 200);
  NewHead("free.com");
  EXPECT_EQ(Judged().limit, "none for this client");
  NewHead("said.com");
  EXPECT_EQ(Judged().limit, "");
}

TEST_F(VerdictTest, KnowsTheUpstreamWhereItIsCertain) {
  NewHead("eu.shop.com");
  EXPECT_EQ(Judged().action, "forward to v1 (95 of 100), v2 (5 of 100); by weight");
  EXPECT_EQ(Judged().upstream, "");
  EXPECT_EQ(Judged().status, 0);
  NewHead("eu.shop.com").headers.Add(http::InternHeader("x-canary"), "x-canary", "always");
  EXPECT_EQ(Judged().upstream, "v2");
  EXPECT_EQ(Judged().action, "forward to v1 (95 of 100), v2 (5 of 100); the request forces v2");
  NewHead("eu.shop.com").headers.Add(http::InternHeader("x-user"), "x-user", "anna");
  EXPECT_EQ(Judged().upstream, "v1");
  EXPECT_EQ(Judged().action, "forward to v1 (95 of 100), v2 (5 of 100); sticky by header");
  NewHead("one.com");
  EXPECT_EQ(Judged().upstream, "v1") << "nobody else has a weight";
}

TEST_F(VerdictTest, SaysWhatElseARouteAnswers) {
  EXPECT_EQ(Action("zero.com"), "500: every weight is 0");
  EXPECT_EQ(Action("closed.com"), "403: the access list refuses the client's address");
  EXPECT_EQ(Action("away.com", "/x"), "redirect 302 to https://away.com/x");
  EXPECT_EQ(Action("said.com"), "respond 503");
  EXPECT_EQ(Action("nowhere.com"), "404: no route matches");
  EXPECT_EQ(Action("bad.com", "/b"), "forward to v1 (1 of 1)");
  EXPECT_THAT(Action("bad.com", "/a"), StartsWith("500: a rewritten path"));
  NewHead("one.com").wants_websocket = true;
  EXPECT_EQ(Judged().action, "403: the route does not allow websocket");
  NewHead("one.com").body = {.kind = http::BodyKind::kLength, .length = 11};
  EXPECT_EQ(Judged().action, "413: content-length is above maxBodySize");
  EXPECT_EQ(Judged().status, 413);
}

TEST_F(VerdictTest, AListenersHttpsRedirectComesFirst) {
  EXPECT_EQ(Action("said.com", "/x", 2), "redirect 308 to https://said.com:8443/x");
  EXPECT_EQ(Judged(2).rule, "httpsRedirect of listener 'sent'");
  EXPECT_FALSE(Judged(2).routed);
  EXPECT_EQ(Action("said.com", "/healthz", 2), "respond 503");
  EXPECT_EQ(Action("said.com", "/.well-known/acme-challenge/t", 2), "respond 503");
  EXPECT_EQ(Action("", "/x", 2), "400: a redirect without a host");
}

TEST_F(VerdictTest, AHostOfAnotherListenerIsMisdirectedOnAConnectionForAnotherName) {
  EXPECT_EQ(Action("inside.com", "/", 3), "404: no route matches");
  connection_.server_name = "inside.com";
  EXPECT_EQ(Judged(3).status, 404);
  connection_.server_name = "eu.shop.com";
  EXPECT_EQ(Judged(3).action, "421: the authority belongs to another listener");
}

TEST_F(VerdictTest, ARequestThatPassedTooManyProxiesCameBack) {
  std::string marks = "a";
  for (int i = 0; i < 40; ++i) marks += ", a";
  NewHead("said.com").headers.Add(http::InternHeader("cdn-loop"), "cdn-loop", marks);
  EXPECT_EQ(Judged().status, 508);
}

}  // namespace
}  // namespace headgate::control
