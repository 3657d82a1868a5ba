#include "proxy/reply/reply.h"

#include <gtest/gtest.h>

#include <string>

namespace headgate::proxy {
namespace {

using base::ErrorCode;
using http::HeaderId;

class ReplyTest : public ::testing::Test {
 protected:
  ReplyTest() { arena_.Reset(); }
  std::string Compose(ErrorCode code, std::string_view accept, std::string_view id = "abc") {
    http::RequestHead request(arena_);
    if (!accept.empty()) request.headers.Add(HeaderId::kAccept, accept);
    ComposeErrorReply(code, id, request, reply_);
    return std::string(reply_.body);
  }
  base::SlabPool pool_;
  base::Arena arena_{pool_};
  Reply reply_{arena_};
};

TEST_F(ReplyTest, IsTextForACurl) {
  EXPECT_EQ(Compose(ErrorCode::kNoRoute, "*/*"), "404 no route for this host and path\nrequest id: abc\n");
  EXPECT_EQ(reply_.head.headers.Get(HeaderId::kContentType), "text/plain; charset=utf-8");
}

TEST_F(ReplyTest, IsJsonForWhoAsksForIt) {
  EXPECT_EQ(Compose(ErrorCode::kNoEndpoint, "application/json"),
            "{\"status\":503,\"reason\":\"no endpoint is available\",\"request_id\":\"abc\"}\n");
  EXPECT_EQ(reply_.head.headers.Get(HeaderId::kContentType), "application/json");
  EXPECT_EQ(reply_.head.headers.Get(HeaderId::kRetryAfter), "1");
}

TEST_F(ReplyTest, NamesTheMethodsOfA405) {
  Compose(ErrorCode::kMethodNotAllowed, "");
  EXPECT_NE(reply_.head.headers.Find(HeaderId::kOther, "allow"), nullptr);
}

TEST_F(ReplyTest, AnIdThatWouldBreakTheJsonIsLeftOut) {
  EXPECT_EQ(Compose(ErrorCode::kNoRoute, "application/json", "a\"b"),
            "{\"status\":404,\"reason\":\"no route for this host and path\",\"request_id\":\"\"}\n");
}

TEST_F(ReplyTest, BecomesOneHeadForAGrpcClient) {
  Compose(ErrorCode::kNoEndpoint, "application/json");
  TurnIntoGrpc("abc", reply_);
  EXPECT_EQ(reply_.head.status, 200);
  EXPECT_TRUE(reply_.body.empty());
  EXPECT_EQ(reply_.head.headers.Get(HeaderId::kContentType), "application/grpc");
  EXPECT_EQ(reply_.head.headers.Get(HeaderId::kGrpcStatus), "14");
  EXPECT_EQ(reply_.head.headers.Get(HeaderId::kGrpcMessage), "no endpoint is available, request id abc");
  EXPECT_FALSE(reply_.head.headers.Has(HeaderId::kRetryAfter)) << "its own status says so";
}

TEST_F(ReplyTest, OnlyARefusalIsAGrpcStatus) {
  const http::RequestHead request(arena_);
  routing::RoutePolicy route;
  auto& respond = route.action.emplace<routing::RespondAction>();
  ComposeOwnReply({.route = &route}, 80, request, reply_);
  EXPECT_FALSE(reply_.grpc);
  respond.status = 403;
  ComposeOwnReply({.route = &route}, 80, request, reply_);
  EXPECT_EQ(reply_.grpc, GrpcStatus::kPermissionDenied);
}

}  // namespace
}  // namespace headgate::proxy
