// A final answer in the middle of an upload over HTTP/2, whoever it is from: its client gets to read it before
// RST_STREAM(NO_ERROR), which ends the upload 64 KiB or a second later (RFC 9113 8.1).
#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"
#include "tests/integration/h2_peer.h"
#include "tests/integration/proxy_under_test.h"
#include "tests/integration/raw_upstream.h"

namespace headgate::integration {
namespace {

constexpr size_t kUploaded = 200'000;  // before the answer

std::string Config(const std::string& upstream) {
  return "listeners:\n  - {name: web, address: \"127.0.0.1:0\", protocols: [h2, http/1.1]}\n"
         "upstreams:\n  app: {endpoints: [\"" +
         upstream +
         "\"]}\nroutes:\n"
         "  - {name: size, matches: [{path: {prefix: /size}}], maxBodySize: 150000, backends: [{upstream: app}]}\n"
         "  - {name: late, matches: [{path: {prefix: /late}}], timeouts: {request: 1s}, backends: [{upstream: app}]}\n"
         "  - {name: direct, matches: [{path: {prefix: /direct}}], respond: {status: 200, body: ours}}\n"
         "  - {name: all, matches: [{path: {prefix: /}}], backends: [{upstream: app}]}\n";
}

// Answers when it has read most of what is uploaded first, and reads on.
void AnswerEarly(SocketPeer& peer, int) {
  const std::string head = peer.ReadHead();
  if (head.starts_with("POST /early")) {
    peer.ReadBytes(kUploaded - 1000);
    const bool chunked = head.find("/chunked") != std::string::npos;
    peer.Send(chunked ? "HTTP/1.1 413 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbig\r\n0\r\n\r\n"
                      : "HTTP/1.1 413 No\r\nContent-Length: 3\r\n\r\nbig");
  }
  peer.ReadUntil("never");
}

struct Upload {
  const char* path;
  int status;
};

class EarlyAnswer : public ::testing::TestWithParam<Upload> {
 protected:
  // Uploads until there is an answer.
  size_t Answered(H2Peer& client) {
    const size_t request = client.Ask("POST", GetParam().path, {}, false);
    client.Send(request, std::string(kUploaded, 'x'), false);
    EXPECT_TRUE(client.Until([&] { return !client.answer(request).body.empty(); }));
    EXPECT_EQ(client.answer(request).status, GetParam().status);
    EXPECT_FALSE(client.answer(request).stopped || client.answer(request).reset) << "together with the answer";
    return request;
  }

  RawUpstream upstream_{AnswerEarly};
  ProxyUnderTest proxy_{Config(upstream_.address())};
};

TEST_P(EarlyAnswer, IsThereBeforeTheReset) {
  H2Peer client(proxy_.port());
  const size_t request = Answered(client);
  const H2Answer& answer = client.answer(request);
  ASSERT_TRUE(client.Until([&] { return answer.stopped; }));
  EXPECT_EQ(proxy_.WaitMetric("headgate_connections{listener=\"web\",state=\"active\"}", 0), 0);
}

TEST_P(EarlyAnswer, EndsTheUploadSoonerWhenMuchOfItComes) {
  H2Peer client(proxy_.port());
  const size_t request = Answered(client);
  // All that it may send: what it has credit for, and the 64 KiB.
  client.Send(request, std::string(2 << 20U, 'y'), false);
  ASSERT_TRUE(client.Until([&] { return client.answer(request).stopped; }));
}

TEST_P(EarlyAnswer, MayBeFollowedByTheUploadsEnd) {
  H2Peer client(proxy_.port());
  const size_t request = Answered(client);
  client.Send(request, "the rest", true);
  const H2Answer& answer = client.Wait(request);
  EXPECT_TRUE(answer.complete);
  EXPECT_FALSE(answer.stopped);
}

TEST_P(EarlyAnswer, LeavesItsSiblingsTheirCredit) {
  H2Peer client(proxy_.port());
  for (int i = 0; i < 3; ++i) {
    const size_t request = Answered(client);
    client.Send(request, std::string(100'000, 'y'), false);
    const size_t sibling = client.Ask("POST", "/direct", {}, false);
    client.Send(sibling, std::string(60'000, 'z'), true);
    EXPECT_EQ(client.Wait(sibling).body, "ours");
  }
}

INSTANTIATE_TEST_SUITE_P(Http2, EarlyAnswer,
                         ::testing::Values(Upload{"/early", 413}, Upload{"/early/chunked", 413}, Upload{"/size", 413},
                                           Upload{"/late", 504}));

}  // namespace
}  // namespace headgate::integration
