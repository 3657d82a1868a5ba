// HTTP/2 to the upstream over TLS: it is chosen in the handshake (RFC 9113 3.2), or there is no connection.
#include <gtest/gtest.h>

#include <cstring>

#include "tests/proxy/upstream/h2_peer.h"
#include "tests/proxy/upstream/tls_fixture.h"

namespace headgate::proxy {
namespace {

using base::ErrorCode;

// Decodes what an upstream received.
class Reader final : private http::h2::StreamSource {
 public:
  void Feed(std::string_view bytes) {
    base::SlabRef slab = slabs_.TakeLarge(bytes.size());
    std::memcpy(slab->data(), bytes.data(), bytes.size());
    EXPECT_TRUE(session_.Feed(slab, {slab->data(), bytes.size()}));
  }
  std::string Output() {
    base::Chain chain;
    session_.Produce(chain, 64 * 1024);
    std::string text;
    for (size_t i = 0; i < chain.slices(); ++i) text += chain[i].view();
    return text;
  }
  void Answer() {
    http::ResponseHead head(stream_->arena);
    head.status = 204;
    session_.SubmitResponse(*stream_, head, {}, base::End::kYes);
  }
  const H2PeerStream* stream() const { return stream_.get(); }

 private:
  http::h2::Stream* NewStream(int32_t) override {
    stream_ = std::make_unique<H2PeerStream>(slabs_);
    return stream_.get();
  }
  static http::h2::SessionConfig Config() {
    http::h2::SessionConfig config;
    config.scheme = http::Scheme::kHttps;
    return config;
  }
  base::SlabPool slabs_;
  base::BlockPool blocks_{0};
  base::Instant now_{};
  std::unique_ptr<H2PeerStream> stream_;
  http::h2::Session session_{Config(), this, slabs_, blocks_, now_};
};

class H2TlsTest : public TlsFixture {
 protected:
  explicit H2TlsTest(std::vector<std::string_view> server_alpn = {"h2", "http/1.1"})
      : TlsFixture(std::move(server_alpn), {"h2"}) {
    policy.protocol = routing::UpstreamProtocol::kH2;
    UseTls();
  }
};

class H2TlsWithoutAlpnTest : public H2TlsTest {
 protected:
  H2TlsWithoutAlpnTest() : H2TlsTest({}) {}
};

TEST_F(H2TlsTest, ARequestIsAnsweredWhenTheUpstreamChoseH2) {
  const auto request = Request();
  request->Begin();
  const auto at = AcceptTls();
  Reader reader;
  ASSERT_TRUE(worker.Until([&] {
    if (!at->received.empty()) reader.Feed(at->received);
    at->received.clear();
    return reader.stream() != nullptr;
  }));
  EXPECT_EQ(at->transport.alpn(), "h2");
  EXPECT_EQ(reader.stream()->head.scheme, http::Scheme::kHttps);
  reader.Answer();
  const std::string output = reader.Output();
  at->Send(output);
  ASSERT_TRUE(worker.Until([&] { return request->over(); }));
  EXPECT_EQ(request->status, 204);
  EXPECT_EQ(Connects(metrics::ConnectResult::kOk), 1u);
}

TEST_F(H2TlsWithoutAlpnTest, AnUpstreamThatDoesNotChooseH2IsATlsErrorAndNotSetAside) {
  const auto request = Request();
  request->Begin();
  const auto at = AcceptTls();
  ASSERT_TRUE(worker.Until([&] { return request->over(); }));
  EXPECT_EQ(request->error->code, ErrorCode::kUpstreamTls);
  EXPECT_EQ(request->error->retry, base::Retry::kSafe);
  EXPECT_STREQ(request->error->detail, "the upstream did not choose h2 in the TLS handshake (ALPN)");
  EXPECT_EQ(Connects(metrics::ConnectResult::kTls), 1u);
  EXPECT_FALSE(endpoints->endpoints[0].shared->IsAside(worker.clock.Now()));
  EXPECT_EQ(shared->connections.taken(), 0u);
}

}  // namespace
}  // namespace headgate::proxy
