// Listeners that come and go, generations that change under traffic, and the end of the process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/integration/proxy_under_test.h"
#include "tests/integration/raw_upstream.h"

namespace headgate::integration {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string Responding(const std::string& body) {
  return "listeners: [{name: web, address: \"127.0.0.1:0\"}]\nroutes:\n  - {name: r, respond: {status: 200, body: " +
         body + "}}\n";
}

TEST(Lifecycle, AKeptConnectionSeesTheNextConfigurationWithItsNextRequest) {
  ProxyUnderTest proxy(Responding("one"));
  SocketPeer client = proxy.Connect();
  client.Send(kGet);
  EXPECT_THAT(client.ReadResponse(), HasSubstr("one"));
  proxy.Publish(Responding("two"));
  client.Send(kGet);
  EXPECT_THAT(client.ReadResponse(), HasSubstr("two"));
}

TEST(Lifecycle, ARequestInFlightFinishesOnTheConfigurationItBeganWith) {
  std::atomic<bool> go{false};
  RawUpstream upstream([&go](SocketPeer& peer, int) {
    peer.ReadHead();
    while (!go) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold");
    peer.ReadHead();
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address(), "    responseHeaders: {set: {x-generation: \"1\"}}\n"), 2);
  SocketPeer client = proxy.Connect();
  client.Send(kGet);
  for (int i = 0; i < 500 && upstream.connections() == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  proxy.Publish(Responding("new"));
  EXPECT_EQ(proxy.server().generations_alive(), 2U);
  go = true;
  const std::string response = client.ReadResponse();
  EXPECT_THAT(response, HasSubstr("x-generation: 1\r\n"));
  EXPECT_THAT(response, HasSubstr("old"));
  client.Send(kGet);
  EXPECT_THAT(client.ReadResponse(), HasSubstr("new"));
}

TEST(Lifecycle, AListenerMayBeAddedAndRemoved) {
  constexpr const char* kTwo =
      "listeners:\n  - {name: web, address: \"127.0.0.1:0\"}\n  - {name: more, address: \"127.0.0.1:0\"}\n"
      "routes:\n  - {name: r, respond: {status: 200, body: both}}\n";
  ProxyUnderTest proxy(Responding("alone"));
  proxy.Publish(kTwo);
  EXPECT_THAT(proxy.Ask(kGet, "more"), HasSubstr("both"));
  const uint16_t port = proxy.port("more");
  SocketPeer idle = SocketPeer::Connect(port);
  idle.Send(kGet);
  EXPECT_THAT(idle.ReadResponse(), HasSubstr("both"));
  proxy.Publish(Responding("alone"));
  idle.Send(kGet);
  EXPECT_THAT(idle.ReadResponse(), AllOf(HasSubstr("connection: close\r\n"), HasSubstr("both")));
  EXPECT_TRUE(idle.WaitClosed());
  EXPECT_THAT(proxy.Ask(kGet), HasSubstr("alone"));
  SocketPeer refused = SocketPeer::Connect(port);
  EXPECT_FALSE(refused.Send(kGet) && !refused.ReadResponse().empty());
}

std::string Listening(const std::vector<std::pair<std::string, std::string>>& listeners) {
  std::string text = "listeners:\n";
  for (const auto& [name, address] : listeners) text += "  - {name: " + name + ", address: \"" + address + "\"}\n";
  text += "routes:\n";
  for (const auto& [name, address] : listeners)
    text += "  - {name: r-" + name + ", listeners: [" + name + "], respond: {status: 200, body: " + name + "}}\n";
  return text;
}

TEST(Lifecycle, AListenerMayTakeAnothersAddressAndNoConnectionIsLost) {
  ProxyUnderTest proxy(Listening({{"web", "127.0.0.1:0"}, {"more", "127.0.0.1:0"}}), 2);
  const uint16_t port = proxy.port("web");
  const std::string first = "127.0.0.1:" + std::to_string(port);
  const std::string second = "127.0.0.1:" + std::to_string(proxy.port("more"));
  std::atomic<bool> stop{false};
  std::atomic<int> answered{0};
  std::atomic<int> failed{0};
  std::thread traffic([&] {
    while (!stop) {
      SocketPeer client = SocketPeer::Connect(port);
      client.Send(kGet);
      client.ReadResponse().starts_with("HTTP/1.1 200") ? ++answered : ++failed;
    }
  });
  for (int i = 0; i < 50; ++i) {
    proxy.Publish(Listening({{"web", second}, {"more", first}}));
    proxy.Publish(Listening({{"web", first}, {"more", second}}));
    proxy.Publish(Listening({{"renamed", first}, {"more", second}}));
    proxy.Publish(Listening({{"web", first}, {"more", second}}));
  }
  stop = true;
  traffic.join();
  EXPECT_GT(answered, 10);
  EXPECT_EQ(failed, 0);
  proxy.Publish(Listening({{"web", second}, {"more", first}}));
  EXPECT_EQ(proxy.port("more"), port);
  EXPECT_THAT(proxy.Ask(kGet, "more"), HasSubstr("more"));
}

TEST(Lifecycle, ARenamedListenersConnectionsGoOnUnderItsNewName) {
  const auto named = [](const std::string& name) {
    return "listeners: [{name: " + name +
           ", address: \"127.0.0.1:0\", limits: {maxConnections: 1}}]\nroutes: [{name: r, listeners: [" + name +
           "], respond: {status: 200, body: " + name + "}}]\n";
  };
  ProxyUnderTest proxy(named("web"));
  SocketPeer kept = proxy.Connect();
  kept.Send(kGet);
  EXPECT_THAT(kept.ReadResponse(), HasSubstr("web"));
  for (const std::string name : {"renamed", "again"}) {
    proxy.Publish(named(name));
    kept.Send(kGet);
    EXPECT_THAT(kept.ReadResponse(), AllOf(HasSubstr(name), Not(HasSubstr("connection: close"))));
    EXPECT_EQ(proxy.WaitMetric("headgate_connections{listener=\"" + name + "\",state=\"idle\"}", 1), 1);
  }
  EXPECT_EQ(proxy.Metric("headgate_connections{listener=\"renamed\",state=\"idle\"}"), 0);
  SocketPeer second = proxy.Connect("again");
  second.Send(kGet);
  EXPECT_EQ(second.ReadBytes(1, 200), "") << "its limit counts those from before";
  kept.Close();
  EXPECT_THAT(second.ReadResponse(), HasSubstr("again"));
}

TEST(Lifecycle, AListenersAddressMayGrowAndShrinkOverItsOwnPort) {
  ProxyUnderTest proxy(Listening({{"web", "127.0.0.1:0"}}), 2);
  const std::string port = std::to_string(proxy.port("web"));
  for (const char* ip : {"0.0.0.0:", "[::]:", "127.0.0.1:", "[::]:", "0.0.0.0:", "127.0.0.1:"}) {
    proxy.Publish(Listening({{"web", ip + port}}));
    EXPECT_THAT(proxy.Ask(kGet), HasSubstr("web")) << ip;
  }
}

TEST(Lifecycle, AListenerOnOneAddressStandsBesideOneOnAllOfThem) {
  const std::string port = std::to_string(ProxyUnderTest(Responding("a")).port());
  ProxyUnderTest proxy(Listening({{"all", "0.0.0.0:" + port}, {"web", "127.0.0.1:" + port}}));
  EXPECT_THAT(proxy.Ask(kGet), HasSubstr("web"));
  EXPECT_EQ(proxy.server().AddressOf("all"), "0.0.0.0:" + port);
}

TEST(Lifecycle, AHundredGenerationsUnderTrafficFailNoRequest) {
  RawUpstream upstream(RawUpstream::Answering("ok"));
  const std::string text = OneUpstream(upstream.address());
  ProxyUnderTest proxy(text, 2);
  const uint16_t port = proxy.port();
  std::atomic<bool> stop{false};
  std::atomic<int> answered{0};
  std::atomic<int> failed{0};
  std::thread traffic([&] {
    while (!stop) {
      SocketPeer client = SocketPeer::Connect(port);
      for (int i = 0; i < 10; ++i) {
        client.Send(kGet);
        client.ReadResponse().ends_with("ok") ? ++answered : ++failed;
      }
    }
  });
  for (int i = 0; i < 100; ++i)
    proxy.Publish(OneUpstream(upstream.address(), "    maxBodySize: " + std::to_string(i + 1) + "\n"));
  stop = true;
  traffic.join();
  EXPECT_GT(answered, 10);
  EXPECT_EQ(failed, 0);
}

TEST(Lifecycle, DrainingResponsesCloseAndANewConnectionsRequestIsStillServed) {
  ProxyUnderTest proxy(Responding("hi"));
  SocketPeer kept = proxy.Connect();
  kept.Send(kGet);
  EXPECT_THAT(kept.ReadResponse(), Not(HasSubstr("connection: close")));
  SocketPeer fresh = proxy.Connect();
  EXPECT_EQ(proxy.WaitMetric("headgate_accepts_total{listener=\"web\"}", 2), 2);
  proxy.server().BeginDrain();
  kept.Send(kGet);
  EXPECT_THAT(kept.ReadResponse(), HasSubstr("connection: close\r\n"));
  EXPECT_TRUE(kept.WaitClosed());
  proxy.server().CloseListeners();
  fresh.Send(kGet);
  EXPECT_THAT(fresh.ReadResponse(), HasSubstr("hi"));
  EXPECT_TRUE(fresh.WaitClosed());
}

TEST(Lifecycle, AListenersOwnLimitOfConnectionsHoldsAcrossReloads) {
  constexpr const char* kLimited =
      "listeners:\n  - {name: web, address: \"127.0.0.1:0\", limits: {maxConnections: 2}}\n"
      "  - {name: free, address: \"127.0.0.1:0\"}\nroutes:\n  - {name: r, respond: {status: 200, body: hi}}\n";
  ProxyUnderTest proxy(kLimited, 2);
  SocketPeer first = proxy.Connect();
  first.Send(kGet);
  EXPECT_THAT(first.ReadResponse(), HasSubstr("hi"));
  proxy.Publish(kLimited);
  SocketPeer second = proxy.Connect();
  second.Send(kGet);
  EXPECT_THAT(second.ReadResponse(), HasSubstr("hi"));
  SocketPeer third = proxy.Connect();
  third.Send(kGet);
  EXPECT_EQ(third.ReadBytes(1, 300), "");
  EXPECT_THAT(proxy.Ask(kGet, "free"), HasSubstr("hi"));
  first.Close();
  EXPECT_THAT(third.ReadResponse(), HasSubstr("hi"));
}

TEST(Lifecycle, TheGaugesReturnToZero) {
  ProxyUnderTest proxy(Responding("hi"));
  {
    SocketPeer client = proxy.Connect();
    client.Send(kGet);
    client.ReadResponse();
    EXPECT_EQ(proxy.WaitMetric("headgate_connections{listener=\"web\",state=\"idle\"}", 1), 1);
  }
  EXPECT_EQ(proxy.WaitMetric("headgate_connections{listener=\"web\",state=\"idle\"}", 0), 0);
  EXPECT_EQ(proxy.WaitMetric("headgate_connections{listener=\"web\",state=\"active\"}", 0), 0);
  EXPECT_EQ(proxy.WaitMetric("headgate_requests_active{route=\"r\"}", 0), 0);
}

}  // namespace
}  // namespace headgate::integration
