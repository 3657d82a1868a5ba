#include "proxy/net/proxy_protocol.h"

#include <gtest/gtest.h>

#include <string>

namespace headgate::proxy::net {
namespace {

using Kind = ProxyHeaderResult::Kind;
using std::string_literals::operator""s;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string Binary(uint8_t command, uint8_t family, const std::string& rest) {
  std::string text = kSignature;
  text += static_cast<char>(command);
  text += static_cast<char>(family);
  text += static_cast<char>(rest.size() >> 8U);
  text += static_cast<char>(rest.size() & 0xffU);
  return text + rest;
}

const std::string kInet = "\xc0\x00\x02\x01\xc0\x00\x02\x02\x8b\x1c\x01\xbb"s;  // 192.0.2.1:35612 to 192.0.2.2:443

ProxyHeader::Parties Parties(std::string_view source, std::string_view destination) {
  return {*base::SocketAddress::Parse(source), *base::SocketAddress::Parse(destination)};
}

void ExpectDone(const std::string& header, const std::optional<ProxyHeader::Parties>& parties) {
  const ProxyHeaderResult result = ParseProxyHeader(header + "GET / HTTP/1.1\r\n");
  ASSERT_EQ(result.kind, Kind::kDone) << header << ": " << result.reason;
  EXPECT_EQ(result.header.bytes, header.size());
  EXPECT_EQ(result.header.parties, parties) << header;
  for (size_t i = 0; i < header.size(); ++i) {
    ASSERT_EQ(ParseProxyHeader(std::string_view(header).substr(0, i)).kind, Kind::kMore) << "after " << i << " bytes";
  }
}

void ExpectBad(const std::string& header) {
  EXPECT_EQ(ParseProxyHeader(header).kind, Kind::kBad) << ::testing::PrintToString(header);
}

// Examples of section 2.1 of the specification.
TEST(ProxyProtocolTest, ReadsTheLinesOfVersion1) {
  ExpectDone("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", Parties("192.168.0.1:56324", "192.168.0.11:443"));
  ExpectDone("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
             Parties("255.255.255.255:65535", "255.255.255.255:65535"));
  ExpectDone("PROXY TCP6 ffff:f:f:f:f:f:f:ffff ffff:f:f:f:f:f:f:fff1 65535 0\r\n",
             Parties("[ffff:f:f:f:f:f:f:ffff]:65535", "[ffff:f:f:f:f:f:f:fff1]:0"));
  ExpectDone("PROXY TCP6 ::1 2001:db8::2 1 2\r\n", Parties("[::1]:1", "[2001:db8::2]:2"));
  ExpectDone("PROXY UNKNOWN\r\n", std::nullopt);
  ExpectDone("PROXY UNKNOWN ffff:f:f:f:f:f:f:ffff ffff:f:f:f:f:f:f:ffff 65535 65535\r\n", std::nullopt);
}

TEST(ProxyProtocolTest, RefusesOtherLines) {
  for (const char* line : {"GET / HTTP/1.1\r\n",
                           "PROXY  TCP4 1.2.3.4 1.2.3.5 1 2\r\n",
                           "PROXY TCP4  1.2.3.4 1.2.3.5 1 2\r\n",
                           "PROXY TCP4 1.2.3.4 1.2.3.5 1\r\n",
                           "PROXY TCP4 1.2.3.4 1.2.3.5 1 2 \r\n",
                           "PROXY TCP4 1.2.3.4 1.2.3.5 1 2 3\r\n",
                           "PROXY TCP4 1.2.3.4 1.2.3.5 65536 2\r\n",
                           "PROXY TCP4 1.2.3.4 1.2.3.5 01 2\r\n",
                           "PROXY TCP4 1.2.3.4 1.2.3.5 +1 2\r\n",
                           "PROXY TCP4 1.2.3.4 1.2.3.5 -1 2\r\n",
                           "PROXY TCP4 1.2.3.4 1.2.3.5  2\r\n",
                           "PROXY TCP4 01.2.3.4 1.2.3.5 1 2\r\n",
                           "PROXY TCP4 ::1 ::2 1 2\r\n",
                           "PROXY TCP6 1.2.3.4 1.2.3.5 1 2\r\n",
                           "PROXY TCP6 ::1 1.2.3.5 1 2\r\n",
                           "PROXY UDP4 1.2.3.4 1.2.3.5 1 2\r\n",
                           "PROXY TCP4\r\n",
                           "PROXY \r\n",
                           "PROXY UNKNOWNS\r\n",
                           "PROXY TCP4 1.2.3.4 1.2.3.5 1 2\n",
                           "PROXY TCP4 1.2.3.4 1.2.3.5 1 2\rX",
                           "proxy TCP4 1.2.3.4 1.2.3.5 1 2\r\n",
                           "PROXY UNKNOWN\n\r\n",
                           "\r\n\r\nX"}) {
    ExpectBad(line);
  }
  ExpectBad("PROXY TCP4 1.2.3.4\0 1.2.3.5 1 2\r\n"s);
}

TEST(ProxyProtocolTest, ALineEndsWithin107Bytes) {
  const std::string longest = "PROXY UNKNOWN " + std::string(107 - 14 - 2, 'x') + "\r\n";
  ExpectDone(longest, std::nullopt);
  ExpectBad("PROXY UNKNOWN " + std::string(107 - 14 - 1, 'x') + "\r\n");
  EXPECT_EQ(ParseProxyHeader("PROXY UNKNOWN " + std::string(92, 'x')).kind, Kind::kMore);
  ExpectBad("PROXY UNKNOWN " + std::string(93, 'x'));
}

TEST(ProxyProtocolTest, ReadsVersion2) {
  ExpectDone(Binary(0x21, 0x11, kInet), Parties("192.0.2.1:35612", "192.0.2.2:443"));
  std::string inet6(32, '\0');
  inet6[0] = '\x20', inet6[1] = '\x01', inet6[15] = '\x01', inet6[31] = '\x02';
  ExpectDone(Binary(0x21, 0x21, inet6 + "\x00\x50\x01\xbb"s), Parties("[2001::1]:80", "[::2]:443"));
  std::string mapped(32, '\0');
  mapped.replace(10, 6, "\xff\xff\x0a\x01\x02\x03");
  mapped.replace(26, 6, "\xff\xff\x0a\x01\x02\x04");
  ExpectDone(Binary(0x21, 0x21, mapped + "\x00\x50\x01\xbb"s), Parties("10.1.2.3:80", "10.1.2.4:443"));
}

TEST(ProxyProtocolTest, SomeHeadersOfVersion2TellNoAddress) {
  ExpectDone(Binary(0x20, 0x00, ""), std::nullopt);
  ExpectDone(Binary(0x20, 0x11, kInet), std::nullopt);
  ExpectDone(Binary(0x20, 0x11, "what LOCAL carries is not read"), std::nullopt);
  ExpectDone(Binary(0x21, 0x00, "nor with AF_UNSPEC"), std::nullopt);
  ExpectDone(Binary(0x21, 0x31, std::string(216, 'u')), std::nullopt);
  ExpectDone(Binary(0x21, 0x12, kInet), std::nullopt);
  ExpectDone(Binary(0x21, 0x10, kInet), std::nullopt);
}

TEST(ProxyProtocolTest, RefusesMalformedVersion2) {
  ExpectBad(Binary(0x11, 0x11, kInet));
  ExpectBad(Binary(0x22, 0x11, kInet));
  ExpectBad(Binary(0x21, 0x41, kInet));
  ExpectBad(Binary(0x21, 0x13, kInet));
  ExpectBad(Binary(0x21, 0x11, kInet.substr(1)));
  ExpectBad(Binary(0x21, 0x21, kInet));
  ExpectBad(Binary(0x21, 0x31, std::string(215, 'u')));
  ExpectBad(kSignature.substr(0, 11) + "X");
  ExpectBad(kSignature + "\x31"s);  // before the rest has come
}

TEST(ProxyProtocolTest, SkipsTlvsThatAreWellFormed) {
  const auto parties = Parties("192.0.2.1:35612", "192.0.2.2:443");
  ExpectDone(Binary(0x21, 0x11, kInet + "\x01\x00\x02h2"s + "\x02\x00\x00"s + "\xea\x00\x03vpc"s), parties);
  ExpectBad(Binary(0x21, 0x11, kInet + "\x01"s));
  ExpectBad(Binary(0x21, 0x11, kInet + "\x01\x00"s));
  ExpectBad(Binary(0x21, 0x11, kInet + "\x01\x00\x03h2"s));
}

TEST(ProxyProtocolTest, RefusesAHeaderAboveTheBoundAtOnce) {
  const std::string fits = kInet + "\x04\x0f\xe1"s + std::string(4096 - 16 - 12 - 3, '\0');
  ExpectDone(Binary(0x21, 0x11, fits), Parties("192.0.2.1:35612", "192.0.2.2:443"));
  ExpectBad(Binary(0x21, 0x11, fits + "x").substr(0, 16));
  ExpectBad(Binary(0x20, 0x00, std::string(65535, 'x')).substr(0, 16));
}

TEST(ProxyProtocolTest, VerifiesTheChecksum) {
  // CRC-32C of the whole header with the value as zero, as HAProxy's `send-proxy-v2 proxy-v2-options crc32c` sends it.
  const std::string good = Binary(0x21, 0x11, kInet + "\x03\x00\x04"s + "\xd9\xf8\x98\x25"s);
  ExpectDone(good, Parties("192.0.2.1:35612", "192.0.2.2:443"));
  for (size_t bit = 0; bit < 8 * 12; ++bit) {
    std::string flipped = good;
    flipped[16 + bit / 8] = static_cast<char>(static_cast<uint8_t>(flipped[16 + bit / 8]) ^ (1U << (bit % 8)));
    ASSERT_EQ(ParseProxyHeader(flipped).kind, Kind::kBad) << "bit " << bit;
  }
  ExpectBad(Binary(0x21, 0x11, kInet + "\x03\x00\x03\x01\x02\x03"s));
  ExpectBad(Binary(0x21, 0x11, kInet + "\x03\x00\x04\x00\x00\x00\x00\x03\x00\x04\x00\x00\x00\x00"s));
}

std::string Written(ProxyProtocolVersion version, const ProxyHeader::Parties& parties) {
  std::array<char, kProxyWrittenMax> out;
  return {out.data(), WriteProxyHeader(version, parties, out)};
}

TEST(ProxyProtocolTest, WritesTheBytesOfTheSpecification) {
  const auto parties = Parties("192.0.2.1:35612", "192.0.2.2:443");
  EXPECT_EQ(Written(ProxyProtocolVersion::kV1, parties), "PROXY TCP4 192.0.2.1 192.0.2.2 35612 443\r\n");
  EXPECT_EQ(Written(ProxyProtocolVersion::kV2, parties), Binary(0x21, 0x11, kInet));
  EXPECT_EQ(Written(ProxyProtocolVersion::kV1, Parties("[2001:db8::1]:1", "10.1.2.3:2")),
            "PROXY TCP6 2001:db8::1 ::ffff:10.1.2.3 1 2\r\n");
}

TEST(ProxyProtocolTest, WhatIsWrittenIsRead) {
  for (const auto& parties : {Parties("192.0.2.1:35612", "192.0.2.2:443"), Parties("[2001:db8::1]:1", "10.1.2.3:65535"),
                              Parties("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
                                      "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe]:65535")}) {
    ExpectDone(Written(ProxyProtocolVersion::kV1, parties), parties);
    ExpectDone(Written(ProxyProtocolVersion::kV2, parties), parties);
  }
}

}  // namespace
}  // namespace headgate::proxy::net
