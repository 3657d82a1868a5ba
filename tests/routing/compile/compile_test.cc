#include "routing/compile/compile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <string>

#include "config/model.h"
#include "routing/split.h"
#include "tests/routing/compiled.h"
#include "tests/routing/request.h"

namespace headgate::routing {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr std::string_view kTwoUpstreams = R"(
upstreams:
  v1: {address: "one.svc:80"}
  v2: {address: "two.svc:80"}
)";

std::string WithUpstreams(std::string_view rest) { return std::string(kTwoUpstreams) + std::string(rest); }

TEST(Compile, WhatIsNotWrittenHasItsDefault) {
  const TestConfiguration config(WithUpstreams("routes: [{name: r, backends: [{upstream: v1}]}]\n"));
  const RoutePolicy& route = config.Route("r");
  EXPECT_EQ(route.timeouts.request, seconds(0));
  EXPECT_EQ(route.timeouts.backend_request, seconds(0)) << "none: a long download is no fault";
  EXPECT_EQ(route.timeouts.idle, seconds(60));
  EXPECT_EQ(route.timeouts.head_idle, seconds(60));
  EXPECT_EQ(route.timeouts.tunnel_idle, hours(1));
  EXPECT_EQ(route.retry.attempts, 2);
  EXPECT_TRUE(route.retry.on_connect_failure);
  EXPECT_TRUE(route.retry.on_reset);
  EXPECT_FALSE(route.retry.on_timeout);
  EXPECT_TRUE(route.retry.on_status.none());
  EXPECT_TRUE(route.retry.AllowsMethod(http::Method::kGet));
  EXPECT_FALSE(route.retry.AllowsMethod(http::Method::kPost));
  EXPECT_EQ(route.retry.budget_ppm, 200'000U);
  EXPECT_EQ(route.max_body_bytes, 0U);
  EXPECT_TRUE(route.websocket);
  EXPECT_FALSE(route.access.restricts());
  const UpstreamPolicy& upstream = config.Upstream("v1");
  EXPECT_EQ(upstream, UpstreamPolicy({"v1", "one.svc", 80, {}, {}, {}, {}, {}, {}}));
  EXPECT_EQ(config.compiled->listeners[0]->limits, LimitsPolicy());
  EXPECT_EQ(config.compiled->admin_address->ToString(), "127.0.0.1:9901");
  EXPECT_EQ(config.compiled->metrics_address->ToString(), "0.0.0.0:9090");
  EXPECT_EQ(config.compiled->lame_duck, seconds(5));
  EXPECT_EQ(config.compiled->drain_timeout, seconds(20));
  EXPECT_EQ(config.compiled->workers, std::nullopt);
}

TEST(Compile, ARateLimitHasTheDefaultsOfItsKeys) {
  const TestConfiguration config(
      WithUpstreams("defaults: {rateLimit: {requests: 5}}\n"
                    "routes:\n"
                    "  - {name: a, hostnames: [a.test], backends: [{upstream: v1}]}\n"
                    "  - {name: b, hostnames: [b.test], backends: [{upstream: v1}], rateLimit: none}\n"
                    "  - {name: c, hostnames: [c.test], backends: [{upstream: v1}], rateLimit: {requests: 5, per: 10s, "
                    "burst: 2, by: header X-Key}}\n"));
  const RateLimitPolicy& limit = config.Route("a").rate_limit;
  EXPECT_TRUE(limit.limits());
  EXPECT_EQ(limit.per, seconds(1));
  EXPECT_EQ(limit.burst, 5U);
  EXPECT_EQ(limit.by, RateLimitPolicy::By::kClientIp);
  EXPECT_FALSE(limit.dry_run);
  EXPECT_FALSE(config.Route("b").rate_limit.limits());
  EXPECT_EQ(config.Route("c").rate_limit.header, "x-key");
  EXPECT_EQ(config.Route("c").rate_limit.by, RateLimitPolicy::By::kHeader);
  EXPECT_EQ(config.Route("c").rate_limit.burst, 2U);
}

TEST(Compile, WithoutProtocolsTlsMeansH2AndHttp11AndPlainHttp11) {
  const TestConfiguration config(R"(
listeners:
  - {name: plain, address: 127.0.0.1:1}
  - {name: secure, address: 127.0.0.1:2, tls: {certificates: [{certFile: a, keyFile: b}]}}
  - {name: prior, address: 127.0.0.1:3, protocols: [http/1.1, h2]}
  - {name: only, address: 127.0.0.1:4, protocols: [h2]}
  - {name: old, address: 127.0.0.1:5, protocols: [http/1.1], tls: {certificates: [{certFile: a, keyFile: b}]}}
)");
  const auto protocols = [&](size_t i) { return config.compiled->listeners.at(i)->protocols; };
  EXPECT_EQ(protocols(0), ProtocolsPolicy({.http1 = true, .h2 = false}));
  EXPECT_EQ(protocols(1), ProtocolsPolicy({.http1 = true, .h2 = true}));
  EXPECT_EQ(protocols(2), ProtocolsPolicy({.http1 = true, .h2 = true}));
  EXPECT_EQ(protocols(3), ProtocolsPolicy({.http1 = false, .h2 = true}));
  EXPECT_EQ(protocols(4), ProtocolsPolicy({.http1 = true, .h2 = false}));
}

TEST(Compile, AnUpstreamsProtocolArrives) {
  const TestConfiguration config(R"(
upstreams:
  one: {address: "one.svc:80"}
  two: {address: "two.svc:443", protocol: h2, tls: {}}
  three: {address: "three.svc:80", protocol: h2c}
)");
  EXPECT_EQ(config.Upstream("one").protocol, UpstreamProtocol::kHttp1);
  EXPECT_EQ(config.Upstream("two").protocol, UpstreamProtocol::kH2);
  EXPECT_EQ(config.Upstream("three").protocol, UpstreamProtocol::kH2c);
}

TEST(Compile, AListenersOwnHttp2LimitsWinOverTheProcesss) {
  const TestConfiguration config(R"(
listeners:
  - {name: a, address: 127.0.0.1:1, limits: {h2Streams: 2500}}
limits: {h2Streams: 10, h2Window: 1MiB, h2Connection: 8MiB}
)");
  const LimitsPolicy& limits = config.compiled->listeners.at(0)->limits;
  EXPECT_EQ(limits.h2_streams, 2500U);
  EXPECT_EQ(limits.h2_window_bytes, 1024U * 1024);
  EXPECT_EQ(limits.h2_connection_bytes, 8U * 1024 * 1024);
}

TEST(Compile, ARoutesKeyReplacesTheWholeOfTheDefaultsAndNoneTakesItAway) {
  const TestConfiguration config(WithUpstreams(R"(
defaults:
  timeouts: {request: 30s, idle: 5s}
  retry: {attempts: 1, on: [reset, timeout, "503"], methods: [PUT], backoff: 1s, budget: 0.25%}
  maxBodySize: 1MiB
  websocket: false
  access: {allow: [10.0.0.0/8]}
  requestHeaders: {set: {X-A: b}}
routes:
  - {name: inherits, backends: [{upstream: v1}]}
  - {name: own, hostnames: [a.com], backends: [{upstream: v1}], timeouts: {backendRequest: 7s}, maxBodySize: 2KiB,
     requestHeaders: {remove: [Server]}}
  - {name: without, hostnames: [b.com], backends: [{upstream: v1}], timeouts: none, retry: none, maxBodySize: none, access: none,
     requestHeaders: none}
)"));
  const RoutePolicy& inherits = config.Route("inherits");
  EXPECT_EQ(inherits.timeouts.request, seconds(30));
  EXPECT_EQ(inherits.timeouts.tunnel_idle, seconds(5)) << "idle was stated";
  EXPECT_EQ(inherits.timeouts.head_idle, seconds(5));
  EXPECT_EQ(inherits.retry.attempts, 1);
  EXPECT_FALSE(inherits.retry.on_connect_failure);
  EXPECT_TRUE(inherits.retry.on_reset && inherits.retry.on_timeout && inherits.retry.on_status.test(503));
  EXPECT_TRUE(inherits.retry.AllowsMethod(http::Method::kPut));
  EXPECT_FALSE(inherits.retry.AllowsMethod(http::Method::kGet));
  EXPECT_EQ(inherits.retry.budget_ppm, 2'500U);
  EXPECT_EQ(inherits.max_body_bytes, 1024U * 1024U);
  EXPECT_FALSE(inherits.websocket);
  EXPECT_TRUE(inherits.access.restricts());
  EXPECT_EQ(inherits.request_headers.set.at(0).name, "x-a");

  const RoutePolicy& own = config.Route("own");
  EXPECT_EQ(own.timeouts.request, seconds(0)) << "the whole of timeouts is replaced";
  EXPECT_EQ(own.timeouts.backend_request, seconds(7));
  EXPECT_EQ(own.timeouts.head_idle, seconds(0)) << "backendRequest was stated, idle was not";
  EXPECT_EQ(own.max_body_bytes, 2048U);
  EXPECT_TRUE(own.request_headers.set.empty());
  EXPECT_EQ(own.request_headers.remove.at(0).id, http::HeaderId::kServer);

  const RoutePolicy& without = config.Route("without");
  EXPECT_EQ(without.timeouts.backend_request, seconds(0));
  EXPECT_EQ(without.retry.attempts, 0);
  EXPECT_FALSE(without.retry.on_connect_failure || without.retry.on_reset);
  EXPECT_EQ(without.max_body_bytes, 0U);
  EXPECT_FALSE(without.access.restricts());
  EXPECT_TRUE(without.request_headers.empty());
}

TEST(Compile, PublicPortsAndTheHttpsRedirectsTarget) {
  const TestConfiguration config(R"(
listeners:
  - {name: web, address: 127.0.0.1:8080, publicPort: 80, httpsRedirect: true}
  - {name: other, address: 127.0.0.1:8081, httpsRedirect: {listener: second, except: [/%68ealthz, "/stra\u00dfe"]}}
  - {name: first, address: 127.0.0.1:8443, publicPort: 443, tls: {certificates: [{certFile: a.crt, keyFile: a.key}]}}
  - {name: second, address: 127.0.0.1:9443, tls: {minVersion: "1.3", certificates: [{certFile: a.crt, keyFile: a.key}]}}
)");
  const auto& listeners = config.compiled->listeners;
  EXPECT_EQ(listeners[0]->public_port, 80);
  EXPECT_TRUE(listeners[0]->https_redirect.enabled);
  EXPECT_EQ(listeners[0]->https_redirect.public_port, 443) << "true: the first listener with tls";
  EXPECT_EQ(listeners[1]->public_port, 8081) << "the address's by default";
  EXPECT_EQ(listeners[1]->https_redirect.public_port, 9443);
  EXPECT_THAT(listeners[1]->https_redirect.except, testing::ElementsAre("/healthz", "/stra%C3%9Fe"))
      << "as a request's path is written when it is matched";
  EXPECT_FALSE(listeners[2]->https_redirect.enabled);
  EXPECT_TRUE(listeners[2]->tls);
  EXPECT_EQ(listeners[2]->min_version, TlsVersion::kTls12);
  EXPECT_EQ(listeners[3]->min_version, TlsVersion::kTls13);
}

TEST(Compile, AListenersLimitsOverrideTheGlobalOnesKeyByKey) {
  const TestConfiguration config(R"(
limits: {target: 4KiB, bodyRate: none, maxConnections: 1000, maxConnectionsPerClient: 20, maxMemory: 1GiB}
listeners:
  - {name: web, address: "[::]:8080", limits: {target: 2KiB, maxConnections: 10}}
  - {name: four, address: 0.0.0.0:8080, limits: {maxConnectionsPerClient: none}}
  - {name: both, address: "[::]:8081"}
)");
  EXPECT_EQ(config.compiled->max_connections, 1000U);
  EXPECT_EQ(config.compiled->max_memory, uint64_t{1} << 30U);
  const auto& listeners = config.compiled->listeners;
  EXPECT_EQ(listeners[0]->limits.target_bytes, 2048U);
  EXPECT_EQ(listeners[0]->limits.body_bytes_per_second, 0U);
  EXPECT_EQ(listeners[0]->limits.max_connections, 10U);
  EXPECT_EQ(listeners[0]->limits.max_connections_per_client, 20U);
  EXPECT_EQ(listeners[1]->limits.max_connections_per_client, 0U);
  EXPECT_EQ(listeners[1]->limits.target_bytes, 4096U);
  EXPECT_EQ(listeners[1]->limits.max_connections, 0U) << "the global one is the process's";
  EXPECT_FALSE(listeners[0]->dual_stack) << "0.0.0.0 has the port";
  EXPECT_TRUE(listeners[2]->dual_stack);
}

TEST(Compile, AnAddressThatIsAnIpIsAFixedEndpoint) {
  const TestConfiguration config(R"(
upstreams:
  name: {address: "Shop.svc.cluster.local:80"}
  four: {address: 10.1.2.3:8080}
  six: {address: "[2001:db8::1]:8080"}
  list: {endpoints: [10.1.2.3:8080, {address: 10.1.2.4:8080, weight: 3}], loadBalancing: {policy: leastRequest},
         connections: {max: none, maxPending: none, maxAge: none, connectTimeout: 1s}}
  closed: {address: 10.1.2.3:8080, connections: {maxPending: 0}}
)");
  EXPECT_EQ(config.Upstream("name").dns_host, "shop.svc.cluster.local");
  EXPECT_EQ(config.Upstream("name").dns_port, 80);
  EXPECT_TRUE(config.Upstream("name").endpoints.empty());
  EXPECT_EQ(config.Upstream("four").dns_host, "");
  EXPECT_EQ(config.Upstream("four").endpoints.at(0).address.ToString(), "10.1.2.3:8080");
  EXPECT_EQ(config.Upstream("six").endpoints.at(0).address.ToString(), "[2001:db8::1]:8080");
  EXPECT_EQ(config.Upstream("list").endpoints.at(1).weight, 3U);
  EXPECT_EQ(config.Upstream("list").load_balancing, LoadBalancingPolicy::kLeastRequest);
  EXPECT_EQ(config.Upstream("list").connections.max, 0U);
  EXPECT_EQ(config.Upstream("list").connections.max_pending, std::numeric_limits<uint32_t>::max());
  EXPECT_EQ(config.Upstream("closed").connections.max_pending, 0U) << "nobody waits";
  EXPECT_EQ(config.Upstream("list").connections.max_age, seconds(0));
  EXPECT_EQ(config.Upstream("list").connections.connect_timeout, seconds(1));
  EXPECT_EQ(config.Upstream("list").connections.idle_timeout, seconds(60));
}

TEST(Compile, WhatIsHashedIsPartOfPoliciesThatHash) {
  const TestConfiguration config(R"(
upstreams:
  plain: {address: 10.1.2.3:80}
  ip: {address: 10.1.2.3:80, loadBalancing: {policy: ringHash}}
  path: {address: 10.1.2.3:80, loadBalancing: {policy: maglev, hashOn: path}}
  header: {address: 10.1.2.3:80, loadBalancing: {policy: maglev, hashOn: {header: User-Agent}}}
  cookie: {address: 10.1.2.3:80, loadBalancing: {policy: maglev, hashOn: {cookie: Seat}}}
  query: {address: 10.1.2.3:80, loadBalancing: {hashOn: {query: u}, policy: maglev}}
)");
  using By = HashOnPolicy::By;
  EXPECT_EQ(config.Upstream("plain").hash_on, HashOnPolicy{});
  EXPECT_EQ(config.Upstream("ip").load_balancing, LoadBalancingPolicy::kRingHash);
  EXPECT_EQ(config.Upstream("ip").hash_on.by, By::kClientIp);
  EXPECT_EQ(config.Upstream("path").load_balancing, LoadBalancingPolicy::kMaglev);
  EXPECT_EQ(config.Upstream("path").hash_on.by, By::kPath);
  EXPECT_EQ(config.Upstream("header").hash_on, (HashOnPolicy{By::kHeader, "user-agent", http::HeaderId::kUserAgent}));
  EXPECT_EQ(config.Upstream("cookie").hash_on, (HashOnPolicy{By::kCookie, "Seat", http::HeaderId::kOther}));
  EXPECT_EQ(config.Upstream("query").hash_on, (HashOnPolicy{By::kQuery, "u", http::HeaderId::kOther}));
}

TEST(Compile, ProxyProtocolNamesThePeersThatSpeakIt) {
  const TestConfiguration config(R"(
listeners:
  - {name: plain, address: 0.0.0.0:80}
  - {name: balanced, address: 0.0.0.0:81, proxyProtocol: {from: [10.0.0.0/8, "::1"]}}
)");
  EXPECT_TRUE(config.compiled->listeners[0]->proxy_protocol_from.empty());
  EXPECT_EQ(config.compiled->listeners[1]->proxy_protocol_from,
            (std::vector{*base::Cidr::Parse("10.0.0.0/8"), *base::Cidr::Parse("::1")}));
}

TEST(Compile, BlueGreenIsASplitWhosePreviewIsAForce) {
  const TestConfiguration config(WithUpstreams(R"(
routes:
  - {name: r, blueGreen: {active: green, blue: v1, green: v2, preview: {header: {name: X-Preview, exact: "1"}}}}
)"));
  const auto& forward = std::get<ForwardAction>(config.Route("r").action);
  ASSERT_EQ(forward.backends.size(), 2U);
  EXPECT_EQ(forward.backends[0].name, "v1");
  EXPECT_EQ(forward.backends[0].weight, 0U);
  EXPECT_EQ(forward.backends[1].weight, 100U);
  TestRequest preview("h", "/");
  preview.With("x-preview", "1");
  EXPECT_EQ(ForcedBackend(forward, preview.head), 0U) << "the idle one";
}

TEST(Compile, ActionsAreAsWritten) {
  const TestConfiguration config(WithUpstreams(R"(
routes:
  - {name: to, hostnames: [a.com], redirect: {hostname: B.com, scheme: https}}
  - {name: prefix, hostnames: [b.com], redirect: {prefix: /new, status: 301, port: 8443}}
  - {name: ping, hostnames: [c.com], respond: {status: 201, body: "pong\n", headers: {Content-Type: text/plain}}}
  - {name: split, hostnames: [d.com], backends: [{upstream: v2, weight: 0}, {upstream: v1}],
     sticky: {by: header X-User, strict: true}}
)"));
  const auto& to = std::get<RedirectAction>(config.Route("to").action);
  EXPECT_EQ(to.status, 302);
  EXPECT_EQ(to.hostname, "b.com");
  EXPECT_EQ(to.path_kind, RedirectAction::Path::kKeep);
  const auto& prefix = std::get<RedirectAction>(config.Route("prefix").action);
  EXPECT_EQ(prefix.path_kind, RedirectAction::Path::kReplacePrefix);
  EXPECT_EQ(prefix.path, "/new");
  EXPECT_EQ(prefix.port, 8443);
  const auto& ping = std::get<RespondAction>(config.Route("ping").action);
  EXPECT_EQ(ping.status, 201);
  EXPECT_EQ(ping.body, "pong\n");
  EXPECT_EQ(ping.headers.set.at(0).id, http::HeaderId::kContentType);
  const auto& split = std::get<ForwardAction>(config.Route("split").action);
  EXPECT_EQ(config.compiled->upstreams[split.backends[0].upstream]->name, "v2");
  EXPECT_EQ(split.backends[0].weight, 0U);
  EXPECT_EQ(split.backends[1].weight, 1U);
  EXPECT_EQ(split.sticky.by, StickyPolicy::By::kHeader);
  EXPECT_EQ(split.sticky.name, "x-user");
  EXPECT_TRUE(split.sticky.strict);
}

TEST(Compile, ABadPatternIsAnErrorAtItsPlaceAndAllAreReported) {
  const TestConfiguration config(WithUpstreams(R"yaml(
routes:
  - name: r
    matches:
      - path: {regex: "/(a"}
        headers: [{name: x, regex: "[z-a]"}]
    rewrite: {regex: "/(a)", substitution: "/\\2"}
    backends: [{upstream: v1}]
)yaml"));
  EXPECT_EQ(config.compiled, nullptr);
  ASSERT_EQ(config.diagnostics.errors(), 3U) << config.problems;
  EXPECT_THAT(config.problems, testing::HasSubstr("HG050 the regular expression is not valid: missing ): /(a"));
  EXPECT_THAT(config.problems, testing::HasSubstr("invalid character class range: z-a"));
  EXPECT_THAT(config.problems, testing::HasSubstr("the substitution does not fit"));
  for (const config::Diagnostic& problem : config.diagnostics.items()) EXPECT_TRUE(problem.at.IsWritten());
  config::DiagnosticList alone;
  CheckUnit(*config.file.model, alone);
  EXPECT_EQ(alone.errors(), 3U) << "the check of a file by itself finds the same";
}

TEST(Compile, APathThatNoRequestHasIsAnError) {
  const TestConfiguration config(WithUpstreams(R"(
routes:
  - {name: deep, hostnames: [a.com], backends: [{upstream: v1}], matches: [{path: {prefix: )" +
                                               [] {
                                                 std::string deep;
                                                 for (int i = 0; i < 64; ++i) deep += "/a";
                                                 return deep;
                                               }() +
                                               "}}]}\n"));
  EXPECT_EQ(config.compiled, nullptr);
  EXPECT_THAT(config.problems, testing::HasSubstr("a prefix has at most 63 segments"));
}

TEST(Compile, AMethodThatNoRequestHasIsAnError) {
  struct Case {
    std::string_view keys;
    std::string_view hint;
  };
  for (const Case& written :
       {Case{"matches: [{method: GTE}]", "did you mean 'GET'?"}, Case{"matches: [{method: FOO}]", ""},
        Case{"matches: [{method: 1}]", ""}, Case{"retry: {methods: [GET, PSOT]}", "did you mean 'POST'?"}}) {
    const TestConfiguration config(
        WithUpstreams("routes: [{name: r, backends: [{upstream: v1}], " + std::string(written.keys) + "}]\n"));
    EXPECT_EQ(config.compiled, nullptr) << written.keys;
    ASSERT_EQ(config.diagnostics.errors(), 1U) << config.problems;
    EXPECT_THAT(config.problems, testing::HasSubstr("HG039 no request has the method '"));
    EXPECT_EQ(config.diagnostics.items()[0].hint, written.hint) << written.keys;
  }
}

TEST(Compile, APathThatHeadgateWritesIsOneThatARequestCanHave) {
  for (const char* action :
       {"redirect: {path: X}", "redirect: {prefix: X}", "backends: [{upstream: v1}], rewrite: {path: X}",
        "backends: [{upstream: v1}], rewrite: {prefix: X}"}) {
    const auto with = [action](std::string_view path) {
      std::string keys(action);
      keys.replace(keys.find('X'), 1, path);
      return TestConfiguration(WithUpstreams("routes: [{name: r, " + keys + "}]\n"));
    };
    EXPECT_THAT(with("/a%zz").problems, testing::HasSubstr("HG032 no request has the path '/a%zz': a broken escape"));
    const TestConfiguration config = with("/caf\xC3\xA9/%61");
    const RoutePolicy& route = config.Route("r");
    const auto* redirect = std::get_if<RedirectAction>(&route.action);
    EXPECT_EQ(redirect != nullptr ? redirect->path : route.rewrite.replacement, "/caf%C3%A9/a") << action;
  }
}

TEST(Compile, AnIpv6AddressAsAHostIsWrittenInBrackets) {
  const TestConfiguration config(WithUpstreams(R"(
routes:
  - {name: to, hostnames: [a.com], redirect: {hostname: "2001:DB8::1"}}
  - {name: as, hostnames: [b.com], backends: [{upstream: v1}], rewrite: {hostname: "::1"}}
  - {name: had, hostnames: [c.com], backends: [{upstream: v1}], rewrite: {hostname: "[::1]"}}
)"));
  EXPECT_EQ(std::get<RedirectAction>(config.Route("to").action).hostname, "[2001:db8::1]");
  EXPECT_EQ(config.Route("as").rewrite.hostname, "[::1]");
  EXPECT_EQ(config.Route("had").rewrite.hostname, "[::1]");
}

TEST(Compile, AHeaderThatNoRouteSeesIsNoCondition) {
  for (const char* name : {"connection", "Keep-Alive", "te", "transfer-encoding", "upgrade", "http2-settings", "expect",
                           "content-length", "proxy-connection", "x_forwarded_for"}) {
    for (const char* keys : {"matches: [{headers: [{name: X, present: true}]}]", "sticky: {by: header X}"}) {
      std::string with(keys);
      with.replace(with.find('X'), 1, name);
      const TestConfiguration config(WithUpstreams("routes: [{name: r, backends: [{upstream: v1}], " + with + "}]\n"));
      EXPECT_EQ(config.compiled, nullptr);
      EXPECT_THAT(config.problems, testing::HasSubstr("is taken out before routes are chosen")) << with;
    }
  }
  for (const char* name : {"host", "content-type", "trailer", "x-forwarded-for", "sec-websocket-key", "x_a"}) {
    const TestConfiguration config(WithUpstreams(
        "routes: [{name: r, backends: [{upstream: v1}], matches: [{headers: [{name: " + std::string(name) +
        ", present: true}]}]}]\n"));
    EXPECT_EQ(config.problems, "");
  }
}

TEST(Compile, AValueThatCouldNotBeDecodedIsNotJudgedAgain) {
  for (const char* path : {"{exact: ~}", "{regex: }", "{prefix: [x]}", "{exact: /a?b}"}) {
    config::UnitSet set({.main_name = "headgate.yaml"}, CheckUnit);
    const config::Proposal proposal =
        set.Propose({{"headgate.yaml",
                      std::string("listeners: [{name: web, address: \"0.0.0.0:80\"}]\nroutes: [{name: "
                                  "r, respond: {status: 200}, matches: [{path: ") +
                          path + "}]}]",
                      config::UnitKind::kMain}});
    EXPECT_EQ(proposal.units[0].diagnostics.errors(), 1U) << Messages(proposal.units[0].diagnostics);
  }
}

TEST(Compile, PathsOfTheFileAreNormalisedAsRequestsAre) {
  const TestConfiguration config(WithUpstreams(R"(
routes:
  - {name: r, backends: [{upstream: v1}], matches: [{path: {prefix: "/%61pi/v1"}}]}
)"));
  EXPECT_EQ(config.Find(TestRequest("h", "/api/v1/x").head), "r");
}

TEST(Compile, UnchangedRoutesAndUpstreamsAreTheSameObjects) {
  const TestConfiguration first(WithUpstreams(R"(
routes:
  - {name: a, backends: [{upstream: v1}, {upstream: v2}], rewrite: {regex: a, substitution: b}}
)"));
  config::DiagnosticList diagnostics;
  const auto second = Compile(*first.file.model, first.compiled.get(), diagnostics);
  EXPECT_EQ(second->routes[0], first.compiled->routes[0]);
  EXPECT_EQ(second->upstreams, first.compiled->upstreams);
  EXPECT_EQ(second->listeners, first.compiled->listeners);

  config::Model changed = *first.file.model;
  changed.defaults.websocket.Set(false, {});
  const auto third = Compile(changed, second.get(), diagnostics);
  EXPECT_NE(third->routes[0], second->routes[0]) << "a default changed";
  EXPECT_FALSE(third->routes[0]->websocket);
  EXPECT_EQ(third->routes[0]->rewrite.regex, second->routes[0]->rewrite.regex) << "a pattern is compiled once";
}

TEST(Compile, ARouteThatIsWrittenAnewAndMeansTheSameStaysTheSameObject) {
  const std::string text = WithUpstreams(R"(
routes:
  - {name: a, backends: [{upstream: v1, weight: 5}, {upstream: v2}], matches: [{path: {regex: "/a.*"}}]}
  - {name: b, matches: [{path: {prefix: /b}}], redirect: {hostname: b.example.com}, responseHeaders: {set: {x: y}}}
  - {name: c, matches: [{path: {prefix: /c}}], respond: {status: 200, body: c}}
)");
  const TestConfiguration first(text);
  std::string changed = "# a line more\n" + text;
  changed.replace(changed.find("weight: 5"), 9, "weight: 6");
  const TestConfiguration second(changed, first.compiled.get());
  ASSERT_EQ(second.compiled->routes.size(), 3U);
  EXPECT_NE(second.compiled->routes[0], first.compiled->routes[0]);
  EXPECT_EQ(second.compiled->routes[1], first.compiled->routes[1]);
  EXPECT_EQ(second.compiled->routes[2], first.compiled->routes[2]);
  EXPECT_EQ(second.Find(TestRequest("h", "/c").head), "c");
}

TEST(Compile, ARoutesUpstreamIndexesStayRightWhenUpstreamsComeAndGo) {
  const TestConfiguration first(WithUpstreams("routes: [{name: a, backends: [{upstream: v2}]}]\n"));
  config::Model model = *first.file.model;
  auto extra = std::make_shared<config::Upstream>(*model.upstreams[0]);
  extra->name.value = "a-new-one";
  model.upstreams.insert(model.upstreams.begin(), extra);
  config::DiagnosticList diagnostics;
  const auto added = Compile(model, first.compiled.get(), diagnostics);
  EXPECT_EQ(added->routes[0], first.compiled->routes[0]) << "a new upstream goes to the end";
  model.upstreams.erase(model.upstreams.begin() + 1);
  const auto removed = Compile(model, added.get(), diagnostics);
  const auto& backend = std::get<ForwardAction>(removed->routes[0]->action).backends[0];
  EXPECT_EQ(removed->upstreams.at(backend.upstream)->name, "v2");
  EXPECT_EQ(removed->table.Find(0, TestRequest("h", "/").head).route, removed->routes[0].get());
}

}  // namespace
}  // namespace headgate::routing
