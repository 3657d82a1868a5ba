// Calls of the process's own, asked of a worker by another thread.
#include "proxy/worker/question.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <utility>

#include "tests/integration/proxy_under_test.h"
#include "tests/integration/raw_upstream.h"

namespace headgate::integration {
namespace {

using proxy::Answer;
using proxy::Question;

Question To(std::shared_ptr<proxy::UpstreamShared> upstream) {
  Question question;
  question.upstream = std::move(upstream);
  question.authority = "shop";
  return question;
}

Answer AskOf(ProxyUnderTest& proxy, Question question) {
  auto told = std::make_shared<std::promise<Answer>>();
  std::future<Answer> answer = told->get_future();
  proxy.server().Ask(std::move(question), [told](Answer given) { told->set_value(std::move(given)); });
  EXPECT_EQ(answer.wait_for(std::chrono::seconds(60)), std::future_status::ready);
  return answer.get();
}

TEST(QuestionTest, AnotherThreadIsToldTheWholeAnswer) {
  RawUpstream upstream([](SocketPeer& peer, int) {
    const std::string head = peer.ReadHead();
    const bool whole =
        head.find("GET /ready?full=1 HTTP/1.1") == 0 && head.find("x-probe: yes\r\n") != std::string::npos;
    peer.Send(whole ? "HTTP/1.1 200 OK\r\nX-Up: 1\r\nContent-Length: 2\r\n\r\nok" : "HTTP/1.1 400 No\r\n\r\n");
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address()), 2);
  Question question = To(proxy.snapshot().upstreams[0].shared);
  question.path = "/ready?full=1";
  question.fields = {{"x-probe", "yes"}};
  const Answer answer = AskOf(proxy, std::move(question));
  EXPECT_EQ(answer.error.code, base::ErrorCode::kNone);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "ok");
  ASSERT_FALSE(answer.fields.empty());
  EXPECT_EQ(answer.fields[0].first, "x-up");
  EXPECT_EQ(answer.endpoint, upstream.address());
}

TEST(QuestionTest, AnUpstreamThatNoConfigurationNamesHasNoAnswer) {
  RawUpstream upstream([](SocketPeer& peer, int) { peer.ReadHead(); });
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  const Answer answer = AskOf(proxy, To(std::make_shared<proxy::UpstreamShared>("other")));
  EXPECT_EQ(answer.error.code, base::ErrorCode::kNoEndpoint);
}

TEST(QuestionTest, OneThatNamesItsEndpointIsAnsweredByThatOne) {
  const auto named = [](const char* name) {
    return [name](SocketPeer& peer, int) {
      if (peer.ReadHead().empty()) return;
      peer.Send(std::string("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n") + name);
    };
  };
  RawUpstream a(named("a"));
  RawUpstream b(named("b"));
  ProxyUnderTest proxy(
      "listeners: [{name: web, address: \"127.0.0.1:0\"}]\n"
      "upstreams: {up: {endpoints: [\"" +
      a.address() + "\", \"" + b.address() +
      "\"]}}\n"
      "routes: [{name: all, backends: [{upstream: up}]}]\n");
  const proxy::UpstreamRuntime& upstream = proxy.snapshot().upstreams[0];
  for (int i = 0; i < 6; ++i) {
    Question question = To(upstream.shared);
    question.only = upstream.endpoints->endpoints[i % 2].shared;
    const Answer answer = AskOf(proxy, std::move(question));
    EXPECT_EQ(answer.body, i % 2 == 0 ? "a" : "b");
    EXPECT_EQ(answer.endpoint, i % 2 == 0 ? a.address() : b.address());
  }
}

TEST(QuestionTest, TheProcessEndsInTheMiddleOfOne) {
  std::promise<void> asked;
  RawUpstream upstream([&asked](SocketPeer& peer, int) {
    peer.ReadHead();
    asked.set_value();
    peer.ReadHead();
  });
  auto told = std::make_shared<std::promise<Answer>>();
  std::future<Answer> answer = told->get_future();
  {
    ProxyUnderTest proxy(OneUpstream(upstream.address()));
    proxy.server().Ask(To(proxy.snapshot().upstreams[0].shared),
                       [told](Answer given) { told->set_value(std::move(given)); });
    asked.get_future().wait();
  }
  ASSERT_EQ(answer.wait_for(std::chrono::seconds(0)), std::future_status::ready);
  EXPECT_EQ(answer.get().error.code, base::ErrorCode::kDraining);
}

}  // namespace
}  // namespace headgate::integration
