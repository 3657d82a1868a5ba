#include "proxy/reply/outcome.h"

#include <gtest/gtest.h>

#include <string_view>

namespace headgate::proxy {
namespace {

using base::ErrorCode;

TEST(Outcome, EachErrorHasTheStatusOfTheContract) {
  const std::pair<ErrorCode, int> table[] = {
      {ErrorCode::kBadRequest, 400},        {ErrorCode::kSmuggling, 400},        {ErrorCode::kUnknownCoding, 501},
      {ErrorCode::kUnknownMethod, 501},     {ErrorCode::kMethodNotAllowed, 405}, {ErrorCode::kVersionNotSupported, 505},
      {ErrorCode::kHeaderTooLarge, 431},    {ErrorCode::kTargetTooLong, 414},    {ErrorCode::kBodyTooLarge, 413},
      {ErrorCode::kExpectationFailed, 417}, {ErrorCode::kMisdirected, 421},      {ErrorCode::kLoop, 508},
      {ErrorCode::kHeadTimeout, 408},       {ErrorCode::kBodyTimeout, 408},      {ErrorCode::kClientClosed, 499},
      {ErrorCode::kForbidden, 403},         {ErrorCode::kRateLimited, 429},      {ErrorCode::kNoRoute, 404},
      {ErrorCode::kNoBackends, 500},        {ErrorCode::kNoEndpoint, 503},       {ErrorCode::kOverload, 503},
      {ErrorCode::kConnectRefused, 502},    {ErrorCode::kConnectTimeout, 504},   {ErrorCode::kUpstreamReset, 502},
      {ErrorCode::kUpstreamProtocol, 502},  {ErrorCode::kUpstreamTimeout, 504},  {ErrorCode::kRequestTimeout, 504},
  };
  for (const auto& [code, status] : table) EXPECT_EQ(OutcomeOf(code).status, status) << base::ErrorCodeName(code);
}

TEST(Outcome, AmbiguousInputEndsTheConnection) {
  for (const ErrorCode code : {ErrorCode::kBadRequest, ErrorCode::kSmuggling, ErrorCode::kUnknownCoding,
                               ErrorCode::kHeaderTooLarge, ErrorCode::kHeadTimeout, ErrorCode::kBodyTooLarge}) {
    EXPECT_TRUE(OutcomeOf(code).close) << base::ErrorCodeName(code);
  }
  for (const ErrorCode code : {ErrorCode::kNoRoute, ErrorCode::kForbidden, ErrorCode::kNoEndpoint}) {
    EXPECT_FALSE(OutcomeOf(code).close) << base::ErrorCodeName(code);
  }
}

TEST(Outcome, EachAbuseHasAReasonOfItsOwnInTheSameOrder) {
  for (size_t i = 0; i < http::h2::kAbuseCount; ++i) {
    const auto reason = RejectReasonOf(static_cast<http::h2::Abuse>(i));
    EXPECT_EQ(metrics::Index(reason), metrics::Index(metrics::RejectReason::kH2ResetFlood) + i);
  }
}

TEST(Outcome, EveryUnavailableSaysWhenToTryAgain) {
  for (const ErrorCode code : {ErrorCode::kNoEndpoint, ErrorCode::kOverload, ErrorCode::kDraining}) {
    EXPECT_TRUE(OutcomeOf(code).retry_after) << base::ErrorCodeName(code);
  }
}

TEST(Outcome, NoPublicReasonIsEmptyForAnError) {
  for (int code = 1; code <= static_cast<int>(ErrorCode::kRequestTimeout); ++code) {
    EXPECT_FALSE(std::string_view(PublicReason(static_cast<ErrorCode>(code))).empty()) << code;
    EXPECT_FALSE(base::ErrorCodeName(static_cast<ErrorCode>(code)).empty()) << code;
  }
}

}  // namespace
}  // namespace headgate::proxy
