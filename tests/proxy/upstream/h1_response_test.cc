// Responses as raw bytes: the paragraph of the contract about what an upstream may send.
#include <gtest/gtest.h>

#include "base/limits.h"
#include "tests/proxy/upstream/upstream_fixture.h"

namespace headgate::proxy {
namespace {

using base::ErrorCode;
using base::Retry;

class H1ResponseTest : public UpstreamFixture {
 protected:
  // The response is refused with `code`, and its connection is closed.
  void ExpectRefused(std::string_view response, ErrorCode code, bool then_close = false) {
    const auto request = Answer(response, then_close);
    ASSERT_TRUE(request->error.has_value()) << response;
    EXPECT_EQ(request->error->code, code) << response << request->error->detail;
    EXPECT_EQ(request->error->side, base::Side::kUpstream);
    EXPECT_STRNE(request->error->detail, "");
    EXPECT_TRUE(peer->AtEnd());
    peer.reset();
    EXPECT_EQ(shared->connections.taken(), 0u);
  }
  bool Reused() {
    worker.Settle();
    return Gauge(metrics::ConnectionState::kIdle) == 1;
  }
};

TEST_F(H1ResponseTest, ABodyWithALengthIsDeliveredAndTheConnectionReused) {
  const auto request = Answer("HTTP/1.1 200 OK\r\nX-Kind: plain\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(request->status, 200);
  EXPECT_EQ(request->first_header, "x-kind: plain");
  EXPECT_EQ(request->body, "hello");
  EXPECT_TRUE(request->ended);
  EXPECT_FALSE(request->attempt.reused);
  EXPECT_TRUE(Reused());
  const auto next = Answer(kOk);
  EXPECT_TRUE(next->attempt.reused);
  EXPECT_EQ(next->body, "ok");
  EXPECT_EQ(Connects(metrics::ConnectResult::kOk), 1u);
}

// Not one that is waited for until its deadline.
TEST_F(H1ResponseTest, AHeadWithABareLineEndIsRefusedAtOnceAndNamed) {
  for (const auto& [response, detail] : std::vector<std::pair<std::string_view, std::string_view>>{
           {"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "a bare LF"},
           {"HTTP/1.1 200 OK\n", "a bare LF"},
           {"HTTP/1.1 200 OK\r\nA: 1\n", "a bare LF"},
           {"HTTP/1.1 200 OK\r\nA: 1\r\n\n", "a bare LF"},
           {"HTTP/1.1 200 OK\rA: 1", "a bare CR"},
           {"HTTP/1.1 200 OK\r\nA: 1\r\n\rx", "a bare CR"},
           {"HTTP/1.1 200 OK\r\nA: 1\r\n 2", "a folded field"},
           {"HTTP/1.1 200 OK\nA: 1\n\n\r\n\r\n", "a bare LF"},
           {"HTTP/1.1 100 Continue\n\n", "a bare LF"}}) {
    const auto request = Answer(response);
    ASSERT_TRUE(request->error.has_value()) << response;
    EXPECT_EQ(request->error->code, ErrorCode::kUpstreamProtocol) << response;
    EXPECT_EQ(request->error->detail, detail) << response;
    EXPECT_TRUE(peer->AtEnd());
    peer.reset();
  }
}

TEST_F(H1ResponseTest, AHeadThatArrivesByteByByteIsNotMistakenForABareLineEnd) {
  for (const std::string_view response : {"HTTP/1.1 200 OK\r\nA: 1\r\nB:\t2\r\nContent-Length: 2\r\n\r\nok",
                                          "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok"}) {
    const auto request = Request();
    request->Begin();
    ASSERT_TRUE(worker.Until([&] { return request->stream != nullptr; }));
    if (!peer) peer = server.Accept();
    ASSERT_NE(peer->ReceiveUntil("\r\n\r\n"), "");
    for (const char& byte : response) {
      peer->Send({&byte, 1});
      worker.Settle();
    }
    ASSERT_TRUE(worker.Until([&] { return request->over(); }));
    ASSERT_FALSE(request->error.has_value()) << request->error->detail;
    EXPECT_EQ(request->body, "ok");
  }
}

TEST_F(H1ResponseTest, AChunkedBodyWithExtensionsAndTrailersIsDecoded) {
  const auto request = Answer(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n1\r\n,\r\n6\r\n world\r\n0\r\nX-Sum: "
      "9\r\n\r\n");
  EXPECT_EQ(request->body, "hello, world");
  EXPECT_EQ(request->trailer, "x-sum: 9");
  EXPECT_TRUE(Reused());
}

TEST_F(H1ResponseTest, ABodyUntilCloseEndsWithTheConnection) {
  const auto request = Answer("HTTP/1.1 200 OK\r\n\r\nall of it", true);
  EXPECT_EQ(request->body, "all of it");
  EXPECT_TRUE(request->ended);
  EXPECT_FALSE(request->error.has_value());
  EXPECT_FALSE(Reused());
}

TEST_F(H1ResponseTest, AnHttp10ResponseIsNotReused) {
  EXPECT_EQ(Answer("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")->body, "ok");
  EXPECT_FALSE(Reused());
}

TEST_F(H1ResponseTest, ConnectionCloseIsNotReused) {
  EXPECT_EQ(Answer("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")->body, "ok");
  EXPECT_FALSE(Reused());
}

TEST_F(H1ResponseTest, ResponsesWithoutABodyEndWithTheirHead) {
  for (const std::string_view head :
       {"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}) {
    const auto request = Answer(head);
    EXPECT_TRUE(request->ended) << head;
    EXPECT_EQ(request->body, "");
    EXPECT_TRUE(Reused()) << head;
  }
}

TEST_F(H1ResponseTest, TheAnswerToHeadHasNoBodyWhateverItsLength) {
  const auto request = Answer("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", false, http::Method::kHead);
  EXPECT_TRUE(request->ended);
  EXPECT_TRUE(Reused());
}

TEST_F(H1ResponseTest, AnIdenticalRepeatedLengthIsTolerated) {
  EXPECT_EQ(Answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok")->body, "ok");
}

TEST_F(H1ResponseTest, BrokenFramingIsRefusedAndTheConnectionClosed) {
  for (const std::string_view response : {
           "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
           "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
           "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
           "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
           "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
           "HTTP/1.1 99 No\r\n\r\n",
           "HTTP/3.0 200 OK\r\n\r\n",
           "SSH-2.0-OpenSSH_9.2\r\n",
       }) {
    ExpectRefused(response, ErrorCode::kUpstreamProtocol);
  }
}

TEST_F(H1ResponseTest, BrokenChunksFail) {
  for (const std::string_view chunks : {"zz\r\n", "5\nhello", "2\r\nokay\r\n", "-1\r\n"}) {
    const auto request = Answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(chunks));
    EXPECT_EQ(request->status, 0) << "nothing is told of a head whose body is broken already";
    ASSERT_TRUE(request->error.has_value()) << chunks;
    EXPECT_EQ(request->error->code, ErrorCode::kUpstreamProtocol);
    EXPECT_FALSE(request->ended);
    EXPECT_FALSE(Reused());
  }
}

TEST_F(H1ResponseTest, MoreBodyThanAnnouncedIsCutOffAndTheConnectionClosed) {
  const auto request = Answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokay");
  EXPECT_EQ(request->body, "ok");
  EXPECT_TRUE(request->ended);
  EXPECT_FALSE(Reused());
  EXPECT_TRUE(peer->AtEnd());
}

TEST_F(H1ResponseTest, BytesBehindAResponseWithoutABodyCloseTheConnection) {
  EXPECT_TRUE(Answer("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")->ended);
  EXPECT_FALSE(Reused());
}

TEST_F(H1ResponseTest, AResponseThatBreaksOffTogetherWithItsHeadFailsBeforeItIsTold) {
  for (const std::string_view response :
       {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
        "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"}) {
    const auto request = Answer(response, true);
    EXPECT_EQ(request->status, 0) << response;
    ASSERT_TRUE(request->error.has_value()) << response;
    EXPECT_EQ(request->error->code, ErrorCode::kUpstreamReset);
    EXPECT_EQ(request->error->retry, Retry::kNever) << "unless the policy says so";
  }
}

TEST_F(H1ResponseTest, LessBodyThanAnnouncedFailsAfterTheHead) {
  const auto request = Request();
  request->Begin();
  ASSERT_TRUE(worker.Until([&] { return request->stream != nullptr; }));
  peer = server.Accept();
  peer->ReceiveUntil("\r\n\r\n");
  peer->Send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
  ASSERT_TRUE(worker.Until([&] { return request->body == "half"; }));
  peer->EndSide();
  ASSERT_TRUE(worker.Until([&] { return request->over(); }));
  EXPECT_FALSE(request->ended);
  ASSERT_TRUE(request->error.has_value());
  EXPECT_EQ(request->error->code, ErrorCode::kUpstreamReset);
  EXPECT_EQ(request->error->retry, Retry::kNever);
  EXPECT_STREQ(request->error->detail, "less body than announced");
}

TEST_F(H1ResponseTest, AChunkedBodyWithoutItsEndFails) {
  const auto request = Answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", true);
  ASSERT_TRUE(request->error.has_value());
  EXPECT_EQ(request->error->code, ErrorCode::kUpstreamReset);
}

TEST_F(H1ResponseTest, AResetWithinABodyUntilCloseIsNoEnd) {
  const auto request = Request();
  request->Begin();
  ASSERT_TRUE(worker.Until([&] { return request->stream != nullptr; }));
  peer = server.Accept();
  peer->ReceiveUntil("\r\n\r\n");
  peer->Send("HTTP/1.1 200 OK\r\n\r\nhalf");
  ASSERT_TRUE(worker.Until([&] { return request->body == "half"; }));
  peer->Reset();
  ASSERT_TRUE(worker.Until([&] { return request->over(); }));
  ASSERT_TRUE(request->error.has_value());
  EXPECT_EQ(request->error->code, ErrorCode::kUpstreamReset);
}

TEST_F(H1ResponseTest, InterimResponsesComeBeforeTheFinalOne) {
  const auto request =
      Answer("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + std::string(kOk));
  EXPECT_EQ(request->interims, (std::vector<uint16_t>{103, 100}));
  EXPECT_EQ(request->body, "ok");
  EXPECT_TRUE(Reused());
}

TEST_F(H1ResponseTest, AHundredInterimResponsesArePassedOnAndTheNextRefused) {
  std::string many;
  for (size_t i = 0; i < base::kInterimResponsesMax; ++i) many += "HTTP/1.1 102 Processing\r\n\r\n";
  const auto request = Answer(many + std::string(kOk));
  EXPECT_EQ(request->interims.size(), base::kInterimResponsesMax);
  EXPECT_EQ(request->status, 200);
  ExpectRefused(many + "HTTP/1.1 102 Processing\r\n\r\n" + std::string(kOk), ErrorCode::kUpstreamProtocol);
}

TEST_F(H1ResponseTest, AnUnasked101IsRefused) {
  ExpectRefused("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
                ErrorCode::kUpstreamProtocol);
}

TEST_F(H1ResponseTest, AHeadOverTheLimitIsRefusedWhetherItEndsOrNot) {
  const std::string start = "HTTP/1.1 200 OK\r\nX-Long: ";
  ExpectRefused(start + std::string(64 * 1024, 'a') + "\r\n\r\n", ErrorCode::kUpstreamHeaderTooLarge);
  ExpectRefused(start + std::string(70 * 1024, 'a'), ErrorCode::kUpstreamHeaderTooLarge);
}

TEST_F(H1ResponseTest, AHeadOfSeveralSlabsBelowTheLimitIsTaken) {
  const std::string value(60 * 1024, 'a');
  const auto request = Answer("HTTP/1.1 200 OK\r\nX-Long: " + value + "\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_EQ(request->first_header, "x-long: " + value);
  EXPECT_EQ(request->body, "ok");
  EXPECT_TRUE(Reused());
}

TEST_F(H1ResponseTest, MoreThanAHundredFieldsAreRefused) {
  std::string head = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 101; ++i) head += "X-" + std::to_string(i) + ": 1\r\n";
  ExpectRefused(head + "\r\n", ErrorCode::kUpstreamHeaderTooLarge);
}

TEST_F(H1ResponseTest, ItDoesNotMatterWhereAResponseIsSplit) {
  const std::string response =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x\r\n"
      "defg\r\n0\r\nX-T: u\r\n\r\n";
  for (size_t at = 1; at < response.size(); ++at) {
    const auto request = Request();
    request->Begin();
    ASSERT_TRUE(worker.Until([&] { return request->stream != nullptr; }));
    if (request->waited) peer = server.Accept();
    ASSERT_NE(peer->ReceiveUntil("\r\n\r\n"), "");
    peer->Send(response.substr(0, at));
    worker.Settle();
    peer->Send(response.substr(at));
    ASSERT_TRUE(worker.Until([&] { return request->over(); })) << at;
    ASSERT_FALSE(request->error.has_value()) << at << request->error->detail;
    EXPECT_EQ(request->body, "abcdefg") << at;
    EXPECT_EQ(request->trailer, "x-t: u") << at;
    EXPECT_EQ(request->interims, std::vector<uint16_t>{100}) << at;
  }
  EXPECT_EQ(Connects(metrics::ConnectResult::kOk), 1u);
}

TEST_F(H1ResponseTest, ByteAfterByteIsTheSame) {
  const std::string response =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n";
  const auto request = Request();
  request->Begin();
  ASSERT_TRUE(worker.Until([&] { return request->stream != nullptr; }));
  peer = server.Accept();
  for (const char c : response) {
    peer->Send({&c, 1});
    worker.Settle();
  }
  ASSERT_TRUE(worker.Until([&] { return request->over(); }));
  EXPECT_EQ(request->body, "abcdefg");
  EXPECT_TRUE(Reused());
}

TEST_F(H1ResponseTest, CreditIsNeverExceededAndNothingIsLost) {
  std::string sent;
  for (int i = 0; sent.size() < 300'000; ++i) sent += std::to_string(i) + " ";
  const auto request = Request();
  request->credit = 0;
  request->Begin();
  ASSERT_TRUE(worker.Until([&] { return request->stream != nullptr; }));
  peer = server.Accept();
  peer->ReceiveUntil("\r\n\r\n");
  const std::string response = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(sent.size()) + "\r\n\r\n" + sent;
  std::string_view left = response;
  base::Rng rng(5);
  left.remove_prefix(peer->SendSome(left));
  ASSERT_TRUE(worker.Until([&] { return request->status == 200; }));
  worker.Settle();
  EXPECT_EQ(request->body, "");
  while (!request->over()) {
    left.remove_prefix(peer->SendSome(left));
    const size_t before = request->body.size();
    const size_t credit = 1 + rng.Below(40'000);
    request->Grant(credit);
    ASSERT_TRUE(worker.Until([&] { return request->body.size() > before; }));
    worker.Settle();
    ASSERT_LE(request->body.size(), before + credit);
    ASSERT_LE(worker.slabs.lent(), 8u);
  }
  EXPECT_EQ(request->body, sent);
  EXPECT_TRUE(Reused());
}

TEST_F(H1ResponseTest, WithoutCreditNothingMoreIsRead) {
  const auto request = Request();
  request->credit = 0;
  request->Begin();
  ASSERT_TRUE(worker.Until([&] { return request->stream != nullptr; }));
  peer = server.Accept();
  const std::string large(64 << 20, 'x');
  peer->SendSome("HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n");
  std::string_view left = large;
  size_t stuck = 0;
  while (stuck < 3) {
    const size_t taken = peer->SendSome(left);
    left.remove_prefix(taken);
    stuck = taken == 0 ? stuck + 1 : 0;
    worker.Settle();
  }
  EXPECT_GT(left.size(), 32u << 20);
  EXPECT_LE(worker.slabs.lent(), 3u);
}

TEST_F(H1ResponseTest, OneByteChunksDoNotBecomeASliceEach) {
  std::string response = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string expected;
  for (int i = 0; i < 1500; ++i) {
    const char c = static_cast<char>('a' + i % 26);
    response += std::string("1\r\n") + c + "\r\n";
    expected += c;
  }
  EXPECT_EQ(Answer(response + "0\r\n\r\n")->body, expected);
}

TEST_F(H1ResponseTest, AnIdleConnectionThatSpeaksIsClosed) {
  peer = WarmUp();
  EXPECT_TRUE(Reused());
  peer->Send("HTTP/1.1 408 Request Timeout\r\n\r\n");
  ASSERT_TRUE(worker.Until([&] { return Gauge(metrics::ConnectionState::kIdle) == 0; }));
  EXPECT_TRUE(peer->AtEnd());
  EXPECT_EQ(shared->connections.taken(), 0u);
}

TEST_F(H1ResponseTest, AnIdleConnectionThatEndsIsClosed) {
  peer = WarmUp();
  peer->EndSide();
  ASSERT_TRUE(worker.Until([&] { return Gauge(metrics::ConnectionState::kIdle) == 0; }));
}

TEST_F(H1ResponseTest, AReusedConnectionThatClosesBeforeAByteMayBeTriedAgain) {
  peer = WarmUp();
  const auto request = Request();
  request->Begin();
  EXPECT_TRUE(request->attempt.reused);
  peer->Close();
  ASSERT_TRUE(worker.Until([&] { return request->over(); }));
  ASSERT_TRUE(request->error.has_value());
  EXPECT_EQ(request->error->code, ErrorCode::kUpstreamReset);
  EXPECT_EQ(request->error->retry, Retry::kIfReused);
}

TEST_F(H1ResponseTest, ANewConnectionThatClosesBeforeAByteIsNotTriedAgain) {
  const auto request = Request();
  request->Begin();
  ASSERT_TRUE(worker.Until([&] { return request->stream != nullptr; }));
  server.Accept()->Close();
  ASSERT_TRUE(worker.Until([&] { return request->over(); }));
  EXPECT_EQ(request->error->retry, Retry::kNever);
  EXPECT_TRUE(request->attempt.any_byte_sent);
}

TEST_F(H1ResponseTest, AReusedConnectionThatAnsweredInPartIsNotTriedAgain) {
  peer = WarmUp();
  const auto request = Request();
  request->Begin();
  peer->ReceiveUntil("\r\n\r\n");
  peer->Send("HTTP/1.1 2");
  peer->EndSide();
  ASSERT_TRUE(worker.Until([&] { return request->over(); }));
  EXPECT_EQ(request->error->retry, Retry::kNever);
  EXPECT_TRUE(request->attempt.any_byte_received);
}

TEST_F(H1ResponseTest, AConnectionThatClosesBeforeTheRequestIsSentIsSafeToTryAgain) {
  peer = WarmUp();
  const auto request = Request();
  request->on_connected = [] {};
  request->Begin();
  peer->Close();
  ASSERT_TRUE(worker.Until([&] { return request->over(); }));
  EXPECT_EQ(request->error->retry, Retry::kSafe);
}

}  // namespace
}  // namespace headgate::proxy
