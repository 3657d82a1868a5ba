// What a probe refuses, and how it goes through many endpoints; how a single one is asked stands in proxy's tests.
#include "control/admin/probe.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/json/json.h"

namespace headgate::control {
namespace {

class ProbePageTest : public ::testing::Test {
 protected:
  ProbePageTest() {
    pages.state = &state;
    pages.clock = &clock;
    pages.server = &server;
  }

  // Its workers know of no configuration: each question is answered at once, by an error.
  void PutInForce(const std::vector<std::pair<std::string, size_t>>& upstreams) {
    auto snapshot = std::make_shared<proxy::Snapshot>();
    for (const auto& [name, count] : upstreams) {
      auto policy = std::make_shared<routing::UpstreamPolicy>();
      policy->name = name;
      auto set = std::make_shared<proxy::EndpointSet>();
      for (size_t i = 0; i < count; ++i) {
        const base::SocketAddress address{base::IpAddress::V4(0x7f000001), static_cast<uint16_t>(i + 1)};
        set->endpoints.push_back({std::make_shared<proxy::EndpointShared>(address), 1});
      }
      proxy::UpstreamRuntime runtime;
      runtime.policy = std::move(policy);
      runtime.shared = std::make_shared<proxy::UpstreamShared>(name);
      runtime.endpoints = std::move(set);
      snapshot->upstreams.push_back(std::move(runtime));
    }
    auto in_force = std::make_shared<InForce>();
    in_force->snapshot = std::move(snapshot);
    state.SetInForce(std::move(in_force));
  }

  pages::Response Ask(const std::string& target) {
    pages::Request request;
    request.method = "POST";
    request.target = target;
    pages::SplitTarget(request);
    io.restart();
    const auto work = boost::asio::make_work_guard(io);
    pages::Response answer;
    boost::asio::co_spawn(
        io,
        [&]() -> boost::asio::awaitable<void> {
          answer = co_await ProbePage(pages, request);
          io.stop();
        },
        boost::asio::detached);
    io.run_for(std::chrono::seconds(60));
    return answer;
  }

  static std::string ErrorOf(const pages::Response& answer) {
    const auto page = base::json::Parse(answer.body, {.bytes_max = answer.body.size() + 1, .depth_max = 16});
    return page.ok() ? std::string(page->at("error").as_string()) : answer.body;
  }
  static base::json::Value PageOf(const pages::Response& answer) {
    auto page = base::json::Parse(answer.body, {.bytes_max = answer.body.size() + 1, .depth_max = 16});
    EXPECT_TRUE(page.ok()) << answer.body;
    return page.ok() ? *std::move(page) : base::json::Value();
  }

  boost::asio::io_context io;  // outlives the workers: one may still be within post() when the last answer is taken
  base::SystemClock clock;
  metrics::Registry registry{clock};
  proxy::WorkerSet server{{.workers = 1, .clock = &clock, .registry = &registry}};
  State state;
  PagesContext pages;
};

TEST_F(ProbePageTest, BeforeAConfigurationIsInForceIt503s) { EXPECT_EQ(Ask("/probe?upstream=shop").status, 503); }

TEST_F(ProbePageTest, AnUnknownUpstreamIsToldWithTheNearestName) {
  PutInForce({{"shop", 1}, {"cart", 1}});
  const pages::Response near = Ask("/probe?upstream=shpo");
  EXPECT_EQ(near.status, 404);
  EXPECT_EQ(ErrorOf(near), "no upstream is called 'shpo'; did you mean 'shop'?");
  EXPECT_EQ(ErrorOf(Ask("/probe?upstream=something-else")), "no upstream is called 'something-else'");
}

TEST_F(ProbePageTest, WhatCannotStandInARequestsLineIsRefused) {
  PutInForce({{"shop", 1}});
  EXPECT_EQ(Ask("/probe").status, 400) << "no upstream";
  for (const char* path : {"x", "/a%20b", "/%0d%0aHost:%20x", "/%00", "/%c3%a9", "/a%23b", "http://other/"}) {
    EXPECT_EQ(Ask(std::string("/probe?upstream=shop&path=") + path).status, 400) << path;
  }
  EXPECT_EQ(Ask("/probe?upstream=shop&path=/a%3Fb=c").status, 200);
}

TEST_F(ProbePageTest, AnUpstreamWithoutEndpointsSaysSoAndWhy) {
  PutInForce({{"shop", 0}});
  EXPECT_EQ(PageOf(Ask("/probe?upstream=shop")).at("problem").as_string(), "the upstream has no endpoint");
  pages.names = [](const std::string&) {
    dns::NameState named;
    named.problem = "no such name";
    return named;
  };
  const base::json::Value page = PageOf(Ask("/probe?upstream=shop"));
  EXPECT_EQ(page.at("problem").as_string(), "the upstream has no endpoint: no such name");
  EXPECT_TRUE(page.at("endpoints").as_array().empty());
}

TEST_F(ProbePageTest, MoreEndpointsThanAreAskedAtOnceAnswerInTheirOrder) {
  constexpr size_t kCount = 2 * kProbesAtOnce + 1;
  PutInForce({{"shop", kCount}});
  const base::json::Value page = PageOf(Ask("/probe?upstream=shop"));
  const auto& endpoints = page.at("endpoints").as_array();
  ASSERT_EQ(endpoints.size(), kCount);
  for (size_t i = 0; i < kCount; ++i) {
    EXPECT_EQ(endpoints[i].at("address").as_string(), "127.0.0.1:" + std::to_string(i + 1));
    EXPECT_EQ(endpoints[i].at("error").as_string(), "no_endpoint: no such upstream");
    EXPECT_FALSE(endpoints[i].as_object().contains("status"));
  }
  EXPECT_EQ(base::json::Serialize(page.at("notAsked")), "0");
}

TEST_F(ProbePageTest, BeyondItsBoundEndpointsAreCountedNotAsked) {
  PutInForce({{"shop", kProbesMax + 44}});
  const base::json::Value page = PageOf(Ask("/probe?upstream=shop"));
  EXPECT_EQ(page.at("endpoints").as_array().size(), kProbesMax);
  EXPECT_EQ(base::json::Serialize(page.at("notAsked")), "44");
}

}  // namespace
}  // namespace headgate::control
