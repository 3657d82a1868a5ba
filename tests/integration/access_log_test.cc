// What the access log says of a request that went wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/integration/hand_turned_worker.h"

namespace headgate::integration {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class LoggedRequest : public HandTurnedWorker {
 protected:
  std::string LineOf(std::string_view request, std::string_view response) {
    EXPECT_GT(::send(client_, request.data(), request.size(), MSG_NOSIGNAL), 0);
    if (!response.empty()) {
      TurnUntilReadable(upstream_listener_);
      upstream_ = ::accept(upstream_listener_, nullptr, nullptr);
      TurnUntilReadable(upstream_);
      EXPECT_GT(::send(upstream_, response.data(), response.size(), MSG_NOSIGNAL), 0);
    }
    TurnUntilReadable(client_);
    for (int i = 0; i < 3; ++i) Turn(base::Duration{0});
    std::string line(ring_.Peek());
    ring_.Consume(line.size());
    return line;
  }
};

TEST_F(LoggedRequest, NamesTheRuleThatTheUpstreamBroke) {
  EXPECT_THAT(LineOf("GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 999 What\r\n\r\n"),
              HasSubstr("\"code\":502,\"reason\":\"upstream_protocol\",\"detail\":\"a status outside 100 to 599\""));
}

TEST_F(LoggedRequest, HasNothingToSayOfAGoodOne) {
  EXPECT_THAT(LineOf("GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
              HasSubstr("\"code\":200,\"reason\":null,\"detail\":null"));
}

TEST_F(LoggedRequest, NamesARefusedRequestAsFarAsItCanBeRead) {
  const std::string line = LineOf("TRACE /x?y HTTP/1.1\r\nHost: Shop.example.com\r\n\r\n", "");
  EXPECT_THAT(line, HasSubstr("\"method\":\"TRACE\",\"host\":\"shop.example.com\",\"path\":\"/x\""));
  EXPECT_THAT(line, HasSubstr("\"code\":405,\"reason\":\"method_not_allowed\",\"detail\":\"CONNECT or TRACE\""));
}

constexpr std::string_view kRefused =
    "POST /x HTTP/1.1\r\nHost: a\r\nX-Request-Id: chosen\r\nX-Forwarded-For: 203.0.113.9\r\n"
    "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";

TEST_F(LoggedRequest, BelievesNothingThatARefusedOneSaysOfItself) {
  const std::string line = LineOf(kRefused, "");
  EXPECT_THAT(line, HasSubstr("\"code\":400"));
  EXPECT_THAT(line, HasSubstr("\"client\":\"127.0.0.1\""));
  EXPECT_THAT(line, Not(HasSubstr("chosen")));
}

class LoggedBehindAProxy : public LoggedRequest {
 protected:
  LoggedBehindAProxy() { process_options_ = "trustedProxies: [127.0.0.0/8]\n"; }
};

TEST_F(LoggedBehindAProxy, ARefusedOneIsTheClients) {
  const std::string line = LineOf(kRefused, "");
  EXPECT_THAT(line, HasSubstr("\"code\":400"));
  EXPECT_THAT(line, HasSubstr("\"client\":\"203.0.113.9\""));
  EXPECT_THAT(line, HasSubstr("\"request_id\":\"chosen\""));
}

TEST_F(LoggedBehindAProxy, SoIsOneWhoseFieldsWereNotJudged) {
  const std::string line = LineOf("TRACE /x HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n", "");
  EXPECT_THAT(line, HasSubstr("\"code\":405"));
  EXPECT_THAT(line, HasSubstr("\"client\":\"203.0.113.9\""));
}

}  // namespace
}  // namespace headgate::integration
