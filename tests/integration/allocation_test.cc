// No allocation per request in the steady state: a worker is turned by hand on the test's own thread and counted.
#include <gtest/gtest.h>

#include <string_view>

#include "tests/integration/hand_turned_worker.h"

namespace headgate::integration {
namespace {

using SteadyState = HandTurnedWorker;

constexpr std::string_view kBrowserGet =
    "GET /products/17?colour=green HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux "
    "x86_64)\r\n"
    "Accept: text/html,application/xhtml+xml\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: en\r\n"
    "Cookie: session=0123456789abcdef; theme=dark\r\nConnection: keep-alive\r\n\r\n";
constexpr std::string_view kTypicalOk =
    "HTTP/1.1 200 OK\r\nServer: test\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nETag: \"1\"\r\n\r\nhello";
constexpr std::string_view kChunked =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
constexpr std::string_view kPost =
    "POST /orders HTTP/1.1\r\nHost: shop.example.com\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n"
    "{\"item\":17}";

TEST_F(SteadyState, AKeepAliveGetAllocatesNothing) {
  for (int i = 0; i < 100; ++i) ASSERT_NO_FATAL_FAILURE(Exchange(kBrowserGet, kTypicalOk));
  const uint64_t before = allocations_;
  for (int i = 0; i < 1000; ++i) ASSERT_NO_FATAL_FAILURE(Exchange(kBrowserGet, kTypicalOk));
  EXPECT_EQ(allocations_ - before, 0U);
}

TEST_F(SteadyState, AChunkedAnswerAllocatesNothing) {
  for (int i = 0; i < 100; ++i) ASSERT_NO_FATAL_FAILURE(Exchange(kBrowserGet, kChunked));
  const uint64_t before = allocations_;
  for (int i = 0; i < 1000; ++i) ASSERT_NO_FATAL_FAILURE(Exchange(kBrowserGet, kChunked));
  EXPECT_EQ(allocations_ - before, 0U);
}

TEST_F(SteadyState, APostWithABodyAllocatesNothing) {
  for (int i = 0; i < 100; ++i) ASSERT_NO_FATAL_FAILURE(Exchange(kPost, kTypicalOk));
  const uint64_t before = allocations_;
  for (int i = 0; i < 1000; ++i) ASSERT_NO_FATAL_FAILURE(Exchange(kPost, kTypicalOk));
  EXPECT_EQ(allocations_ - before, 0U);
}

}  // namespace
}  // namespace headgate::integration
