// No allocation per request in the steady state with HTTP/2 on either side or both.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <memory>
#include <string_view>
#include <vector>

#include "http/h2/session.h"
#include "tests/integration/h2_peer.h"
#include "tests/integration/hand_turned_worker.h"

namespace headgate::integration {
namespace {

using http::h2::Session;
using http::h2::Stream;

// A server's end of one HTTP/2 connection: 200 with a short body for whatever is complete.
class AnsweringPeer final : public http::h2::StreamSource {
 public:
  explicit AnsweringPeer(int descriptor) : descriptor_(descriptor) {}

  void Pump() {
    base::SlabRef slab = slabs_.Take();
    const ssize_t got = ::recv(descriptor_, slab->data(), slab->size(), MSG_DONTWAIT);
    if (got > 0) session_.Feed(slab, {slab->data(), static_cast<size_t>(got)});
    while (Stream* stream = session_.Next()) {
      stream->ClearNews();
      auto& request = static_cast<Request&>(*stream);
      base::Chain body;
      session_.TakeBody(request, body, request.received());
      if (request.remote_ended() && !request.answered) Answer(request);
    }
    Flush();
  }

 private:
  struct Request : Stream {
    explicit Request(base::SlabPool& slabs) : arena(slabs), head(arena) {
      ResetStream(arena, http::Method::kGet);
      request = &head;
    }
    base::Arena arena;
    http::RequestHead head;
    bool answered = false;
  };

  Stream* NewStream(int32_t) override { return requests_.emplace_back(std::make_unique<Request>(slabs_)).get(); }

  void Answer(Request& request) {
    request.answered = true;
    http::ResponseHead head(request.arena);
    head.status = 200;
    head.headers.Add(http::InternHeader("content-type"), "content-type", "text/plain");
    session_.SubmitResponse(request, head, {}, base::End::kNo);
    base::Chain body;
    body.Append(base::Slice::Unowned("hello"));
    session_.SendBody(request, body, base::End::kYes);
  }

  void Flush() {
    while (session_.wants_write()) {
      base::Chain output;
      session_.Produce(output, 64 * 1024);
      if (output.empty()) return;
      for (size_t i = 0; i < output.slices(); ++i) {
        ASSERT_EQ(::send(descriptor_, output[i].data(), output[i].size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(output[i].size()));
      }
    }
  }

  int descriptor_;
  base::SlabPool slabs_;
  base::BlockPool blocks_{0};
  base::Instant now_{};
  std::vector<std::unique_ptr<Request>> requests_;
  Session session_{{.head = {}}, this, slabs_, blocks_, now_};
};

constexpr std::string_view kBrowser =
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0 and what browsers say about themselves";

class H2SteadyState : public HandTurnedWorker {
 protected:
  void SetUp() override {
    HandTurnedWorker::SetUp();
    ASSERT_EQ(::fcntl(upstream_listener_, F_SETFL, O_NONBLOCK), 0);
  }
  void TearDown() override {
    client_peer_.reset();
    upstream_peer_.reset();
    HandTurnedWorker::TearDown();
  }
  bool Accepted() {
    if (upstream_ < 0) upstream_ = ::accept4(upstream_listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return upstream_ >= 0;
  }
  void AnswerHttp1() {
    if (!Accepted()) return;
    char bytes[4096];
    const ssize_t got = ::recv(upstream_, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (got <= 0 || !std::string_view(bytes, static_cast<size_t>(got)).ends_with("17}\r\n0\r\n\r\n")) return;
    constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
    ASSERT_GT(::send(upstream_, kOk.data(), kOk.size(), MSG_NOSIGNAL), 0);
  }
  void AnswerHttp2() {
    if (!Accepted()) return;
    if (upstream_peer_ == nullptr) upstream_peer_ = std::make_unique<AnsweringPeer>(upstream_);
    upstream_peer_->Pump();
  }
  // One request of an HTTP/2 client, and a few turns for what follows an answer.
  template <class A>
  void Ask(A&& answer) {
    if (client_peer_ == nullptr) client_peer_ = std::make_unique<H2Peer>(web_port_);
    const H2Peer::Headers fields = {{"user-agent", std::string(kBrowser)}, {"accept", "text/html"}, {"te", "trailers"}};
    const size_t request = client_peer_->Ask("POST", "/products/17?colour=green", fields, false);
    client_peer_->Send(request, "{\"item\":17}", true);
    for (int turns = 0; !client_peer_->answer(request).complete && turns < 1000; ++turns) {
      Turn(base::Duration{0});
      answer();
      client_peer_->Poll();
    }
    ASSERT_EQ(client_peer_->answer(request).status, 200);
    ASSERT_EQ(client_peer_->answer(request).body, "hello");
    for (int i = 0; i < 3; ++i) Turn(base::Duration{0});
  }
  template <class A>
  void ExpectNone(A&& answer) {
    for (int i = 0; i < 200; ++i) ASSERT_NO_FATAL_FAILURE(Ask(answer));
    const uint64_t before = allocations_;
    for (int i = 0; i < 500; ++i) ASSERT_NO_FATAL_FAILURE(Ask(answer));
    EXPECT_EQ(allocations_ - before, 0U);
  }

  std::unique_ptr<H2Peer> client_peer_;
  std::unique_ptr<AnsweringPeer> upstream_peer_;
};

class Http2ToHttp1 : public H2SteadyState {
 protected:
  Http2ToHttp1() { listener_options_ = "protocols: [h2]"; }
};

class Http2ToHttp2 : public H2SteadyState {
 protected:
  Http2ToHttp2() {
    listener_options_ = "protocols: [h2]";
    upstream_options_ = "protocol: h2c";
  }
};

class Http1ToHttp2 : public H2SteadyState {
 protected:
  Http1ToHttp2() { upstream_options_ = "protocol: h2c"; }

  void AskHttp1() {
    constexpr std::string_view kGet = "GET /products HTTP/1.1\r\nHost: shop.example.com\r\nAccept: text/html\r\n\r\n";
    ASSERT_GT(::send(client_, kGet.data(), kGet.size(), MSG_NOSIGNAL), 0);
    char bytes[4096];
    ssize_t got = -1;
    for (int turns = 0; got <= 0 && turns < 1000; ++turns) {
      Turn(base::Duration{0});
      AnswerHttp2();
      got = ::recv(client_, bytes, sizeof(bytes), MSG_DONTWAIT);
    }
    ASSERT_GT(got, 0);
    ASSERT_EQ(std::string_view(bytes, 15), "HTTP/1.1 200 OK");
    for (int i = 0; i < 3; ++i) Turn(base::Duration{0});
  }
};

TEST_F(Http2ToHttp1, ARequestAllocatesNothing) {
  ExpectNone([this] { AnswerHttp1(); });
}

TEST_F(Http2ToHttp2, ARequestAllocatesNothing) {
  ExpectNone([this] { AnswerHttp2(); });
}

TEST_F(Http1ToHttp2, ARequestAllocatesNothing) {
  for (int i = 0; i < 200; ++i) ASSERT_NO_FATAL_FAILURE(AskHttp1());
  const uint64_t before = allocations_;
  for (int i = 0; i < 500; ++i) ASSERT_NO_FATAL_FAILURE(AskHttp1());
  EXPECT_EQ(allocations_ - before, 0U);
}

}  // namespace
}  // namespace headgate::integration
