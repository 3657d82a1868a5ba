#include "proxy/reply/grpc.h"

#include <gtest/gtest.h>

#include <string>

#include "metrics/reasons.h"

namespace headgate::proxy {
namespace {

using base::ErrorCode;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST(GrpcStatus, EachErrorHasTheStatusOfTheContract) {
  const std::pair<ErrorCode, GrpcStatus> table[] = {
      {ErrorCode::kNoRoute, GrpcStatus::kUnimplemented},
      {ErrorCode::kNoEndpoint, GrpcStatus::kUnavailable},
      {ErrorCode::kOverload, GrpcStatus::kUnavailable},
      {ErrorCode::kDraining, GrpcStatus::kUnavailable},
      {ErrorCode::kConnectRefused, GrpcStatus::kUnavailable},
      {ErrorCode::kConnectTimeout, GrpcStatus::kUnavailable},
      {ErrorCode::kUpstreamTls, GrpcStatus::kUnavailable},
      {ErrorCode::kUpstreamReset, GrpcStatus::kUnavailable},
      {ErrorCode::kUpstreamProtocol, GrpcStatus::kUnavailable},
      {ErrorCode::kUpstreamTimeout, GrpcStatus::kDeadlineExceeded},
      {ErrorCode::kRequestTimeout, GrpcStatus::kDeadlineExceeded},
      {ErrorCode::kIdleTimeout, GrpcStatus::kDeadlineExceeded},
      {ErrorCode::kForbidden, GrpcStatus::kPermissionDenied},
      {ErrorCode::kRateLimited, GrpcStatus::kResourceExhausted},
      {ErrorCode::kBodyTooLarge, GrpcStatus::kResourceExhausted},
      {ErrorCode::kHeaderTooLarge, GrpcStatus::kResourceExhausted},
      {ErrorCode::kBadRequest, GrpcStatus::kInternal},
      {ErrorCode::kLoop, GrpcStatus::kInternal},
      {ErrorCode::kNoBackends, GrpcStatus::kUnknown},
      {ErrorCode::kMethodNotAllowed, GrpcStatus::kUnknown},
      {ErrorCode::kMisdirected, GrpcStatus::kUnknown},
  };
  for (const auto& [code, status] : table) {
    EXPECT_EQ(GrpcStatusOf(code), status) << base::ErrorCodeName(code);
  }
}

TEST(GrpcStatus, AnHttpStatusMapsAsGrpcSays) {
  const std::pair<uint16_t, GrpcStatus> table[] = {
      {400, GrpcStatus::kInternal},          {401, GrpcStatus::kUnauthenticated},
      {403, GrpcStatus::kPermissionDenied},  {404, GrpcStatus::kUnimplemented},
      {413, GrpcStatus::kResourceExhausted}, {429, GrpcStatus::kUnavailable},
      {431, GrpcStatus::kResourceExhausted}, {500, GrpcStatus::kUnknown},
      {502, GrpcStatus::kUnavailable},       {503, GrpcStatus::kUnavailable},
      {504, GrpcStatus::kUnavailable},       {418, GrpcStatus::kUnknown}};
  for (const auto& [http, status] : table) EXPECT_EQ(GrpcStatusOfHttp(http), status) << http;
}

TEST(GrpcStatus, ItsTextIsItsNumber) {
  EXPECT_EQ(GrpcStatusText(GrpcStatus::kUnknown), "2");
  EXPECT_EQ(GrpcStatusText(GrpcStatus::kUnavailable), "14");
  EXPECT_EQ(GrpcStatusText(GrpcStatus::kUnauthenticated), "16");
}

TEST(GrpcTimeout, EveryUnitIsRead) {
  EXPECT_EQ(ParseGrpcTimeout("2H"), hours(2));
  EXPECT_EQ(ParseGrpcTimeout("3M"), minutes(3));
  EXPECT_EQ(ParseGrpcTimeout("4S"), seconds(4));
  EXPECT_EQ(ParseGrpcTimeout("50m"), milliseconds(50));
  EXPECT_EQ(ParseGrpcTimeout("6u"), microseconds(6));
  EXPECT_EQ(ParseGrpcTimeout("00000007n"), nanoseconds(7));
  EXPECT_EQ(ParseGrpcTimeout("0n"), nanoseconds(0)) << "it has passed already";
}

TEST(GrpcTimeout, WhatIsMalformedIsNoTimeout) {
  for (const char* text :
       {"", "S", "5", "123456789S", "5s", "5 S", " 5S", "5S ", "-5S", "+5S", "1.5S", "0x5S", "5SS"}) {
    EXPECT_FALSE(ParseGrpcTimeout(text)) << text;
  }
}

TEST(GrpcTimeout, TheLongestDoesNotOverflow) {
  EXPECT_EQ(ParseGrpcTimeout("99999999H"), hours(24 * 365));
  EXPECT_EQ(ParseGrpcTimeout("99999999S"), hours(24 * 365));
  EXPECT_EQ(ParseGrpcTimeout("99999999m"), milliseconds(99'999'999));
}

struct GrpcText : ::testing::Test {
  base::SlabPool slabs;
  base::Arena arena{slabs};
};

TEST_F(GrpcText, AStatusIsFoundAmongTheFields) {
  const auto label = [&](std::string_view value) {
    http::HeaderMap fields(arena);
    fields.Add(http::HeaderId::kContentType, "application/grpc");
    fields.Add(http::HeaderId::kGrpcStatus, value);
    return GrpcStatusLabelIn(fields);
  };
  EXPECT_EQ(label("0"), 0);
  EXPECT_EQ(label("16"), 16);
  for (const char* odd : {"17", "99", "", "-1", "1x", "014", "4294967296"}) {
    EXPECT_EQ(label(odd), metrics::kGrpcStatusOther) << odd;
  }
  EXPECT_FALSE(GrpcStatusLabelIn(http::HeaderMap(arena)));
}

TEST_F(GrpcText, AMessageIsPercentEncodedOutsideOfVisibleAscii) {
  EXPECT_EQ(EncodeGrpcMessage("no route for this host and path", arena), "no route for this host and path");
  EXPECT_EQ(EncodeGrpcMessage("100% \"ok\"\n", arena), "100%25 \"ok\"%0A");
  EXPECT_EQ(EncodeGrpcMessage("caf\xC3\xA9\x7F", arena), "caf%C3%A9%7F");
  EXPECT_EQ(EncodeGrpcMessage(std::string_view("\0", 1), arena), "%00");
}

}  // namespace
}  // namespace headgate::proxy
