// Text to model: what the contract's complete example says arrives in the structs, and what comes later is refused.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "config/defaults.h"
#include "config/model.h"
#include "config/parse.h"
#include "config/units.h"

namespace headgate::config {
namespace {

// The contract's complete example without the keys that come later.
constexpr char kExample[] = R"yaml(
listeners:
  - name: web
    address: 0.0.0.0:8080
    publicPort: 80
    httpsRedirect: {listener: websecure, except: [/healthz]}
  - name: websecure
    address: 0.0.0.0:8443
    publicPort: 443
    tls:
      certificates:
        - {certFile: tls/shop/tls.crt, keyFile: tls/shop/tls.key}
      minVersion: "1.2"
    protocols: [h2, http/1.1]
workers: auto
admin:   {address: 127.0.0.1:9901}
metrics: {address: 0.0.0.0:9090}
accessLog: {to: stdout, sample: 100%, query: false}
drain: {lameDuck: 5s, timeout: 20s}
via: false
trustedProxies: [10.0.0.0/8]
limits:
  {maxConnections: none, maxConnectionsPerClient: none, maxMemory: auto, requestHead: 32KiB, fieldSize: 16KiB, fields: 100, target: 8KiB, headTimeout: 10s, keepAlive: 60s,
   tlsHandshake: 5s, bodyIdle: 15s, bodyRate: 240, readRate: 34, h2Streams: 100, h2Window: 64KiB, h2Connection: 4MiB, upstreamHead: 64KiB, streamBuffer: 64KiB}
upstreams:
  shop-v1:
    address: shop-v1.shop.svc.cluster.local:80
  shop-v2:
    endpoints: [10.1.2.3:8080, {address: "[::1]:8080", weight: 3}]
    protocol: http/1.1
    tls: {caFile: ca.crt, serverName: shop.internal, certFile: c.crt, keyFile: c.key, verify: true}
    loadBalancing: {policy: leastRequest}
    connections: {max: 1024, maxPending: 1024, maxRequests: 0, maxAge: 5m, idleTimeout: 60s, connectTimeout: 2s}
  shop-blue: {address: blue:80}
  shop-green: {address: green:80}
defaults: {}
routes:
  - name: shop-api
    listeners: [websecure]
    hostnames: [shop.example.com, "*.shop.example.com"]
    matches:
      - path: {prefix: /api}
        method: GET
        headers: [{name: x-tenant, exact: beta}]
        queryParams: [{name: v, exact: "2"}]
    backends:
      - {upstream: shop-v1, weight: 95}
      - {upstream: shop-v2, weight: 5, force: [{header: {name: x-canary, exact: always}}, {cookie: {name: canary, exact: always}}]}
    sticky: {by: cookie, name: hg_shop, ttl: 1h, strict: false}
    timeouts: {request: 30s, backendRequest: 10s, idle: 60s}
    retry: {attempts: 2, on: [connectFailure, reset, timeout, "503"], methods: [GET, HEAD, OPTIONS], backoff: 25ms, budget: 20%}
    maxBodySize: 10MiB
    websocket: true
    requestHeaders:  {set: {x-a: b}, add: {}, remove: []}
    responseHeaders: {set: {}, add: {}, remove: []}
    rewrite: {prefix: /v1}
    access: {allow: [10.0.0.0/8], deny: ["2001:db8::/32"]}
  - name: shop-front
    hostnames: [shop.example.com]
    blueGreen: {active: blue, blue: shop-blue, green: shop-green, preview: {header: {name: x-preview, exact: "1"}}}
  - name: old-site
    hostnames: [www.example.com]
    redirect: {hostname: shop.example.com, scheme: https, status: 301}
  - name: ping
    matches: [{path: {exact: /ping}}]
    respond: {status: 200, body: "pong\n", headers: {content-type: text/plain}}
)yaml";

class CompleteExample : public ::testing::Test {
 protected:
  void SetUp() override {
    loaded_ = LoadFile("headgate.yaml", kExample, "/etc/headgate");
    ASSERT_NE(loaded_.model, nullptr) << RenderText(loaded_.diagnostics, loaded_.sources);
    EXPECT_TRUE(loaded_.diagnostics.items().empty()) << RenderText(loaded_.diagnostics, loaded_.sources);
  }
  const Model& model() const { return *loaded_.model; }

  LoadedFile loaded_;
};

TEST_F(CompleteExample, ListenersArrive) {
  ASSERT_EQ(model().listeners.size(), 2U);
  const Listener& web = model().listeners[0];
  EXPECT_EQ(web.address.value.ToString(), "0.0.0.0:8080");
  EXPECT_EQ(web.public_port->value, 80);
  EXPECT_EQ(web.https_redirect->listener->value, "websecure");
  EXPECT_EQ(web.https_redirect->except[0].value, "/healthz");
  EXPECT_EQ(web.name.at, (Position{0, 3, 11, 3}));
  const Listener& secure = model().listeners[1];
  EXPECT_EQ(secure.tls->certificates[0].cert_file.value.resolved, "/etc/headgate/tls/shop/tls.crt");
  EXPECT_EQ(secure.tls->min_version->value, TlsVersion::kTls12);
  ASSERT_EQ(secure.protocols.size(), 2U);
  EXPECT_EQ(secure.protocols[0].value, Protocol::kH2);
  EXPECT_EQ(secure.protocols[1].value, Protocol::kHttp11);
}

TEST_F(CompleteExample, ProcessKeysArrive) {
  EXPECT_FALSE(model().workers);
  EXPECT_EQ(model().admin->address->value.ToString(), "127.0.0.1:9901");
  EXPECT_EQ(model().metrics->address->value.port, 9090);
  EXPECT_EQ(model().access_log->to->value, LogTarget::kStdout);
  EXPECT_EQ(model().access_log->sample->value.ppm, 1'000'000U);
  EXPECT_EQ(model().drain->lame_duck->value, Duration(std::chrono::seconds(5)));
  EXPECT_EQ(model().trusted_proxies[0].value.ToString(), "10.0.0.0/8");
  EXPECT_TRUE(model().limits.max_connections.IsNone());
  EXPECT_TRUE(model().limits.max_memory.IsAbsent()) << "auto";
  EXPECT_EQ(*model().limits.request_head, 32U * 1024);
  EXPECT_EQ(*model().limits.body_rate, 240U);
  EXPECT_EQ(*model().limits.h2_streams, 100U);
  EXPECT_EQ(*model().limits.h2_window, 64U * 1024);
  EXPECT_EQ(*model().limits.h2_connection, 4U * 1024 * 1024);
  EXPECT_EQ(*model().limits.tls_handshake, Duration(std::chrono::seconds(5)));
}

TEST_F(CompleteExample, UpstreamsArrive) {
  ASSERT_EQ(model().upstreams.size(), 4U);
  EXPECT_EQ(model().upstreams[0]->address->value.name, "shop-v1.shop.svc.cluster.local");
  const Upstream& fixed = *model().upstreams[1];
  ASSERT_EQ(fixed.endpoints.size(), 2U);
  EXPECT_EQ(fixed.endpoints[0].address.value.ToString(), "10.1.2.3:8080");
  EXPECT_EQ(fixed.endpoints[1].address.value.ToString(), "[::1]:8080");
  EXPECT_EQ(fixed.endpoints[1].weight->value, 3U);
  EXPECT_EQ(fixed.load_balancing->value, LoadBalancing::kLeastRequest);
  EXPECT_EQ(*fixed.connections->max_age, Duration(std::chrono::minutes(5)));
  EXPECT_EQ(fixed.tls->ca_file->value.resolved, "/etc/headgate/ca.crt");
}

TEST_F(CompleteExample, RoutesArrive) {
  ASSERT_EQ(model().routes.size(), 4U);
  const Route& api = *model().routes[0];
  EXPECT_EQ(api.matches[0].path->kind, PathMatchKind::kPrefix);
  EXPECT_EQ(api.matches[0].method->value, "GET");
  EXPECT_EQ(api.matches[0].headers[0].value.value, "beta");
  EXPECT_EQ(api.matches[0].query_params[0].value.value, "2");
  EXPECT_EQ(api.backends[0].weight->value, 95U);
  ASSERT_EQ(api.backends[1].force.size(), 2U);
  EXPECT_EQ(api.backends[1].force[1].by, ForceBy::kCookie);
  EXPECT_EQ(api.backends[1].force[1].match.name.value, "canary");
  const Route& front = *model().routes[1];
  EXPECT_EQ(front.blue_green->active.value, Colour::kBlue);
  EXPECT_EQ(front.blue_green->green.value, "shop-green");
  EXPECT_EQ(front.blue_green->preview->match.name.value, "x-preview");
  EXPECT_EQ(model().routes[2]->redirect->status->value, 301);
  EXPECT_EQ(model().routes[2]->redirect->scheme->value, "https");
  EXPECT_EQ(model().routes[3]->respond->body->value, "pong\n");
}

TEST_F(CompleteExample, PoliciesArrive) {
  const RoutePolicy& policy = model().routes[0]->policy;
  EXPECT_EQ(policy.sticky->name->value, "hg_shop");
  EXPECT_EQ(*policy.timeouts->backend_request, Duration(std::chrono::seconds(10)));
  ASSERT_EQ(policy.retry->on.size(), 4U);
  EXPECT_EQ(policy.retry->on[3].status, 503);
  EXPECT_EQ(policy.retry->budget->value.ppm, 200'000U);
  EXPECT_EQ(*policy.max_body_size, 10U * 1024 * 1024);
  EXPECT_TRUE(*policy.websocket);
  EXPECT_EQ(policy.request_headers->set[0].name.value, "x-a");
  EXPECT_EQ(policy.rewrite->prefix->value, "/v1");
  EXPECT_TRUE(policy.access->has_allow);
  EXPECT_EQ(policy.access->deny[0].value.ToString(), "2001:db8::/32");
}

LoadedFile LoadRoute(const std::string& keys) {
  return LoadFile("f.yaml", "upstreams: {u: {address: shop:80}}\nroutes:\n  - {name: r, backends: [{upstream: u}], " +
                                keys + "}\n");
}

TEST(RoutePolicy, AbsentNoneAndAValueAreThreeThings) {
  const LoadedFile loaded = LoadRoute("retry: none, timeouts: {request: none, idle: 5s}");
  ASSERT_NE(loaded.model, nullptr);
  const RoutePolicy& policy = loaded.model->routes[0]->policy;
  EXPECT_TRUE(policy.sticky.IsAbsent());
  EXPECT_TRUE(policy.retry.IsNone());
  EXPECT_TRUE(policy.timeouts->request.IsNone());
  EXPECT_TRUE(policy.timeouts->backend_request.IsAbsent());
  EXPECT_EQ(*policy.timeouts->idle, Duration(std::chrono::seconds(5)));
  RoutePolicy defaults;
  defaults.retry.Set(Retry{}, {});
  defaults.sticky.Set(Sticky{}, {});
  EXPECT_TRUE(policy.retry.Or(defaults.retry).IsNone());
  EXPECT_TRUE(policy.sticky.Or(defaults.sticky).HasValue());
}

TEST(RoutePolicy, StickyByHeaderNamesTheHeader) {
  const LoadedFile loaded = LoadRoute("sticky: {by: header x-user}");
  ASSERT_NE(loaded.model, nullptr);
  EXPECT_EQ(loaded.model->routes[0]->policy.sticky->by.value, StickyBy::kHeader);
  EXPECT_EQ(loaded.model->routes[0]->policy.sticky->header->value, "x-user");
}

TEST(RoutePolicy, ARateLimitSaysHowManyAndWhose) {
  const LoadedFile loaded = LoadRoute(
      "rateLimit: {requests: 100, per: 10s, burst: 50, by: header X-Key, except: [10.0.0.0/8], dryRun: true}");
  ASSERT_NE(loaded.model, nullptr) << RenderText(loaded.diagnostics, loaded.sources);
  const RateLimit& limit = *loaded.model->routes[0]->policy.rate_limit;
  EXPECT_EQ(limit.requests.value, 100U);
  EXPECT_EQ(limit.per->value, Duration(std::chrono::seconds(10)));
  EXPECT_EQ(limit.burst->value, 50U);
  EXPECT_EQ(limit.by->value, RateLimitBy::kHeader);
  EXPECT_EQ(limit.header->value, "X-Key");
  EXPECT_EQ(limit.except[0].value.ToString(), "10.0.0.0/8");
  EXPECT_TRUE(limit.dry_run->value);
  const LoadedFile mapped = LoadRoute("rateLimit: {requests: 1, by: {header: x-key}}");
  ASSERT_NE(mapped.model, nullptr) << RenderText(mapped.diagnostics, mapped.sources);
  EXPECT_EQ(mapped.model->routes[0]->policy.rate_limit->header->value, "x-key");
}

TEST(RoutePolicy, ARateLimitHasBounds) {
  for (const char* keys :
       {"{per: 1s}", "{requests: 0}", "{requests: 1000001}", "{requests: 1, per: 999ms}", "{requests: 1, per: 25h}",
        "{requests: 1, burst: 0}", "{requests: 1, by: cookie}", "{requests: 1, by: header}", "{requests: 1, by: {}}",
        "{requests: 1, by: {cookie: a}}", "{requests: 1, by: {header: 'a b'}}",
        "{requests: 1, by: {header: a, cookie: b}}", "{requests: 1, shared: {}}"}) {
    EXPECT_EQ(LoadRoute(std::string("rateLimit: ") + keys).model, nullptr) << keys;
  }
  for (const char* keys : {"none", "{requests: 1}", "{requests: 1000000, per: 24h, burst: 1000000, by: route}"}) {
    EXPECT_NE(LoadRoute(std::string("rateLimit: ") + keys).model, nullptr) << keys;
  }
}

TEST(Decode, NoneTurnsTheAdminListenerOff) {
  const LoadedFile loaded = LoadFile("f.yaml", "admin: none\nworkers: 3\n");
  ASSERT_NE(loaded.model, nullptr);
  EXPECT_TRUE(loaded.model->admin.IsNone());
  EXPECT_EQ(loaded.model->workers->value, 3U);
}

TEST(Decode, AnUpstreamSpeaksH2OverTlsAndH2cWithout) {
  const LoadedFile loaded = LoadFile(
      "f.yaml", "upstreams: {a: {address: a:443, protocol: h2, tls: {}}, b: {address: b:80, protocol: h2c}}\n");
  ASSERT_NE(loaded.model, nullptr) << RenderText(loaded.diagnostics, loaded.sources);
  EXPECT_EQ(loaded.model->upstreams[0]->protocol->value, Protocol::kH2);
  EXPECT_EQ(loaded.model->upstreams[1]->protocol->value, Protocol::kH2c);
}

TEST(Decode, Http2LimitsHaveBounds) {
  for (const char* limit : {"h2Streams: 0", "h2Streams: 10001", "h2Window: 16383", "h2Window: 17MiB",
                            "h2Connection: 65535", "h2Connection: 2GiB", "h2Streams: none"}) {
    EXPECT_EQ(LoadFile("f.yaml", std::string("limits: {") + limit + "}\n").model, nullptr) << limit;
  }
  for (const char* limit : {"h2Streams: 1", "h2Streams: 10000", "h2Window: 16KiB", "h2Connection: 64KiB"}) {
    EXPECT_NE(LoadFile("f.yaml", std::string("limits: {") + limit + "}\n").model, nullptr) << limit;
  }
}

TEST(Decode, AListenerSpeaksNeitherNothingNorH2c) {
  for (const char* protocols : {"[]", "[h2c]", "[h3]", "h2"}) {
    const std::string text =
        std::string("listeners: [{name: a, address: '0.0.0.0:1', protocols: ") + protocols + "}]\n";
    EXPECT_EQ(LoadFile("f.yaml", text).model, nullptr) << protocols;
  }
}

TEST(DecodeHashOn, IsRefusedWhereNothingIsHashedOrNamed) {
  for (const char* value : {"{hashOn: path}", "{policy: random, hashOn: path}", "{policy: maglev, hashOn: ip}",
                            "{policy: maglev, hashOn: {}}", "{policy: maglev, hashOn: {cookie: a, header: b}}",
                            "{policy: maglev, hashOn: {header: 'a b'}}", "{policy: maglev, hashOn: [path]}"}) {
    const LoadedFile loaded =
        LoadFile("f.yaml", std::string("upstreams: {a: {address: a:80, loadBalancing: ") + value + "}}");
    EXPECT_EQ(loaded.model, nullptr) << value;
  }
}

TEST(DecodeProxyProtocol, NeedsPeers) {
  for (const char* value : {"{}", "{from: []}", "{from: [a]}", "{from: [10.0.0.1/8]}", "true"}) {
    const LoadedFile loaded =
        LoadFile("f.yaml", std::string("listeners: [{name: a, address: '0.0.0.0:1', proxyProtocol: ") + value + "}]");
    EXPECT_EQ(loaded.model, nullptr) << value;
  }
}

struct LaterKey {
  const char* word;
  const char* text;
};

class LaterKeys : public ::testing::TestWithParam<LaterKey> {};

TEST_P(LaterKeys, AreRefusedByNameAsNotAvailableYet) {
  const LoadedFile loaded = LoadFile("f.yaml", GetParam().text);
  EXPECT_EQ(loaded.model, nullptr);
  std::string messages;
  for (const Diagnostic& diagnostic : loaded.diagnostics.items()) {
    if (diagnostic.code == Code::kNotAvailableYet) messages += diagnostic.message + "\n";
  }
  EXPECT_NE(messages.find(std::string("'") + GetParam().word + "'"), std::string::npos)
      << RenderText(loaded.diagnostics, loaded.sources);
  EXPECT_NE(messages.find("is not available yet"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    Decode, LaterKeys,
    ::testing::Values(LaterKey{"healthCheck", "upstreams: {a: {address: a:80, healthCheck: {path: /}}}"},
                      LaterKey{"outlierDetection", "upstreams: {a: {address: a:80, outlierDetection: {}}}"},
                      LaterKey{"slowStart", "upstreams: {a: {address: a:80, slowStart: 30s}}"},
                      LaterKey{"panicThreshold", "upstreams: {a: {address: a:80, panicThreshold: 50%}}"},
                      LaterKey{"proxyProtocol", "upstreams: {a: {address: a:80, proxyProtocol: v2}}"},
                      LaterKey{"mirror", "defaults: {mirror: {upstream: a}}"}, LaterKey{"cors", "defaults: {cors: {}}"},
                      LaterKey{"compression", "defaults: {compression: {}}"},
                      LaterKey{"errorPages", "defaults: {errorPages: []}"}, LaterKey{"auth", "defaults: {auth: none}"},
                      LaterKey{"clientAuth", "listeners: [{name: a, address: '0.0.0.0:1', tls: {clientAuth: {}}}]"}));

}  // namespace
}  // namespace headgate::config
