#include "control/dns/endpoint_publisher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "config/units.h"
#include "proxy/snapshot/builder.h"
#include "routing/compile/compile.h"
#include "tests/control/dns/dns_responder.h"
#include "tests/control/temporary_directory.h"

namespace headgate::control::dns {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct EndpointPublisherTest : ::testing::Test {
  EndpointPublisherTest() : thread([this] { io.run(); }) {}
  ~EndpointPublisherTest() override {
    guard.reset();
    io.stop();
    thread.join();
  }
  void OnIo(const std::function<void()>& what) {
    std::promise<void> done;
    boost::asio::post(io, [&] {
      what();
      done.set_value();
    });
    done.get_future().wait();
  }
  std::shared_ptr<const proxy::Snapshot> SnapshotOf(const std::string& upstreams) {
    const config::LoadedFile file = config::LoadFile(
        "headgate.yaml", "listeners: [{name: web, address: \"127.0.0.1:1\"}]\nupstreams: {" + upstreams + "}\n");
    EXPECT_NE(file.model, nullptr);
    config::DiagnosticList problems;
    return *builder.Build(routing::Compile(*file.model, nullptr, problems), "hash", nullptr, warnings);
  }
  std::vector<std::string> EndpointsOf(const std::string& upstream) const {
    std::vector<std::string> texts;
    const auto set = publisher.EndpointsOf(upstream);
    if (set == nullptr) return texts;
    for (const proxy::Endpoint& endpoint : set->endpoints) texts.push_back(endpoint.shared->text);
    return texts;
  }
  // Whether `count` sets or more were published in all, waiting a while for it.
  bool WasPublished(size_t count) {
    std::unique_lock lock(mutex);
    return arrived.wait_for(lock, std::chrono::seconds(20), [&] { return publications >= count; });
  }

  boost::asio::io_context io{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard{io.get_executor()};
  DnsResponder responder{io};
  TemporaryDirectory directory;
  base::SystemClock clock;
  metrics::Registry registry{clock};
  proxy::net::TicketKeys tickets;
  proxy::SnapshotBuilder builder{registry, tickets, 1, clock};
  std::vector<std::string> warnings;
  std::mutex mutex;
  std::condition_variable arrived;
  size_t publications = 0;
  EndpointPublisher publisher{io,
                              {.servers = responder.address(), .resolv_conf = directory.File("resolv.conf")},
                              [this](const auto&, const auto&) {
                                const std::lock_guard lock(mutex);
                                ++publications;
                                arrived.notify_all();
                              }};
  std::thread thread;
};

TEST_F(EndpointPublisherTest, AnotherSearchListIsTakenUpByItselfAndByAReload) {
  OnIo([&] {
    responder.Add("shop.a.test", "10.0.0.1");
    responder.Add("shop.b.test", "10.0.0.2");
    responder.Add("shop.c.test", "10.0.0.3");
  });
  const auto snapshot = SnapshotOf("shop: {address: \"shop:80\"}");
  directory.Write("resolv.conf", "search a.test\noptions ndots:5\n");
  publisher.Prepare(*snapshot);
  ASSERT_TRUE(WasPublished(1));
  EXPECT_THAT(EndpointsOf("shop"), ElementsAre("10.0.0.1:80"));
  directory.Write("resolv.conf", "search b.test\noptions ndots:5\n");
  ASSERT_TRUE(WasPublished(2)) << "within a look's time, though the answer's TTL is a minute";
  EXPECT_THAT(EndpointsOf("shop"), ElementsAre("10.0.0.2:80"));
  directory.Write("resolv.conf", "search c.test\noptions ndots:5\n");
  publisher.Prepare(*snapshot);
  ASSERT_TRUE(WasPublished(3));
  EXPECT_THAT(EndpointsOf("shop"), ElementsAre("10.0.0.3:80"));
}

TEST_F(EndpointPublisherTest, ANewNameIsResolvedAndPublishedBeforePrepareReturns) {
  OnIo([&] {
    responder.Add("shop.test", "10.0.0.1");
    responder.Add("shop.test", "fd00::1");
  });
  const auto snapshot = SnapshotOf("shop: {address: \"shop.test:80\"}");
  publisher.Prepare(*snapshot);
  EXPECT_THAT(EndpointsOf("shop"), ElementsAre("10.0.0.1:80", "[fd00::1]:80"));
  EXPECT_EQ(publications, 2U) << "what is found first does not wait for the other family";
  publisher.Prepare(*snapshot);
  OnIo([] {});
  EXPECT_EQ(publications, 2U) << "the same name is not published again";
}

TEST_F(EndpointPublisherTest, ANameThatIsGoneIsForgottenAndAnotherHostIsAskedForAnew) {
  OnIo([&] {
    responder.Add("a.test", "10.0.0.1");
    responder.Add("b.test", "10.0.0.2");
  });
  const auto first = SnapshotOf("shop: {address: \"a.test:80\"}");
  publisher.Prepare(*first);
  const auto second = SnapshotOf("shop: {address: \"b.test:81\"}");
  publisher.Prepare(*second);
  EXPECT_THAT(EndpointsOf("shop"), ElementsAre("10.0.0.2:81"));
  const auto third = SnapshotOf("other: {endpoints: [\"127.0.0.1:1\"]}");
  publisher.Prepare(*third);
  EXPECT_THAT(EndpointsOf("shop"), IsEmpty());
}

TEST_F(EndpointPublisherTest, ASilentServerHoldsAGenerationBackForHalfASecondOnly) {
  OnIo([&] { responder.BeSilent(); });
  const auto snapshot = SnapshotOf("shop: {address: \"shop.test:80\"}");
  const auto before = std::chrono::steady_clock::now();
  publisher.Prepare(*snapshot);
  EXPECT_GE(std::chrono::steady_clock::now() - before, EndpointPublisher::kFirstAnswerMax);
  EXPECT_THAT(EndpointsOf("shop"), IsEmpty());
}

TEST_F(EndpointPublisherTest, OneFamilyIsPublishedThoughTheOtherIsNeverAnswered) {
  OnIo([&] {
    responder.Add("shop.test", "10.0.0.1");
    responder.BeSilent(DnsResponder::kAaaa);
  });
  const auto snapshot = SnapshotOf("shop: {address: \"shop.test:80\"}");
  publisher.Prepare(*snapshot);
  EXPECT_THAT(EndpointsOf("shop"), ElementsAre("10.0.0.1:80"));
}

TEST_F(EndpointPublisherTest, WhenItsTtlIsOverANameIsAskedForAgainAndAFailureKeepsTheLastAnswer) {
  OnIo([&] { responder.Add("shop.test", "10.0.0.1", 1); });
  const auto snapshot = SnapshotOf("shop: {address: \"shop.test:80\"}");
  publisher.Prepare(*snapshot);
  OnIo([&] {
    responder.Remove("shop.test");
    responder.Add("shop.test", "10.0.0.2", 1);
  });
  ASSERT_TRUE(WasPublished(2));
  EXPECT_THAT(EndpointsOf("shop"), ElementsAre("10.0.0.2:80"));
  size_t asked = 0;
  OnIo([&] {
    responder.Fail(2);
    asked = responder.questions().size();
  });
  // Until the next round was asked and failed.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  size_t now = asked;
  while (now < asked + 2 && std::chrono::steady_clock::now() < deadline)
    OnIo([&] { now = responder.questions().size(); });
  EXPECT_GE(now, asked + 2);
  EXPECT_THAT(EndpointsOf("shop"), ElementsAre("10.0.0.2:80"));
  while (publisher.StateOf("shop").problem.empty() && std::chrono::steady_clock::now() < deadline) OnIo([] {});
  EXPECT_NE(publisher.StateOf("shop").problem, "");
  EXPECT_TRUE(publisher.StateOf("shop").resolved.has_value());
  EXPECT_FALSE(publisher.StateOf("other").resolved.has_value());
}

}  // namespace
}  // namespace headgate::control::dns
