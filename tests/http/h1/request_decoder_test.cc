#include <gtest/gtest.h>

#include "tests/http/h1/codec.h"

namespace headgate::http::h1 {
namespace {

constexpr char kBrowser[] =
    "GET /assets/app.js?v=3 HTTP/1.1\r\n"
    "Host: shop.example.com\r\n"
    "Connection: keep-alive\r\n"
    "sec-ch-ua-platform: \"Linux\"\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-US,en;q=0.9\r\n"
    "Cookie: session=0123456789abcdef; theme=dark\r\n"
    "\r\n";

TEST(RequestDecoder, TakesABrowsersRequestApart) {
  const RequestDecode request{kBrowser};
  ASSERT_TRUE(request.ok()) << request.detail();
  EXPECT_EQ(request.head.method, Method::kGet);
  EXPECT_EQ(request.head.path, "/assets/app.js");
  EXPECT_EQ(request.head.query, "v=3");
  EXPECT_EQ(request.head.host, "shop.example.com");
  EXPECT_EQ(request.head.headers.size(), 6u);
  EXPECT_EQ(request.head.headers.Get(HeaderId::kCookie), "session=0123456789abcdef; theme=dark");
  EXPECT_EQ(request.head.headers.fields()[0].name, "sec-ch-ua-platform");
  EXPECT_TRUE(request.head.keep_alive);
  EXPECT_EQ(request.head.body.kind, BodyKind::kNone);
}

TEST(RequestDecoder, WhatItEncodesDecodesToTheSame) {
  const RequestDecode request{kBrowser};
  const std::string encoded = request.Encoded();
  const RequestDecode again{encoded};
  ASSERT_TRUE(again.ok()) << again.detail() << encoded;
  EXPECT_EQ(again.Encoded(), encoded);
}

RequestHead& Described(std::string_view text, RequestDecode& into) {
  DescribeRefusedHead(text, base::kTargetBytesMax, into.arena, into.head);
  return into.head;
}

TEST(RequestDecoder, WhatCanBeReadOfARefusedHeadIsNamed) {
  RequestDecode decode{"TRACE /a/../b?c HTTP/1.1\r\nX: 1\r\nHOST: Shop.example.com:80\r\n\r\n"};
  EXPECT_EQ(decode.error.code, base::ErrorCode::kMethodNotAllowed);
  const RequestHead& head = Described(decode.bytes, decode);
  EXPECT_EQ(head.method, Method::kTrace);
  EXPECT_EQ(head.path, "/b");
  EXPECT_EQ(head.query, "c");
  EXPECT_EQ(head.host, "shop.example.com");
}

TEST(RequestDecoder, OfARefusedHeadOnlyWhatIsSoundIsNamed) {
  for (const std::string_view text : {"", "GE", "BREW", "\x16\x03\x01\r\n", "get /x"}) {
    RequestDecode decode{""};
    EXPECT_EQ(Described(text, decode).method, Method::kOther) << text;
    EXPECT_EQ(decode.head.path, "") << text;
  }
  RequestDecode half{""};
  EXPECT_EQ(Described("POST /x HTTP/1.1\r\nHost: shop.exam", half).method, Method::kPost);
  EXPECT_EQ(half.head.path, "/x");
  EXPECT_EQ(half.head.host, "");
  RequestDecode bad{""};
  EXPECT_EQ(Described("PUT /%zz HTTP/1.1\r\nHost: a b\r\n\r\nHost: body", bad).method, Method::kPut);
  EXPECT_EQ(bad.head.path, "");
  EXPECT_EQ(bad.head.host, "");
}

TEST(RequestDecoder, OfARefusedHeadThatCameWholeItIsKnownWhoAsks) {
  constexpr std::string_view kFields =
      "X-Forwarded-For: 192.0.2.1\r\nX-Request-ID: i\r\nX: 1\r\nx-forwarded-for:192.0.2.2 \r\nX-Real-IP: \x01\r\n";
  const std::string whole = "BREW / HTTP/1.1\r\n" + std::string(kFields) + "\r\nX-Forwarded-For: body\r\n";
  RequestDecode brew{""};
  const HeaderMap& headers = Described(whole, brew).headers;
  ASSERT_EQ(headers.size(), 3u);
  EXPECT_EQ(headers.Get(HeaderId::kXForwardedFor), "192.0.2.1");
  EXPECT_EQ(headers.Get(HeaderId::kXRequestId), "i");
  EXPECT_EQ(headers.fields()[2].value, "192.0.2.2");
  RequestDecode half{""};
  EXPECT_EQ(Described("BREW / HTTP/1.1\r\n" + std::string(kFields), half).headers.size(), 0u);
  RequestDecode parsed{"GET / HTTP/1.1\r\n" + std::string(kFields) + "\r\n"};
  EXPECT_EQ(Described(parsed.bytes, parsed).headers.Count(HeaderId::kXForwardedFor), 2u) << "not twice";
  std::string many = "BREW / HTTP/1.1\r\n";
  for (int i = 0; i < 20; ++i) many += "X-Forwarded-For: 192.0.2.1\r\n";
  RequestDecode flood{""};
  EXPECT_EQ(Described(many + "\r\n", flood).headers.size(), 0u);
}

}  // namespace
}  // namespace headgate::http::h1
