// Calls to upstreams that speak HTTP/1.1, HTTP/2 and TLS.
#include "proxy/exchange/call.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/proxy/upstream/h2_fixture.h"
#include "tests/proxy/upstream/tls_fixture.h"

namespace headgate::proxy {
namespace {

using base::ErrorCode;

// Asks and writes down what it is told.
class Asker final : public CallEvents {
 public:
  explicit Asker(UpstreamShared& upstream, TestWorker& worker) : upstream_(upstream), call(worker.context, *this) {}

  void Ask(Cluster& cluster, std::string_view body = {}) {
    http::RequestHead& head = call.NewHead();
    head.authority = "shop.example.com";
    head.path = "/ready";
    if (!body.empty()) head.method = http::Method::kPost;
    base::Chain chain;
    chain.Append(base::Slice::Unowned(body));
    status = 0;
    answer.clear();
    error.reset();
    inside_ = true;
    call.Begin(cluster, limits, chain);
    inside_ = false;
  }
  void OnAnswerHead(const http::ResponseHead& head) override {
    EXPECT_FALSE(inside_);
    status = head.status;
  }
  void OnAnswerBody(base::Chain& data) override {
    for (size_t i = 0; i < data.slices(); ++i) answer += data[i].view();
    if (cancel_at_body) call.Cancel();
  }
  void OnCallDone(const base::Error& told) override {
    EXPECT_FALSE(inside_);
    EXPECT_FALSE(error) << "told twice";
    error = told;
    EXPECT_EQ(upstream_.requests.taken(), 0U) << "its place goes back before it is told";
  }
  bool done() const noexcept { return error.has_value(); }
  ErrorCode code() const { return error ? error->code : ErrorCode::kInternal; }

 private:
  UpstreamShared& upstream_;
  bool inside_ = false;

 public:
  CallLimits limits;
  bool cancel_at_body = false;
  uint16_t status = 0;
  std::string answer;
  std::optional<base::Error> error;
  Call call;
};

class CallTest : public UpstreamFixture {
 protected:
  std::unique_ptr<ScriptedPeer> Arrive() {
    worker.Settle();
    return server.Accept();
  }
  bool Done() {
    return worker.Until([&] { return asker.done(); });
  }
  Asker asker{*shared, worker};
};

TEST_F(CallTest, AsksOverHttp11AndAgainOnTheSameConnection) {
  asker.Ask(*cluster);
  const auto at = Arrive();
  EXPECT_EQ(at->ReceiveUntil("\r\n\r\n"), "GET /ready HTTP/1.1\r\nhost: shop.example.com\r\n\r\n");
  at->Send(kOk);
  ASSERT_TRUE(Done());
  EXPECT_EQ(asker.code(), ErrorCode::kNone);
  EXPECT_EQ(asker.status, 200);
  EXPECT_EQ(asker.answer, "ok");
  EXPECT_EQ(asker.call.endpoint(), server.address().ToString());
  asker.Ask(*cluster);
  worker.Settle();
  EXPECT_NE(at->ReceiveUntil("\r\n\r\n"), "");
  at->Send("HTTP/1.1 204 No Content\r\n\r\n");
  ASSERT_TRUE(Done());
  EXPECT_EQ(asker.status, 204);
  EXPECT_FALSE(server.HasVisitor());
}

TEST_F(CallTest, SendsABodyThatIsLargerThanTheBuffer) {
  const std::string body(100'000, 'b');
  asker.Ask(*cluster, body);
  const auto at = Arrive();
  const std::string head = at->ReceiveUntil("\r\n\r\n");
  const size_t head_bytes = head.find("\r\n\r\n") + 4;
  EXPECT_NE(head.find("content-length: 100000\r\n"), std::string::npos) << head.substr(0, head_bytes);
  std::string got = head.substr(head_bytes);
  EXPECT_TRUE(worker.Until([&] {
    got += at->ReceiveNow();
    return got.size() >= body.size();
  }));
  EXPECT_TRUE(got == body) << got.size() << " bytes";
  at->Send(kOk);
  ASSERT_TRUE(Done());
  EXPECT_EQ(asker.code(), ErrorCode::kNone);
}

TEST_F(CallTest, AnAnswerLargerThanItsBufferComesInFull) {
  asker.limits.answer_bytes_max = 1 << 20;
  asker.Ask(*cluster);
  const auto at = Arrive();
  at->ReceiveUntil("\r\n\r\n");
  const std::string body(200'000, 'x');
  const std::string response = "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + body;
  size_t sent = 0;
  ASSERT_TRUE(worker.Until([&] {
    sent += at->SendSome(std::string_view(response).substr(sent));
    return asker.done();
  }));
  EXPECT_EQ(asker.code(), ErrorCode::kNone);
  EXPECT_TRUE(asker.answer == body) << asker.answer.size() << " bytes";
}

TEST_F(CallTest, AnAnswerAboveItsLimitEndsIt) {
  asker.limits.answer_bytes_max = 10;
  asker.Ask(*cluster);
  const auto at = Arrive();
  at->ReceiveUntil("\r\n\r\n");
  at->Send("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n12345678901");
  ASSERT_TRUE(Done());
  EXPECT_EQ(asker.code(), ErrorCode::kBodyTooLarge);
  EXPECT_LE(asker.answer.size(), 10U);
  worker.Settle();
  EXPECT_TRUE(at->AtEnd()) << "the rest is not read";
}

TEST_F(CallTest, ItsDeadlineHoldsUntilTheLastByte) {
  asker.Ask(*cluster);
  const auto at = Arrive();
  at->ReceiveUntil("\r\n\r\n");
  at->Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
  ASSERT_TRUE(worker.Until([&] { return asker.status == 200; }));
  worker.Advance(asker.limits.deadline - std::chrono::milliseconds(1));
  EXPECT_FALSE(asker.done());
  worker.Advance(std::chrono::milliseconds(10));
  ASSERT_TRUE(asker.done());
  EXPECT_EQ(asker.code(), ErrorCode::kRequestTimeout);
}

TEST_F(CallTest, ARefusedConnectionIsTold) {
  server.StopListening();
  asker.Ask(*cluster);
  ASSERT_TRUE(Done());
  EXPECT_EQ(asker.code(), ErrorCode::kConnectRefused);
  EXPECT_EQ(asker.status, 0);
  EXPECT_EQ(asker.call.endpoint(), server.address().ToString());
}

TEST_F(CallTest, WithoutAnEndpointItIsToldLater) {
  SetEndpoints({});
  asker.Ask(*cluster, "body");
  EXPECT_FALSE(asker.done());
  worker.Advance(std::chrono::milliseconds(10));
  ASSERT_TRUE(asker.done());
  EXPECT_EQ(asker.code(), ErrorCode::kNoEndpoint);
}

TEST_F(CallTest, CancelledNothingIsTold) {
  asker.Ask(*cluster);
  const auto at = Arrive();
  at->ReceiveUntil("\r\n\r\n");
  asker.call.Cancel();
  worker.Settle();
  EXPECT_TRUE(at->AtEnd());
  worker.Advance(std::chrono::seconds(10));
  EXPECT_FALSE(asker.done());
  EXPECT_EQ(shared->requests.taken(), 0U);
}

TEST_F(CallTest, MayBeCancelledInTheMiddleOfItsAnswer) {
  asker.cancel_at_body = true;
  asker.Ask(*cluster);
  const auto at = Arrive();
  at->ReceiveUntil("\r\n\r\n");
  at->Send(kOk);
  ASSERT_TRUE(worker.Until([&] { return !asker.answer.empty(); }));
  worker.Settle();
  EXPECT_FALSE(asker.done());
}

TEST_F(CallTest, WhoWaitsForAConnectionLeavesTheLineWhenItIsGone) {
  policy.connections.max = 1;
  Configure();
  const auto holder = Request();
  holder->Begin();
  worker.Settle();
  {
    Asker short_lived(*shared, worker);
    short_lived.Ask(*cluster);
    EXPECT_EQ(shared->pending.taken(), 1U);
  }
  EXPECT_EQ(shared->pending.taken(), 0U);
}

TEST_F(CallTest, AloneItAsksTheOneEndpointOnAConnectionOfItsOwn) {
  ScriptedUpstream other;
  SetEndpoints({other.address(), server.address()});
  {
    const auto alone = cluster->Alone(endpoints->endpoints[1].shared);
    for (int i = 0; i < 4; ++i) {
      asker.Ask(*alone);
      worker.Settle();
      if (i == 0) peer = server.Accept();
      peer->ReceiveUntil("\r\n\r\n");
      peer->Send(kOk);
      ASSERT_TRUE(Done());
      EXPECT_EQ(asker.code(), ErrorCode::kNone);
      EXPECT_EQ(asker.call.endpoint(), server.address().ToString());
      EXPECT_EQ(asker.call.tls_version(), "");
    }
    EXPECT_EQ(shared->connections.taken(), 1U);
  }
  worker.Settle();
  EXPECT_FALSE(other.HasVisitor());
  EXPECT_TRUE(peer->AtEnd());
  EXPECT_EQ(shared->connections.taken(), 0U) << "its slot is given back";
  EXPECT_EQ(Gauge(metrics::ConnectionState::kIdle), 0);
}

TEST_F(CallTest, AloneItAsksAnEndpointThatIsSetAsideToo) {
  ScriptedUpstream other;
  SetEndpoints({other.address(), server.address()});
  endpoints->endpoints[1].shared->SetAside(worker.clock.Now());
  const auto alone = cluster->Alone(endpoints->endpoints[1].shared);
  asker.Ask(*alone);
  const auto at = Arrive();
  at->ReceiveUntil("\r\n\r\n");
  at->Send(kOk);
  ASSERT_TRUE(Done());
  EXPECT_EQ(asker.status, 200);
}

class CallH2Test : public H2Fixture {
 protected:
  Asker asker{*shared, worker};
};

TEST_F(CallH2Test, AsksOverHttp2) {
  asker.Ask(*cluster, "question");
  h2 = AcceptH2();
  ASSERT_NE(h2, nullptr);
  ASSERT_TRUE(Both(*h2, [&] { return h2->Has(1) && h2->streams[0]->body == "question"; }));
  h2->Answer(0, "answer");
  ASSERT_TRUE(Both(*h2, [&] { return asker.done(); }));
  EXPECT_EQ(asker.code(), ErrorCode::kNone);
  EXPECT_EQ(asker.answer, "answer");
}

TEST_F(CallH2Test, CancelledItsStreamIsReset) {
  asker.Ask(*cluster);
  h2 = AcceptH2();
  ASSERT_NE(h2, nullptr);
  ASSERT_TRUE(Both(*h2, [&] { return h2->Has(1); }));
  asker.call.Cancel();
  EXPECT_TRUE(Both(*h2, [&] { return h2->streams[0]->gone; }));
}

class CallTlsTest : public TlsFixture {
 protected:
  CallTlsTest() : TlsFixture({"http/1.1"}, {"http/1.1"}) {}
  Asker asker{*shared, worker};
};

TEST_F(CallTlsTest, AsksOverTls) {
  asker.Ask(*cluster);
  const auto at = AcceptTls();
  ASSERT_TRUE(worker.Until([&] { return at->received.find("\r\n\r\n") != std::string::npos; }));
  at->Send(kOk);
  ASSERT_TRUE(worker.Until([&] { return asker.done(); }));
  EXPECT_EQ(asker.code(), ErrorCode::kNone);
  EXPECT_EQ(asker.answer, "ok");
  EXPECT_EQ(asker.call.tls_version(), "TLSv1.3");
}

TEST_F(CallTlsTest, ACertificateThatIsNotTrustedIsTold) {
  policy.tls.server_name = "other.internal";
  UseTls();
  asker.Ask(*cluster);
  const auto at = AcceptTls();
  ASSERT_TRUE(worker.Until([&] { return asker.done(); }));
  EXPECT_EQ(asker.code(), ErrorCode::kUpstreamTls);
  EXPECT_EQ(asker.call.tls_version(), "");
}

}  // namespace
}  // namespace headgate::proxy
