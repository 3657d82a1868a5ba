#include "control/pages/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/net/listen_socket.h"
#include "tests/control/pages/served.h"

namespace headgate::control::pages {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

boost::asio::awaitable<Response> Show(const Request& request) {
  co_return JsonResponse(request.path == "/gone" ? 404 : 200,
                         request.method + " " + request.target + " " + std::string(request.Header("authorization")));
}

TEST(HttpClient, AnAnswerComesWithStatusTypeAndBody) {
  const Served served(Show);
  const auto answer = Ask({.address = served.address(), .method = "POST", .target = "/a?b=c", .token = "secret"});
  ASSERT_TRUE(answer.ok()) << answer.status().ToString();
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->content_type, "application/json");
  EXPECT_EQ(answer->body, "POST /a?b=c Bearer secret");
  EXPECT_EQ(Ask({.address = served.address(), .target = "/gone", .token = {}})->status, 404);
}

TEST(HttpClient, NobodyThereIsASentenceForAPerson) {
  base::SocketAddress address;
  {
    auto sockets = proxy::net::ListenSocket::Open({{base::IpAddress::V4(0x7f000001), 0}}, 1);
    address = sockets->front()->address();
  }
  const auto answer = Ask({.address = address, .token = {}});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(std::string(answer.status().message()), "no answer from " + address.ToString() + ": Connection refused");
}

TEST(HttpClient, AServerThatNeverAnswersCostsTheTimeoutOnly) {
  auto sockets = proxy::net::ListenSocket::Open({{base::IpAddress::V4(0x7f000001), 0}}, 1);
  const auto answer = Ask({.address = sockets->front()->address(), .token = {}, .timeout = std::chrono::seconds(1)});
  ASSERT_FALSE(answer.ok());
  EXPECT_THAT(std::string(answer.status().message()), HasSubstr("no answer from 127.0.0.1:"));
  EXPECT_THAT(std::string(answer.status().message()), Not(HasSubstr("boost"))) << "no place in a library's source";
}

}  // namespace
}  // namespace headgate::control::pages
