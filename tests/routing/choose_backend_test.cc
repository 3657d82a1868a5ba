#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "base/rng.h"
#include "routing/split.h"
#include "support/allocation/allocation_counter.h"
#include "tests/routing/forward.h"
#include "tests/routing/request.h"

namespace headgate::routing {
namespace {

class ChooseBackendTest : public testing::Test {
 protected:
  std::optional<BackendChoice> Choose(const ForwardAction& action, TestRequest& request,
                                      std::span<const bool> usable = {}) {
    if (&action != adopted_) state_.Adopt(action);
    adopted_ = &action;
    const SplitContext context{request.head, client_, rng_, request.arena, usable};
    return ChooseBackend(action, state_, context);
  }
  static ForwardAction Sticky(const std::vector<uint32_t>& weights, StickyPolicy::By by = StickyPolicy::By::kCookie) {
    ForwardAction action = Forward(weights);
    action.sticky.by = by;
    action.sticky.name = by == StickyPolicy::By::kHeader ? "x-user" : "hg";
    return action;
  }
  static std::string KeyOfCohort(const ForwardAction& action, uint32_t backend) {
    for (int i = 0;; ++i) {
      if (CohortOf(action, "k" + std::to_string(i)) == backend) return "k" + std::to_string(i);
    }
  }

  base::Rng rng_{7};
  SplitState state_;
  const ForwardAction* adopted_ = nullptr;
  base::IpAddress client_ = base::IpAddress::V4(0x0a000001);
};

TEST_F(ChooseBackendTest, AForceThatMatchesGoesBeforeCohortAndWeights) {
  ForwardAction action = Sticky({1, 0});
  action.backends[1].force.push_back(
      {false, {ValueCondition::Kind::kExact, http::HeaderId::kOther, "x-canary", "always", {}}});
  action.backends[1].force.push_back(
      {true, {ValueCondition::Kind::kExact, http::HeaderId::kOther, "canary", "always", {}}});
  TestRequest by_header("h", "/");
  by_header.With("x-canary", "always").With("cookie", "hg=someone");
  auto choice = Choose(action, by_header);
  ASSERT_TRUE(choice.has_value());
  EXPECT_TRUE(choice->forced);
  EXPECT_EQ(choice->backend, 1U) << "a weight of 0 gets forced requests";
  TestRequest by_cookie("h", "/");
  by_cookie.With("cookie", "a=b; canary=always");
  choice = Choose(action, by_cookie);
  EXPECT_EQ(choice->backend, 1U);
  EXPECT_EQ(choice->set_cookie, "") << "a forced request never sets a cohort";
  TestRequest other("h", "/");
  other.With("x-canary", "never");
  EXPECT_FALSE(Choose(action, other)->forced);
}

TEST_F(ChooseBackendTest, ANewUsersCookieHashesToItsBackend) {
  const ForwardAction action = Sticky({80, 15, 5});
  for (int i = 0; i < 500; ++i) {
    TestRequest first("h", "/");
    const auto choice = Choose(action, first);
    ASSERT_TRUE(choice.has_value());
    EXPECT_FALSE(choice->cohort);
    const std::string cookie(choice->set_cookie.substr(0, choice->set_cookie.find(';')));
    TestRequest second("h", "/");
    second.With("cookie", cookie);
    const auto again = Choose(action, second);
    ASSERT_EQ(again->backend, choice->backend);
    EXPECT_TRUE(again->cohort);
    EXPECT_EQ(again->set_cookie, "") << "a cookie is set once";
  }
}

TEST_F(ChooseBackendTest, TheCookieHasItsAttributes) {
  ForwardAction action = Sticky({1, 1});
  TestRequest request("h", "/");
  EXPECT_THAT(std::string(Choose(action, request)->set_cookie),
              testing::MatchesRegex("hg=[0-9a-f]+; Path=/; HttpOnly; SameSite=Lax"));
  action.sticky.ttl = std::chrono::hours(1);
  request.head.scheme = http::Scheme::kHttps;
  EXPECT_THAT(std::string(Choose(action, request)->set_cookie),
              testing::MatchesRegex("hg=[0-9a-f]+; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax; Secure"));
}

TEST_F(ChooseBackendTest, NewUsersSharesAreTheWeightsWithinTwo) {
  const ForwardAction action = Sticky({900, 99, 1});
  std::vector<int> counts(3);
  TestRequest request("h", "/");
  for (int i = 0; i < 1000; ++i) ++counts[Choose(action, request)->backend];
  EXPECT_NEAR(counts[0], 900, 2);
  EXPECT_NEAR(counts[1], 99, 2);
  EXPECT_NEAR(counts[2], 1, 2);
}

TEST_F(ChooseBackendTest, AHeaderOrTheClientsAddressKeepsTheVersion) {
  const ForwardAction by_header = Sticky({1, 1, 1}, StickyPolicy::By::kHeader);
  TestRequest alice("h", "/");
  alice.With("x-user", "alice");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Choose(by_header, alice)->backend, CohortOf(by_header, "alice"));
  TestRequest nobody("h", "/");
  std::vector<int> counts(3);
  for (int i = 0; i < 300; ++i) ++counts[Choose(by_header, nobody)->backend];
  EXPECT_THAT(counts, testing::Each(testing::AllOf(testing::Ge(98), testing::Le(102)))) << "by weight";

  const ForwardAction by_client = Sticky({1, 1, 1}, StickyPolicy::By::kClientIp);
  const auto first = Choose(by_client, nobody);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Choose(by_client, nobody)->backend, first->backend);
  EXPECT_TRUE(first->cohort);
}

TEST_F(ChooseBackendTest, ACohortWithoutEndpointGoesByWeightAndKeepsItsCookie) {
  ForwardAction action = Sticky({50, 50});
  TestRequest request("h", "/");
  const std::string cookie = "hg=" + KeyOfCohort(action, 0);
  request.With("cookie", cookie);
  const bool usable[] = {false, true};
  const auto choice = Choose(action, request, usable);
  EXPECT_EQ(choice->backend, 1U);
  EXPECT_FALSE(choice->cohort);
  EXPECT_EQ(choice->set_cookie, "");
  action.sticky.strict = true;
  EXPECT_EQ(Choose(action, request, usable)->backend, 0U) << "503 by the caller";
}

TEST_F(ChooseBackendTest, WithNoEndpointAnywhereSomeBackendComesBackAndNoCookie) {
  const ForwardAction action = Sticky({50, 50});
  TestRequest request("h", "/");
  const bool usable[] = {false, false};
  const auto choice = Choose(action, request, usable);
  ASSERT_TRUE(choice.has_value()) << "503, not 500";
  EXPECT_EQ(choice->set_cookie, "");
}

TEST_F(ChooseBackendTest, AllWeightsZeroAreNothingButForForcedRequests) {
  ForwardAction action = Sticky({0, 0});
  TestRequest request("h", "/");
  request.With("cookie", "hg=1");
  EXPECT_EQ(Choose(action, request), std::nullopt);
  const ForwardAction plain = Forward({0, 0});
  EXPECT_EQ(Choose(plain, request), std::nullopt);
}

TEST_F(ChooseBackendTest, AnyCookieValueIsJustAKeyOfBoundedLength) {
  const ForwardAction action = Sticky({1, 1});
  const std::string value(10'000, 'x');
  TestRequest request("h", "/");
  const std::string cookie = "hg=" + value;
  request.With("cookie", cookie);
  EXPECT_EQ(Choose(action, request)->backend, CohortOf(action, value.substr(0, kStickyKeyBytesMax)));
  TestRequest empty("h", "/");
  empty.With("cookie", "hg=");
  EXPECT_NE(Choose(action, empty)->set_cookie, "") << "an empty value is no key";
}

TEST_F(ChooseBackendTest, AChoiceAllocatesNothing) {
  const ForwardAction action = Sticky({90, 10});
  TestRequest request("h", "/");
  Choose(action, request);
  const uint64_t before = support::AllocationsOfThisThread().allocations;
  for (int i = 0; i < 20; ++i) Choose(action, request);
  EXPECT_EQ(support::AllocationsOfThisThread().allocations, before);
}

}  // namespace
}  // namespace headgate::routing
