#include "proxy/exchange/local_reply.h"

#include <gtest/gtest.h>

#include <string>

namespace headgate::proxy {
namespace {

using base::ErrorCode;
using http::HeaderId;

class LocalReply : public ::testing::Test {
 protected:
  LocalReply() { arena_.Reset(); }
  std::string Compose(ErrorCode code, std::string_view accept, std::string_view id = "abc") {
    http::RequestHead request(arena_);
    if (!accept.empty()) request.headers.Add(HeaderId::kAccept, accept);
    return std::string(ComposeErrorReply(code, id, request, head_));
  }
  base::SlabPool pool_;
  base::Arena arena_{pool_};
  http::ResponseHead head_{arena_};
};

TEST_F(LocalReply, IsTextForACurl) {
  EXPECT_EQ(Compose(ErrorCode::kNoRoute, "*/*"), "404 no route for this host and path\nrequest id: abc\n");
  EXPECT_EQ(head_.headers.Get(HeaderId::kContentType), "text/plain; charset=utf-8");
}

TEST_F(LocalReply, IsJsonForWhoAsksForIt) {
  EXPECT_EQ(Compose(ErrorCode::kNoEndpoint, "application/json"),
            "{\"status\":503,\"reason\":\"no endpoint is available\",\"request_id\":\"abc\"}\n");
  EXPECT_EQ(head_.headers.Get(HeaderId::kContentType), "application/json");
  EXPECT_EQ(head_.headers.Get(HeaderId::kRetryAfter), "1");
}

TEST_F(LocalReply, NamesTheMethodsOfA405) {
  Compose(ErrorCode::kMethodNotAllowed, "");
  EXPECT_NE(head_.headers.Find(HeaderId::kOther, "allow"), nullptr);
}

TEST_F(LocalReply, AnIdThatWouldBreakTheJsonIsLeftOut) {
  EXPECT_EQ(Compose(ErrorCode::kNoRoute, "application/json", "a\"b"),
            "{\"status\":404,\"reason\":\"no route for this host and path\",\"request_id\":\"\"}\n");
}

}  // namespace
}  // namespace headgate::proxy
