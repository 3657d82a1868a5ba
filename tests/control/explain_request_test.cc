#include "control/explain_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json/json.h"
#include "config/units.h"
#include "routing/compile/compile.h"

namespace headgate::control {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Nothing of a certificate is read to compile.
constexpr char kConfig[] = R"(
listeners:
  - {name: web, address: "127.0.0.1:8080", publicPort: 80}
  - {name: other, address: "127.0.0.1:8081"}
  - {name: secure, address: "127.0.0.1:8443", publicPort: 443, tls: {certificates: [{certFile: /c, keyFile: /k}]}}
  - {name: redirecting, address: "127.0.0.1:8082", httpsRedirect: true}
trustedProxies: [10.0.0.0/8]
upstreams: {shop: {endpoints: ["127.0.0.1:1"]}}
routes:
  - {name: api, hostnames: [shop.example.com], matches: [{path: {prefix: /api}}], backends: [{upstream: shop}]}
  - {name: beta, hostnames: [shop.example.com], matches: [{headers: [{name: x-t, exact: beta}]}], respond: {status: 200}}
  - {name: inside, hostnames: [in.example.com], access: {allow: [192.0.2.0/24]}, respond: {status: 200}}
  - name: numbered
    hostnames: [id.example.com]
    matches: [{headers: [{name: x-request-id, regex: "[0-9a-f]{32}"}]}]
    respond: {status: 200}
  - {name: any, respond: {status: 204}}
)";

struct ExplainRequestTest : ::testing::Test {
  ExplainRequestTest() {
    const config::LoadedFile file = config::LoadFile("headgate.yaml", kConfig);
    EXPECT_NE(file.model, nullptr);
    config::DiagnosticList problems;
    compiled = routing::Compile(*file.model, nullptr, problems);
    asked.client = base::IpAddress::V4(0x7f000001);
  }
  absl::StatusOr<Explained> Ask(const std::string& url, const std::string& listener = {}) {
    asked.method = asked.method.empty() ? "GET" : asked.method;
    asked.url = url;
    asked.listener = listener;
    return ExplainRequest(*compiled, asked, {});
  }
  std::string ListenerOf(const std::string& url) {
    const auto answer = Ask(url);
    return answer.ok() ? answer->listener : std::string(answer.status().message());
  }
  std::string RefusalOf(const std::string& url) {
    const auto answer = Ask(url);
    return answer.ok() ? "not refused" : std::string(answer.status().message());
  }

  AskedRequest asked;
  std::shared_ptr<const routing::Compiled> compiled;
};

TEST_F(ExplainRequestTest, SchemeAndPortChooseTheListener) {
  EXPECT_EQ(ListenerOf("http://shop.example.com/"), "web");
  EXPECT_EQ(ListenerOf("https://shop.example.com/"), "secure");
  EXPECT_EQ(ListenerOf("http://shop.example.com:8081/"), "other");
  EXPECT_EQ(ListenerOf("http://shop.example.com:8080/"), "web") << "its own port where the public one is another";
  EXPECT_EQ(ListenerOf("https://shop.example.com:9999/"), "secure") << "the first of the scheme";
  EXPECT_EQ(ListenerOf("/path"), "web") << "the first when nothing is said";
  EXPECT_EQ(ListenerOf("http://[::1]/"), "web") << "a colon of an address is no port";
}

TEST_F(ExplainRequestTest, AUrlThatNoListenerTakesIsSaidSo) {
  EXPECT_EQ(Ask("https://shop.example.com/")->note, "");
  EXPECT_EQ(Ask("http://shop.example.com/")->note, "");
  EXPECT_EQ(Ask("/", "secure")->note, "") << "no scheme was asked for";
  EXPECT_EQ(Ask("https://shop.example.com/", "web")->note, "listener 'web' takes http, not https");
  const config::LoadedFile plain = config::LoadFile("f.yaml", "listeners: [{name: web, address: \"127.0.0.1:80\"}]\n");
  config::DiagnosticList problems;
  asked.url = "https://shop.example.com/";
  asked.listener.clear();
  const auto explanation = ExplainRequest(*routing::Compile(*plain.model, nullptr, problems), asked, {});
  EXPECT_EQ(explanation->note, "listener 'web' takes http, not https: no listener has tls");
  EXPECT_THAT(ExplanationAsText(*explanation), HasSubstr("no listener has tls"));
}

TEST_F(ExplainRequestTest, AListenerMayBeNamedAndMustExist) {
  EXPECT_EQ(Ask("http://shop.example.com/", "other")->listener, "other");
  const auto none = Ask("/", "nobody");
  EXPECT_THAT(std::string(none.status().message()), HasSubstr("no listener 'nobody'"));
}

TEST_F(ExplainRequestTest, HostPathAndFieldsAreThoseOfTheRequest) {
  const auto api = Ask("http://shop.example.com/api/x?y#fragment");
  EXPECT_EQ(api->search.route, "api");
  EXPECT_EQ(api->verdict.upstream, "shop");
  EXPECT_EQ(Ask("http://other.example.com?q=1")->search.route, "any") << "no path is /";
  asked.headers = {{"X-T", "beta"}};
  EXPECT_EQ(Ask("http://shop.example.com/")->search.route, "beta");
  asked.headers = {{"host", "shop.example.com"}};
  EXPECT_EQ(Ask("/api")->search.route, "api") << "a Host among the fields";
  asked.headers.clear();
  asked.method = "OPTIONS";
  EXPECT_EQ(Ask("*")->search.route, "any");
  EXPECT_THAT(RefusalOf("*.shop.example.com/"), HasSubstr("neither http://"));
  asked.method = "GET";
  EXPECT_THAT(RefusalOf("http://*.shop.example.com/api"), HasSubstr("bad character in host")) << "not the target *";
}

TEST_F(ExplainRequestTest, WhatHeadgateRefusesIsSaidWithTheReason) {
  EXPECT_THAT(RefusalOf("shop.example.com/"), HasSubstr("neither http://"));
  EXPECT_THAT(RefusalOf("http://shop.example.com/%zz"), HasSubstr("headgate refuses this request"));
  asked.headers = {{"transfer-encoding", "gzip"}};
  EXPECT_THAT(RefusalOf("/"), HasSubstr("headgate refuses this request"));
}

TEST_F(ExplainRequestTest, NoFieldCanSmuggleAnotherIn) {
  asked.headers = {{"x-a", "1\r\n\r\nGET /api HTTP/1.1"}};
  EXPECT_THAT(RefusalOf("/"), HasSubstr("line break"));
  asked.headers = {{"x-a", "1\nHost: shop.example.com"}};
  EXPECT_THAT(RefusalOf("/api"), Not(HasSubstr("not refused")));
}

TEST_F(ExplainRequestTest, ATrustedProxysWordCountsAndNobodyElses) {
  asked.headers = {{"x-forwarded-for", "192.0.2.7"}, {"x-forwarded-proto", "https"}};
  const auto untrusted = Ask("http://in.example.com/");
  EXPECT_EQ(untrusted->client, "127.0.0.1");
  EXPECT_EQ(untrusted->scheme, "http");
  EXPECT_THAT(Ask("http://in.example.com/", "redirecting")->verdict.action, HasSubstr("redirect 308"));
  asked.client = *base::IpAddress::Parse("10.1.2.3");
  const auto trusted = Ask("http://in.example.com/");
  EXPECT_EQ(trusted->client, "192.0.2.7");
  EXPECT_EQ(trusted->scheme, "https");
  EXPECT_NE(trusted->verdict.action, untrusted->verdict.action) << "the access list lets it in";
  EXPECT_EQ(Ask("http://in.example.com/", "redirecting")->search.route, "inside") << "it came by https";
}

TEST_F(ExplainRequestTest, ARequestHasItsIdBeforeARouteIsLookedFor) {
  asked.headers = {{"X-Request-Id", "mine"}};
  EXPECT_EQ(Ask("http://id.example.com/")->search.route, "numbered") << "not its own: it is nobody's whom we trust";
}

TEST_F(ExplainRequestTest, TextNamesTheWinnerAndWhyTheOthersLost) {
  const std::string text = ExplanationAsText(*Ask("http://shop.example.com/api"));
  EXPECT_THAT(text, HasSubstr("listener  web\nclient    127.0.0.1, http\nhostname  shop.example.com\nroute     api\n"
                              "rule      path prefix /api\n"));
  EXPECT_THAT(text, HasSubstr("upstream  shop\n\nother candidates\n  beta ("));
}

TEST_F(ExplainRequestTest, TextOfARequestThatIsSentToHttpsSaysSo) {
  const std::string text = ExplanationAsText(*Ask("http://shop.example.com/api", "redirecting"));
  EXPECT_EQ(text,
            "listener  redirecting\nclient    127.0.0.1, http\nroute     none\nrule      httpsRedirect of listener "
            "'redirecting'\n"
            "action    redirect 308 to https://shop.example.com/api\n");
}

TEST_F(ExplainRequestTest, TextOfANoneIsA404) {
  Explained none{.listener = "web", .note = "", .client = "127.0.0.1", .scheme = "http", .search = {}, .verdict = {}};
  none.search.routes_of_other_hosts = 3;
  none.verdict.action = "404: no route matches";
  EXPECT_EQ(ExplanationAsText(none),
            "listener  web\nclient    127.0.0.1, http\nroute     none\naction    404: no route matches\n\n"
            "3 routes of other hostnames were not looked at\n");
}

TEST_F(ExplainRequestTest, ARequestThatCameOnAnothersConnectionIsMisdirected) {
  asked.headers = {{"host", "shop.example.com"}};
  EXPECT_EQ(Ask("https://shop.example.com/api")->verdict.status, 0);
  EXPECT_EQ(Ask("https://SHOP.example.com:443/api")->verdict.status, 0) << "a server name is lower case";
  const auto certificates_of = [](uint32_t listener) {
    EXPECT_EQ(listener, 2U);
    return std::shared_ptr<const proxy::net::CertificateSet>();
  };
  EXPECT_EQ(ExplainRequest(*compiled, asked, certificates_of)->verdict.status, 0) << "nobody could read them";
}

TEST_F(ExplainRequestTest, JsonHoldsTheSame) {
  const auto explanation = Ask("http://shop.example.com/api");
  const auto parsed = base::json::Parse(ExplanationAsJson(*explanation));
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  const auto& all = parsed->as_object();
  EXPECT_EQ(all.at("route"), "api");
  EXPECT_EQ(all.at("listener"), "web");
  EXPECT_EQ(all.at("status"), 0);
  EXPECT_EQ(all.at("candidates").as_array().size(), explanation->search.candidates.size());
  EXPECT_EQ(all.at("candidates").as_array()[0].as_object().at("won"), true);
}

}  // namespace
}  // namespace headgate::control
