// A request that waits in a filter, and everything that can happen meanwhile, over both protocols.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>

#include "tests/integration/h2_peer.h"
#include "tests/integration/proxy_under_test.h"
#include "tests/integration/raw_upstream.h"
#include "tests/integration/waiting_filter.h"

namespace headgate::integration {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr size_t kLargeBody = 300'000;  // more than a stream may buffer

// Whose listener takes both protocols.
std::string BothProtocols(const std::string& upstream, std::string_view route_options) {
  std::string text = OneUpstream(upstream, route_options);
  return text.insert(text.find("publicPort"), "protocols: [h2, http/1.1], ");
}

// Says how many bytes of body each request had ('x' each).
void CountBody(SocketPeer& peer, int /*connection*/) {
  for (;;) {
    const std::string head = peer.ReadHead();
    if (head.empty()) return;
    std::string body;
    const size_t length = head.find("content-length: ");
    if (length != std::string::npos) body = peer.ReadBytes(std::stoul(head.substr(length + 16)));
    if (head.find("transfer-encoding: chunked") != std::string::npos) body = peer.ReadUntil("0\r\n\r\n");
    const std::string said = "got " + std::to_string(std::count(body.begin(), body.end(), 'x'));
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(said.size()) + "\r\n\r\n" + said);
  }
}

// One request of a client, over either protocol.
class Client {
 public:
  struct Answer {
    int status = 0;  // none came
    std::string text;
    bool last = false;  // of its connection (HTTP/1)
  };
  virtual ~Client() = default;
  // `body` bytes are announced and still to be sent.
  virtual void Ask(size_t body) = 0;
  virtual void Send(std::string_view body) = 0;
  virtual void EndsItsSide() = 0;
  virtual void Resets() = 0;
  virtual void Closes() = 0;
  virtual Answer Read() = 0;
};

class H1Client final : public Client {
 public:
  explicit H1Client(ProxyUnderTest& proxy) : peer_(proxy.Connect()) {}
  void Ask(size_t body) override {
    left_ = body;
    peer_.Send(body == 0 ? std::string(kGet)
                         : "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body) + "\r\n\r\n");
  }
  void Send(std::string_view body) override { peer_.Send(body); }
  void EndsItsSide() override { peer_.ShutdownWrite(); }
  void Resets() override { peer_.Reset(); }
  // A FIN at once would only end its side (docs/adr/0007-half-close.md).
  void Closes() override {
    std::this_thread::sleep_for(milliseconds(70));
    peer_.Close();
  }
  Answer Read() override {
    Answer answer;
    answer.text = peer_.ReadResponse();
    if (answer.text.size() > 12) answer.status = std::stoi(answer.text.substr(9, 3));
    answer.last = answer.text.find("connection: close") != std::string::npos;
    return answer;
  }

 private:
  SocketPeer peer_;
  size_t left_ = 0;
};

class H2Client final : public Client {
 public:
  explicit H2Client(ProxyUnderTest& proxy) : peer_(std::make_unique<H2Peer>(proxy.port())) {}
  void Ask(size_t body) override {
    left_ = body;
    number_ = peer_->Ask(body == 0 ? "GET" : "POST", "/", {}, body == 0);
    peer_->Poll();
  }
  void Send(std::string_view body) override {
    left_ -= std::min(left_, body.size());
    peer_->Send(number_, body, left_ == 0);
    peer_->Poll();
  }
  void EndsItsSide() override {}  // with END_STREAM
  void Resets() override { peer_->Reset(number_); }
  void Closes() override { peer_.reset(); }
  Answer Read() override {
    if (peer_ == nullptr) return {};
    const H2Answer& got = peer_->Wait(number_);
    return {.status = got.status, .text = got.body};
  }

 private:
  std::unique_ptr<H2Peer> peer_;
  size_t number_ = 0;
  size_t left_ = 0;
};

struct WaitingCase {
  const char* name;
  Thought thought = Thought::kContinue;
  size_t body = 0;            // the request's
  const char* route_options;  // lines
  std::function<void(Client&, ProxyUnderTest&)> meanwhile;
  int status = 0;  // 0: no answer
  const char* text = "";
  int abandoned = 0;
  bool last = false;  // HTTP/1 announces the connection's end
};

void PrintTo(const WaitingCase& way, std::ostream* out) { *out << way.name; }

void JustWaits(Client& /*client*/, ProxyUnderTest& /*proxy*/) {}
void SendsAll(Client& client, size_t bytes) { client.Send(std::string(bytes, 'x')); }

std::vector<WaitingCase> Cases() {
  constexpr Thought kYes = Thought::kContinue;
  return {
      {"Continues", kYes, 0, "", JustWaits, 200, "got 0", 0},
      {"Replies", Thought::kReply, 0, "", JustWaits, 401, "who are you?", 0},
      {"Refuses", Thought::kRefuse, 0, "", JustWaits, 403, "forbidden", 0},
      {"ClientEndsItsSide", kYes, 0, "", [](Client& client, auto&) { client.EndsItsSide(); }, 200, "got 0", 0, true},
      {"ClientResets", kYes, 0, "", [](Client& client, auto&) { client.Resets(); }, 0, "", 1},
      {"ClientCloses", kYes, 0, "", [](Client& client, auto&) { client.Closes(); }, 0, "", 1},
      {"ClientResetsWithinItsBody", kYes, 100, "",
       [](Client& client, auto&) {
         client.Send("xxx");
         client.Resets();
       },
       0, "", 1},
      {"DeadlinePasses", kYes, 0, "    timeouts: {request: 20ms}\n", JustWaits, 504, "deadline", 1},
      {"DeadlinePassesWithinTheBody", kYes, 100, "    timeouts: {request: 20ms}\n",
       [](Client& client, auto&) { client.Send("xxx"); }, 504, "deadline", 1},
      {"BodyArrives", kYes, 1000, "", [](Client& client, auto&) { SendsAll(client, 1000); }, 200, "got 1000", 0},
      {"BodyArrivesInPart", kYes, kLargeBody, "", [](Client& client, auto&) { SendsAll(client, kLargeBody); }, 200,
       "got 300000", 0},
      {"BodyArrivesAndIsNotWanted", Thought::kReply, 1000, "", [](Client& client, auto&) { SendsAll(client, 1000); },
       401, "who are you?", 0},
      {"BodyIsTooLarge", kYes, 1000, "    maxBodySize: 999\n", [](Client& client, auto&) { SendsAll(client, 1000); },
       413, "too large", 1, true},
      {"Drains", kYes, 0, "", [](Client&, ProxyUnderTest& proxy) { proxy.server().BeginDrain(); }, 200, "got 0", 0,
       true},
      {"ListenersClose", kYes, 0, "",
       [](Client&, ProxyUnderTest& proxy) {
         proxy.server().BeginDrain();
         proxy.server().CloseListeners();
       },
       200, "got 0", 0, true},
      {"ProcessEnds", kYes, 0, "", [](Client&, ProxyUnderTest& proxy) { proxy.server().Stop(); }, 0, "", 1},
      {"Reloads", kYes, 0, "",
       [](Client&, ProxyUnderTest& proxy) {
         proxy.Publish(
             "listeners: [{name: web, address: \"127.0.0.1:0\", protocols: [h2, http/1.1]}]\n"
             "routes: [{name: other, respond: {status: 204}}]\n");
       },
       200, "got 0", 0},
  };
}

// Protocol, case.
class WaitingRequest : public ::testing::TestWithParam<std::tuple<bool, WaitingCase>> {
 protected:
  const WaitingCase& way() const { return std::get<1>(GetParam()); }
  bool h2() const { return std::get<0>(GetParam()); }
  std::unique_ptr<Client> NewClient() {
    if (h2()) return std::make_unique<H2Client>(proxy_);
    return std::make_unique<H1Client>(proxy_);
  }

  RawUpstream upstream_{CountBody};
  Thinker thinker_{way().thought};
  ProxyUnderTest proxy_{BothProtocols(upstream_.address(), way().route_options), 1, [this](proxy::Snapshot& snapshot) {
                          if (snapshot.compiled->routes[0]->name != "all") return;
                          auto chain = std::make_shared<proxy::FilterChain>();
                          chain->push_back(thinker_.MakeFilter());
                          snapshot.routes[0].filters = std::move(chain);
                        }};
};

std::string NameOfWaiting(const ::testing::TestParamInfo<std::tuple<bool, WaitingCase>>& info) {
  return std::string(std::get<0>(info.param) ? "H2" : "H1") + std::get<1>(info.param).name;
}

INSTANTIATE_TEST_SUITE_P(Ways, WaitingRequest, ::testing::Combine(::testing::Bool(), ::testing::ValuesIn(Cases())),
                         NameOfWaiting);

TEST_P(WaitingRequest, EndsAsTheTableSays) {
  const auto client = NewClient();
  client->Ask(way().body);
  for (int i = 0; i < 1000 && thinker_.begun == 0; ++i) std::this_thread::sleep_for(milliseconds(5));
  ASSERT_EQ(thinker_.begun, 1);
  way().meanwhile(*client, proxy_);
  const Client::Answer answer = client->Read();
  EXPECT_EQ(answer.status, way().status);
  EXPECT_THAT(answer.text, HasSubstr(way().text));
  EXPECT_EQ(answer.last, !h2() && way().last);
  thinker_.Join();
  EXPECT_EQ(proxy_.WaitMetric("headgate_requests_active{route=\"all\"}", 0), 0);
  proxy_.server().Stop();
  EXPECT_EQ(thinker_.abandoned, way().abandoned);
  EXPECT_EQ(thinker_.told, 1 - way().abandoned);
  EXPECT_EQ(thinker_.alive, 0);
  EXPECT_EQ(upstream_.connections(), way().status == 200 ? 1 : 0);
}

// What comes after it on the same connection, and in the same exchange.
class AfterWaiting : public ::testing::TestWithParam<Thought> {
 protected:
  void SetUp() override {
    const std::string text = BothProtocols(upstream_.address(), "") +
                             "  - {name: free, matches: [{path: {prefix: /free}}], backends: [{upstream: app}]}\n";
    proxy_ = std::make_unique<ProxyUnderTest>(text, 1, [this](proxy::Snapshot& snapshot) {
      auto chain = std::make_shared<proxy::FilterChain>();
      chain->push_back(thinker_.MakeFilter());
      chain->push_back(second_.MakeFilter());
      snapshot.routes[0].filters = std::move(chain);
    });
  }
  void TearDown() override {
    thinker_.Join();
    second_.Join();
    proxy_->server().Stop();
    EXPECT_EQ(thinker_.alive + second_.alive, 0);
  }
  std::string Status() const { return GetParam() == Thought::kReply ? "401" : "200"; }

  RawUpstream upstream_{CountBody};
  Thinker thinker_{Thought::kContinue, milliseconds(50)};
  Thinker second_{GetParam(), milliseconds(50)};
  std::unique_ptr<ProxyUnderTest> proxy_;
};

INSTANTIATE_TEST_SUITE_P(Thoughts, AfterWaiting, ::testing::Values(Thought::kContinue, Thought::kReply));

constexpr std::string_view kPost = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nxxx";
constexpr std::string_view kFreeGet = "GET /free HTTP/1.1\r\nHost: a\r\n\r\n";

TEST_P(AfterWaiting, PipelinedRequestsAreAnsweredInOrder) {
  SocketPeer peer = proxy_->Connect();
  peer.Send(std::string(kPost) + std::string(kFreeGet) + std::string(kPost) + std::string(kFreeGet));
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(peer.ReadResponse(), StartsWith("HTTP/1.1 " + Status()));
    EXPECT_THAT(peer.ReadResponse(), testing::EndsWith("got 0")) << "nothing of another request's body";
  }
  EXPECT_EQ(thinker_.told, 2);
  EXPECT_EQ(second_.told, 2);
}

TEST_P(AfterWaiting, ARequestThatWasAbandonedLeavesNothingToTheNext) {
  for (int i = 0; i < 3; ++i) {
    SocketPeer peer = proxy_->Connect();
    peer.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nxxx");
    for (int waited = 0; waited < 1000 && thinker_.begun <= i; ++waited) std::this_thread::sleep_for(milliseconds(5));
    peer.Reset();
    EXPECT_THAT(proxy_->Ask(kFreeGet), testing::EndsWith("got 0"));
  }
}

TEST_P(AfterWaiting, OtherStreamsDoNotWaitWithIt) {
  H2Peer peer(proxy_->port());
  const size_t waits = peer.Ask("POST", "/", {}, false);
  peer.Send(waits, "xxx", true);
  const size_t free = peer.Ask("GET", "/free");
  EXPECT_EQ(peer.Wait(free).body, "got 0");
  EXPECT_FALSE(peer.answer(waits).complete);
  EXPECT_EQ(std::to_string(peer.Wait(waits).status), Status());
  EXPECT_EQ(peer.answer(waits).body, GetParam() == Thought::kReply ? "who are you?" : "got 3");
}

TEST_P(AfterWaiting, AClientThatWaitsForA100IsAskedForItsBodyBehindTheFilters) {
  SocketPeer peer = proxy_->Connect();
  peer.Send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  const std::string first = peer.ReadHead();
  EXPECT_EQ(second_.told, 1);
  EXPECT_THAT(first, StartsWith(GetParam() == Thought::kReply ? "HTTP/1.1 401" : "HTTP/1.1 100"));
  if (GetParam() == Thought::kReply) return;
  peer.Send("xxx");
  EXPECT_THAT(peer.ReadResponse(), testing::EndsWith("got 3"));
}

TEST_P(AfterWaiting, AGrpcClientIsToldByItsStatus) {
  H2Peer peer(proxy_->port());
  const size_t call = peer.Ask("POST", "/", {{"content-type", "application/grpc"}, {"te", "trailers"}}, true);
  EXPECT_EQ(peer.Wait(call).status, 200);
  // The upstream speaks HTTP/1.1.
  EXPECT_EQ(peer.answer(call).header("grpc-status"), GetParam() == Thought::kReply ? "16" : "12");
}

}  // namespace
}  // namespace headgate::integration
