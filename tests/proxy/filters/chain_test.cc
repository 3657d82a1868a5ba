#include "proxy/filters/chain.h"

#include <gtest/gtest.h>

namespace headgate::proxy {
namespace {

using base::ErrorCode;

class ChainTest : public ::testing::Test {
 protected:
  ChainTest() : head_((arena_.Reset(), arena_)) {}
  ErrorCode Judged() {
    return JudgeByChain(MakeChain(route_).get(), route_, head_, *base::IpAddress::Parse("10.1.2.3")).code;
  }
  base::SlabPool pool_;
  base::Arena arena_{pool_};
  http::RequestHead head_;
  routing::RoutePolicy route_;
};

TEST_F(ChainTest, ARouteThatAsksForNothingHasNone) {
  EXPECT_EQ(MakeChain(route_), nullptr);
  EXPECT_EQ(Judged(), ErrorCode::kNone);
}

TEST_F(ChainTest, ItHasTheFiltersThatTheRouteNeeds) {
  route_.access.deny = {*base::Cidr::Parse("10.0.0.0/8")};
  EXPECT_EQ(MakeChain(route_)->size(), 1U);
  route_.websocket = false;
  route_.max_body_bytes = 1;
  EXPECT_EQ(MakeChain(route_)->size(), 3U);
  route_.rate_limit.requests = 1;
  EXPECT_EQ(MakeChain(route_)->size(), 4U);
}

TEST_F(ChainTest, TheFirstRefusalCounts) {
  route_.websocket = false;
  route_.max_body_bytes = 1;
  head_.body = {.kind = http::BodyKind::kLength, .length = 2};
  EXPECT_EQ(Judged(), ErrorCode::kBodyTooLarge);
  head_.wants_websocket = true;
  EXPECT_EQ(Judged(), ErrorCode::kForbidden);
}

}  // namespace
}  // namespace headgate::proxy
