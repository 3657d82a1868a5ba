#include "routing/policy/judgement.h"

#include <gtest/gtest.h>

namespace headgate::routing {
namespace {

using base::ErrorCode;

class Judgement : public ::testing::Test {
 protected:
  Judgement() : head_((arena_.Reset(), arena_)) { head_.host = "a"; }
  ErrorCode Access(std::string_view client) { return JudgeAccess(route_, head_, *base::IpAddress::Parse(client)).code; }
  ErrorCode OwnAnswer() { return JudgeOwnAnswer(route_, head_).code; }
  base::SlabPool pool_;
  base::Arena arena_{pool_};
  http::RequestHead head_;
  RoutePolicy route_;
};

TEST_F(Judgement, TheAccessListJudgesTheClient) {
  EXPECT_EQ(Access("10.1.2.3"), ErrorCode::kNone);
  route_.access.deny = {*base::Cidr::Parse("10.0.0.0/8")};
  EXPECT_EQ(Access("10.1.2.3"), ErrorCode::kForbidden);
  EXPECT_EQ(Access("192.0.2.1"), ErrorCode::kNone);
  route_.access.has_allow = true;
  route_.access.allow = {*base::Cidr::Parse("192.0.2.0/24")};
  EXPECT_EQ(Access("192.0.2.1"), ErrorCode::kNone);
  EXPECT_EQ(Access("198.51.100.1"), ErrorCode::kForbidden);
}

TEST_F(Judgement, WebSocketsNeedTheRoutesConsent) {
  head_.wants_websocket = true;
  EXPECT_EQ(JudgeWebSocket(route_, head_, {}).code, ErrorCode::kNone);
  route_.websocket = false;
  EXPECT_EQ(JudgeWebSocket(route_, head_, {}).code, ErrorCode::kForbidden);
  head_.wants_websocket = false;
  EXPECT_EQ(JudgeWebSocket(route_, head_, {}).code, ErrorCode::kNone);
}

TEST_F(Judgement, AnAnnouncedBodyAboveTheLimitIsRefusedAtOnce) {
  route_.max_body_bytes = 100;
  head_.body = {.kind = http::BodyKind::kLength, .length = 100};
  EXPECT_EQ(JudgeBodySize(route_, head_, {}).code, ErrorCode::kNone);
  head_.body.length = 101;
  EXPECT_EQ(JudgeBodySize(route_, head_, {}).code, ErrorCode::kBodyTooLarge);
  route_.max_body_bytes = 0;
  EXPECT_EQ(JudgeBodySize(route_, head_, {}).code, ErrorCode::kNone);
}

TEST_F(Judgement, ARedirectWithoutAHostWouldLeadBack) {
  auto& redirect = route_.action.emplace<RedirectAction>();
  redirect.scheme = "https";
  EXPECT_EQ(OwnAnswer(), ErrorCode::kNone);
  EXPECT_EQ(JudgeHttpsRedirect(head_).code, ErrorCode::kNone);
  head_.host = {};
  EXPECT_EQ(OwnAnswer(), ErrorCode::kBadRequest);
  EXPECT_EQ(JudgeHttpsRedirect(head_).code, ErrorCode::kBadRequest);
  redirect.hostname = "b";
  EXPECT_EQ(OwnAnswer(), ErrorCode::kNone);
}

TEST_F(Judgement, ARouteThatAnswersByItselfOpensNoTunnel) {
  auto& respond = route_.action.emplace<RespondAction>();
  head_.wants_websocket = true;
  EXPECT_EQ(OwnAnswer(), ErrorCode::kNone) << "over HTTP/1.1 a 200 accepts nothing";
  head_.version = http::Version::kHttp2;
  EXPECT_EQ(OwnAnswer(), ErrorCode::kForbidden);
  respond.status = 503;
  EXPECT_EQ(OwnAnswer(), ErrorCode::kNone);
}

}  // namespace
}  // namespace headgate::routing
