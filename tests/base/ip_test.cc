#include "base/ip.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"

namespace headgate::base {
namespace {

std::string Canonical(std::string_view text) {
  const auto ip = IpAddress::Parse(text);
  return ip ? ip->ToString() : "refused";
}

TEST(IpAddress, IsWrittenAsRfc5952Says) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"1.2.3.4", "1.2.3.4"},
      {"0.0.0.0", "0.0.0.0"},
      {"255.255.255.255", "255.255.255.255"},
      {"::", "::"},
      {"::1", "::1"},
      {"1::", "1::"},
      {"2001:0db8:0000:0000:0000:0000:0002:0001", "2001:db8::2:1"},
      {"2001:DB8::AbCd", "2001:db8::abcd"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
      {"0:0:3:4:5:6:7:8", "::3:4:5:6:7:8"},
      {"::ffff:10.1.2.3", "10.1.2.3"},
      {"::FFFF:0a01:0203", "10.1.2.3"},
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
  };
  for (const auto& [text, canonical] : cases) EXPECT_EQ(Canonical(text), canonical) << text;
}

TEST(IpAddress, RefusesEverythingElse) {
  for (const std::string_view text : {"",
                                      " ",
                                      "1.2.3",
                                      "1.2.3.4.5",
                                      "01.2.3.4",
                                      "1.2.3.04",
                                      "256.1.1.1",
                                      "1.2.3.4 ",
                                      " 1.2.3.4",
                                      "+1.2.3.4",
                                      "0x1.2.3.4",
                                      "1",
                                      "127.1",
                                      "1.2.3.4:80",
                                      "[::1]",
                                      "::1%eth0",
                                      ":::",
                                      "1::2::3",
                                      "1:2:3:4:5:6:7",
                                      "1:2:3:4:5:6:7:8:9",
                                      "12345::",
                                      "::g",
                                      ":1",
                                      "1:",
                                      "::1.2.3",
                                      "::256.1.1.1",
                                      "localhost",
                                      "1.2.3.4\n",
                                      "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"}) {
    EXPECT_FALSE(IpAddress::Parse(text)) << text;
  }
  EXPECT_FALSE(IpAddress::Parse(std::string_view("1.2.3.4\0", 8)));
  EXPECT_FALSE(IpAddress::Parse(std::string_view("::1\0x", 5)));
}

TEST(IpAddress, AMappedIpv4AddressIsThatIpv4Address) {
  EXPECT_EQ(IpAddress::Parse("::ffff:10.0.0.1"), IpAddress::Parse("10.0.0.1"));
  EXPECT_EQ(IpAddress::V4(0x0a000001), IpAddress::Parse("10.0.0.1"));
  EXPECT_TRUE(IpAddress::Parse("::ffff:10.0.0.1")->is_v4());
  EXPECT_FALSE(IpAddress::Parse("::10.0.0.1")->is_v4());
  EXPECT_FALSE(IpAddress().is_v4());
}

TEST(IpAddress, KnowsLoopback) {
  for (const char* text : {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(IpAddress::Parse(text)->is_loopback()) << text;
  }
  for (const char* text : {"128.0.0.1", "0.0.0.0", "::", "::2", "1::1", "::127.0.0.1"}) {
    EXPECT_FALSE(IpAddress::Parse(text)->is_loopback()) << text;
  }
}

TEST(IpAddress, WhatItWritesTheSystemReadsAsTheSameAddress) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  for (int i = 0; i < 20'000; ++i) {
    std::array<uint8_t, 16> bytes{};
    // Groups of zeros are likely, since their runs are what is difficult.
    for (size_t group = 0; group < 8; ++group) {
      if (rng.Below(2) == 0) continue;
      const uint64_t value = rng.Next() >> rng.Below(64);
      bytes[2 * group] = static_cast<uint8_t>(value >> 8U);
      bytes[2 * group + 1] = static_cast<uint8_t>(value);
    }
    const IpAddress ip = IpAddress::FromBytes(bytes);
    const std::string text = ip.ToString();
    ASSERT_LT(text.size(), IpAddress::kTextMax);
    ASSERT_EQ(IpAddress::Parse(text), ip) << text;
    if (ip.is_v4()) continue;
    std::array<uint8_t, 16> read{};
    ASSERT_EQ(inet_pton(AF_INET6, text.c_str(), read.data()), 1) << text;
    ASSERT_EQ(read, bytes) << text;
  }
}

TEST(SocketAddress, ReadsAndWritesBothFamilies) {
  for (const char* text : {"1.2.3.4:80", "[::1]:8443", "0.0.0.0:0", "[2001:db8::1]:65535"}) {
    const auto address = SocketAddress::Parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->ToString(), text);
  }
  EXPECT_EQ(SocketAddress::Parse("[::ffff:1.2.3.4]:80")->ToString(), "1.2.3.4:80");
}

TEST(SocketAddress, RefusesEverythingElse) {
  for (const char* text : {"",
                           ":",
                           ":80",
                           "1.2.3.4",
                           "1.2.3.4:",
                           "1.2.3.4:65536",
                           "1.2.3.4:080",
                           "1.2.3.4:+1",
                           "1.2.3.4:8 ",
                           "1.2.3.4:-1",
                           "::1:80",
                           "[::1]",
                           "[::1]80",
                           "[::1:80",
                           "::1]:80",
                           "[1.2.3.4]:80",
                           "[]:80",
                           "localhost:80",
                           "1.2.3.4:99999999999999999999",
                           "[[::1]]:80",
                           "1.2.3.4:0x50"}) {
    EXPECT_FALSE(SocketAddress::Parse(text)) << text;
  }
}

bool Holds(std::string_view cidr, std::string_view ip) { return Cidr::Parse(cidr)->Contains(*IpAddress::Parse(ip)); }

TEST(Cidr, HoldsTheAddressesOfItsBlock) {
  EXPECT_TRUE(Holds("10.0.0.0/8", "10.255.255.255"));
  EXPECT_TRUE(Holds("10.0.0.0/8", "::ffff:10.1.1.1"));
  EXPECT_FALSE(Holds("10.0.0.0/8", "11.0.0.0"));
  EXPECT_FALSE(Holds("10.0.0.0/8", "::10.0.0.1"));
  EXPECT_TRUE(Holds("192.168.4.0/22", "192.168.7.255"));
  EXPECT_FALSE(Holds("192.168.4.0/22", "192.168.8.0"));
  EXPECT_TRUE(Holds("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(Holds("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_TRUE(Holds("::ffff:10.0.0.0/104", "10.9.9.9"));
  EXPECT_TRUE(Holds("10.0.0.7", "10.0.0.7"));
  EXPECT_FALSE(Holds("10.0.0.7", "10.0.0.6"));
  EXPECT_TRUE(Holds("2001:db8::1", "2001:db8::1"));
}

TEST(Cidr, TheWholeOfOneFamilyHoldsNothingOfTheOther) {
  EXPECT_TRUE(Holds("0.0.0.0/0", "1.2.3.4"));
  EXPECT_FALSE(Holds("0.0.0.0/0", "::1"));
  EXPECT_TRUE(Holds("::/0", "2001::1"));
  EXPECT_FALSE(Holds("::/0", "1.2.3.4"));
}

TEST(Cidr, IsWrittenWithTheLengthOfItsFamily) {
  for (const char* text : {"10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "::/0", "10.0.0.7/32", "::1/128"}) {
    EXPECT_EQ(Cidr::Parse(text)->ToString(), text);
  }
  EXPECT_EQ(Cidr::Parse("10.0.0.7")->ToString(), "10.0.0.7/32");
  EXPECT_EQ(Cidr::Parse("::ffff:10.0.0.0/104")->ToString(), "10.0.0.0/8");
}

TEST(Cidr, RefusesHostBitsAndBadLengths) {
  for (const char* text :
       {"", "/8", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0.0/8 ",
        "10/8", "2001:db8::1/32", "::/129", "192.168.5.0/22", "0.0.0.1/0", "a/8"}) {
    EXPECT_FALSE(Cidr::Parse(text)) << text;
  }
}

}  // namespace
}  // namespace headgate::base
