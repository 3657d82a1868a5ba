#include "proxy/filters/request_filters.h"

#include <gtest/gtest.h>

namespace headgate::proxy {
namespace {

using base::ErrorCode;

class RequestFilters : public ::testing::Test {
 protected:
  RequestFilters() : head_((arena_.Reset(), arena_)) {}
  ErrorCode Run(std::string_view client = "10.1.2.3") {
    const base::IpAddress address = *base::IpAddress::Parse(client);
    return RunRequestFilters({head_, connection_, address, route_}).code;
  }
  base::SlabPool pool_;
  base::Arena arena_{pool_};
  http::RequestHead head_;
  ClientInfo connection_;
  routing::RoutePolicy route_;
};

TEST_F(RequestFilters, AnOpenRouteLetsEverythingThrough) { EXPECT_EQ(Run(), ErrorCode::kNone); }

TEST_F(RequestFilters, TheAccessListJudgesTheClientBehindProxies) {
  route_.access.deny = {*base::Cidr::Parse("10.0.0.0/8")};
  EXPECT_EQ(Run(), ErrorCode::kForbidden);
  EXPECT_EQ(Run("192.0.2.1"), ErrorCode::kNone);
  route_.access.has_allow = true;
  route_.access.allow = {*base::Cidr::Parse("192.0.2.0/24")};
  EXPECT_EQ(Run("192.0.2.1"), ErrorCode::kNone);
  EXPECT_EQ(Run("198.51.100.1"), ErrorCode::kForbidden);
}

TEST_F(RequestFilters, WebSocketsNeedTheRoutesConsent) {
  head_.wants_websocket = true;
  EXPECT_EQ(Run(), ErrorCode::kNone);
  route_.websocket = false;
  EXPECT_EQ(Run(), ErrorCode::kForbidden);
}

TEST_F(RequestFilters, AnAnnouncedBodyAboveTheLimitIsRefusedAtOnce) {
  route_.max_body_bytes = 100;
  head_.body = {.kind = http::BodyKind::kLength, .length = 100};
  EXPECT_EQ(Run(), ErrorCode::kNone);
  head_.body.length = 101;
  EXPECT_EQ(Run(), ErrorCode::kBodyTooLarge);
}

}  // namespace
}  // namespace headgate::proxy
