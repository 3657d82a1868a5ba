#include "config/fields/address_hints.h"

#include <gtest/gtest.h>

#include "config/parse.h"

namespace headgate::config {
namespace {

TEST(AddressHints, AnUpstreamsAddressIsHostAndPort) {
  EXPECT_EQ(UpstreamAddressHint("http://shop.example"), "write \"shop.example:80\"");
  EXPECT_EQ(UpstreamAddressHint("https://shop.example"), "write \"shop.example:443\", and tls: {} beside it");
  EXPECT_EQ(UpstreamAddressHint("http://shop:81/api"),
            "write \"shop:81\"; a path goes to the route: rewrite: {prefix: /api}");
  EXPECT_EQ(UpstreamAddressHint("shop"), "write \"shop:80\", with the port that it listens on");
  EXPECT_EQ(UpstreamAddressHint("3000"), "write \"127.0.0.1:3000\"");
  EXPECT_EQ(UpstreamAddressHint("::1:80"), "write \"[::1]:80\"");
  EXPECT_EQ(UpstreamAddressHint("::1"), "write \"[::1]:80\"");
  EXPECT_EQ(UpstreamAddressHint("shop:99999"), "a port is from 1 to 65535");
  EXPECT_EQ(UpstreamAddressHint("m\xC3\xBCnchen.de:80"), "write \"xn--mnchen-3ya.de:80\"");
  EXPECT_NE(UpstreamAddressHint("a:1,b:1").find("endpoints"), std::string::npos);
  EXPECT_EQ(UpstreamAddressHint("a b"), "");
  EXPECT_EQ(UpstreamAddressHint(""), "write \"127.0.0.1:80\", with the port that it listens on");
}

TEST(AddressHints, AListenersAddressIsThisMachines) {
  EXPECT_EQ(ListenAddressHint("address", ":8080"), "write \"0.0.0.0:8080\"");
  EXPECT_EQ(ListenAddressHint("address", "*:8080"), "write \"0.0.0.0:8080\"");
  EXPECT_EQ(ListenAddressHint("address", "8080"), "write \"0.0.0.0:8080\"");
  EXPECT_EQ(ListenAddressHint("address", ":::8080"), "write \"[::]:8080\"");
  EXPECT_NE(ListenAddressHint("address", "shop.example:81").find("0.0.0.0:81"), std::string::npos);
  EXPECT_NE(ListenAddressHint("endpoints", "shop.example:81").find("'address'"), std::string::npos);
  EXPECT_EQ(ListenAddressHint("address", "/run/x.sock"), "a socket in the file system is not available");
}

TEST(AddressHints, AHostnameIsANameAlone) {
  const Field route{.key = "hostnames", .type = FieldType::kHostname};
  EXPECT_EQ(HostnameHint(route, "https://a.example"), "write a.example");
  EXPECT_EQ(HostnameHint(route, "a.example:443"), "write a.example");
  EXPECT_EQ(HostnameHint(route, "a.example/x"), "write a.example, and matches: [{path: {prefix: /x}}]");
  EXPECT_EQ(HostnameHint(route, "*"), "leave 'hostnames' out: any hostname");
  EXPECT_EQ(HostnameHint(route, ".a.example"), "write \"*.a.example\"");
  EXPECT_EQ(HostnameHint(route, "*a.example"), "write \"*.a.example\"");
  EXPECT_EQ(HostnameHint(route,
                         "b\xC3\xBC"
                         "cher.example"),
            "write xn--bcher-kva.example");
  EXPECT_EQ(HostnameHint(route, "\xE2\x98\x83\xE2\x98\x83 a"), "write a list: hostnames: [a.example, b.example]");
  EXPECT_EQ(HostnameHint({.key = "serverName", .type = FieldType::kDnsName}, "https://a.example/x"), "write a.example");
}

TEST(AddressHints, ANetworkHasNoHostBits) {
  EXPECT_EQ(NetworkOf(*base::IpAddress::Parse("10.1.2.3"), 8), "10.0.0.0/8");
  EXPECT_EQ(NetworkOf(*base::IpAddress::Parse("10.1.2.3"), 0), "0.0.0.0/0");
  EXPECT_EQ(NetworkOf(*base::IpAddress::Parse("10.1.2.255"), 31), "10.1.2.254/31");
  EXPECT_EQ(NetworkOf(*base::IpAddress::Parse("2001:db8:ffff::1"), 33), "2001:db8:8000::/33");
}

}  // namespace
}  // namespace headgate::config
