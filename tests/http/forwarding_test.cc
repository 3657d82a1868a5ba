#include "http/forwarding.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/slab.h"

namespace headgate::http {
namespace {

class Forwarding : public testing::Test {
 protected:
  Forwarding() {
    head_.authority = "Shop.example:8080";
    head_.port = 8080;
  }
  std::string Apply(std::string_view peer, Scheme scheme = Scheme::kHttp) {
    ForwardingInput input;
    input.peer = *base::IpAddress::Parse(peer);
    input.trusted = trusted_;
    input.scheme = scheme;
    input.public_port = 80;
    return ApplyForwarding(input, head_).ToString();
  }
  void Add(std::string_view name, std::string_view value) { head_.headers.Add(InternHeader(name), name, value); }
  std::string_view Get(HeaderId id) const { return head_.headers.Get(id); }

  base::SlabPool pool_;
  base::Arena arena_{pool_};
  RequestHead head_{arena_};
  std::vector<base::Cidr> trusted_ = {*base::Cidr::Parse("10.0.0.0/8"), *base::Cidr::Parse("fd00::/8")};
};

TEST_F(Forwarding, TellsTheUpstreamWhoTheClientIs) {
  EXPECT_EQ(Apply("192.0.2.1", Scheme::kHttps), "192.0.2.1");
  EXPECT_EQ(Get(HeaderId::kXForwardedFor), "192.0.2.1");
  EXPECT_EQ(Get(HeaderId::kXRealIp), "192.0.2.1");
  EXPECT_EQ(Get(HeaderId::kXForwardedProto), "https");
  EXPECT_EQ(Get(HeaderId::kXForwardedHost), "Shop.example:8080");
  EXPECT_EQ(Get(HeaderId::kXForwardedPort), "80");
}

TEST_F(Forwarding, BelievesNothingFromAnUntrustedPeer) {
  for (const char* name :
       {"x-forwarded-for", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "x-real-ip",
        "x-request-id", "forwarded", "x-forwarded-client-cert", "x-forwarded-prefix"}) {
    Add(name, "1.2.3.4");
  }
  Add("x-stay", "1");
  EXPECT_EQ(Apply("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(head_.headers.size(), 6u);
  EXPECT_EQ(Get(HeaderId::kXForwardedFor), "192.0.2.1");
  EXPECT_FALSE(head_.headers.Has(HeaderId::kXRequestId));
  EXPECT_FALSE(head_.headers.Has(HeaderId::kForwarded));
}

TEST_F(Forwarding, TakesTheFirstUntrustedFromTheRight) {
  Add("x-forwarded-for", "6.6.6.6, 192.0.2.7");
  Add("x-forwarded-for", "10.1.1.1,fd00::1");
  EXPECT_EQ(Apply("10.0.0.1"), "192.0.2.7");
  EXPECT_EQ(Get(HeaderId::kXForwardedFor), "6.6.6.6, 192.0.2.7, 10.1.1.1,fd00::1, 10.0.0.1");
  EXPECT_EQ(head_.headers.Count(HeaderId::kXForwardedFor), 1u);
  EXPECT_EQ(Get(HeaderId::kXRealIp), "192.0.2.7");
}

TEST_F(Forwarding, TakesTheLeftmostWhenAllAreTrusted) {
  Add("x-forwarded-for", "10.3.3.3, 10.2.2.2");
  EXPECT_EQ(Apply("10.0.0.1"), "10.3.3.3");
}

TEST_F(Forwarding, BelievesNothingLeftOfWhatIsNoAddress) {
  Add("x-forwarded-for", "192.0.2.7, unknown, 10.2.2.2");
  EXPECT_EQ(Apply("10.0.0.1"), "10.2.2.2");
}

TEST_F(Forwarding, TakesElementsWithAPortOrInBrackets) {
  const std::pair<const char*, const char*> cases[] = {
      {"192.0.2.7:1234", "192.0.2.7"}, {"[2001:db8::2]:443", "2001:db8::2"}, {"[2001:db8::2]", "2001:db8::2"}};
  for (const auto& [element, client] : cases) {
    head_.headers.Clear();
    Add("x-forwarded-for", element);
    EXPECT_EQ(Apply("10.0.0.1"), client);
  }
}

TEST_F(Forwarding, EmptyElementsAreSkipped) {
  for (const char* list : {"192.0.2.7,", "192.0.2.7, , 10.2.2.2", ", 192.0.2.7 ,,\t,10.2.2.2, ", ",192.0.2.7"}) {
    head_.headers.Clear();
    Add("x-forwarded-for", list);
    EXPECT_EQ(Apply("10.0.0.1"), "192.0.2.7") << list;
  }
  head_.headers.Clear();
  Add("x-forwarded-for", " , ");
  EXPECT_EQ(Apply("10.0.0.1"), "10.0.0.1");
}

TEST_F(Forwarding, TheSchemeIsTheClients) {
  Add("x-forwarded-proto", "https");
  Apply("10.0.0.1");
  EXPECT_EQ(head_.scheme, Scheme::kHttps);
  head_.scheme = Scheme::kHttp;
  head_.headers.Clear();
  Add("x-forwarded-proto", "https");
  Apply("192.0.2.1");
  EXPECT_EQ(head_.scheme, Scheme::kHttp) << "an untrusted peer's word";
}

TEST_F(Forwarding, KeepsWhatATrustedPeerSaidOfTheConnection) {
  Add("x-forwarded-proto", "https");
  Add("x-forwarded-host", "front.example");
  Add("x-request-id", "abc");
  Add("x-real-ip", "192.0.2.9");
  EXPECT_EQ(Apply("::ffff:10.0.0.1"), "192.0.2.9");
  EXPECT_EQ(Get(HeaderId::kXForwardedProto), "https");
  EXPECT_EQ(Get(HeaderId::kXForwardedHost), "front.example");
  EXPECT_EQ(Get(HeaderId::kXForwardedPort), "8080");
  EXPECT_EQ(Get(HeaderId::kXRequestId), "abc");
  EXPECT_EQ(Get(HeaderId::kXForwardedFor), "10.0.0.1");
}

TEST_F(Forwarding, OfSeveralThatATrustedPeerSentTheFirstIsForwarded) {
  for (const char* scheme : {"https", "http"}) Add("x-forwarded-proto", scheme);
  for (const char* host : {"front.example", "back.example"}) Add("x-forwarded-host", host);
  for (const char* port : {"8443", "80"}) Add("x-forwarded-port", port);
  Apply("10.0.0.1");
  EXPECT_EQ(head_.headers.size(), 5u);
  EXPECT_EQ(Get(HeaderId::kXForwardedProto), "https");
  EXPECT_EQ(Get(HeaderId::kXForwardedHost), "front.example");
  EXPECT_EQ(Get(HeaderId::kXForwardedPort), "8443");
}

TEST_F(Forwarding, TheSchemeIsReadFromAListInAnyForm) {
  struct Case {
    std::vector<const char*> lines;
    const char* scheme;
  };
  for (const Case& c :
       {Case{{"https, http"}, "https"}, Case{{"http,https"}, "http"}, Case{{"wss"}, "https"}, Case{{"ws"}, "http"},
        Case{{"HTTPS"}, "https"}, Case{{"Wss , http"}, "https"}, Case{{"https", "http"}, "https"},
        Case{{"", "https"}, "https"}, Case{{" ,\thttps\t,x"}, "https"}, Case{{","}, "http"},
        Case{{"gopher, https"}, "http"}, Case{{"https http"}, "http"}}) {
    head_.headers.Clear();
    head_.scheme = Scheme::kHttp;
    for (const char* line : c.lines) Add("x-forwarded-proto", line);
    Apply("10.0.0.1");
    EXPECT_EQ(Get(HeaderId::kXForwardedProto), c.scheme) << c.lines[0];
    EXPECT_EQ(head_.headers.Count(HeaderId::kXForwardedProto), 1u);
    EXPECT_EQ(head_.scheme == Scheme::kHttps, std::string_view(c.scheme) == "https") << c.lines[0];
  }
}

TEST_F(Forwarding, HostAndPortAreReadFromAListInAnyForm) {
  for (const auto& [host, port] : std::vector<std::pair<const char*, const char*>>{
           {"front.example, back.example", "8443, 80"}, {" ,front.example\t,x", ",8443"}, {"front.example", "8443"}}) {
    head_.headers.Clear();
    Add("x-forwarded-host", "");
    Add("x-forwarded-host", host);
    Add("x-forwarded-port", "");
    Add("x-forwarded-port", port);
    Apply("10.0.0.1");
    EXPECT_EQ(head_.headers.size(), 5u);
    EXPECT_EQ(Get(HeaderId::kXForwardedHost), "front.example") << host;
    EXPECT_EQ(Get(HeaderId::kXForwardedPort), "8443") << port;
  }
  head_.headers.Clear();
  Add("x-forwarded-host", "a b, front.example");
  Add("x-forwarded-port", "x, 8443");
  Apply("10.0.0.1");
  EXPECT_EQ(Get(HeaderId::kXForwardedHost), "Shop.example:8080") << "not an authority";
  EXPECT_EQ(Get(HeaderId::kXForwardedPort), "80");
}

TEST_F(Forwarding, WithoutAHostNoneIsForwarded) {
  head_.authority = {};
  Apply("192.0.2.1");
  EXPECT_FALSE(head_.headers.Has(HeaderId::kXForwardedHost));
  head_.headers.Clear();
  Add("x-forwarded-host", "");
  Apply("10.0.0.1");
  EXPECT_FALSE(head_.headers.Has(HeaderId::kXForwardedHost));
}

TEST_F(Forwarding, ReplacesNonsenseOfATrustedPeer) {
  Add("x-forwarded-proto", "gopher");
  Add("x-forwarded-port", "70000");
  EXPECT_EQ(Apply("10.0.0.1", Scheme::kHttps), "10.0.0.1");
  EXPECT_EQ(Get(HeaderId::kXForwardedProto), "https");
  EXPECT_EQ(Get(HeaderId::kXForwardedPort), "80");
}

}  // namespace
}  // namespace headgate::http
