// What listeners and upstreams announce by ALPN, with real handshakes, and that a reload changes it.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/units.h"
#include "metrics/registry.h"
#include "proxy/snapshot/builder.h"
#include "routing/compile/compile.h"
#include "tests/proxy/net/tls_fixture.h"

namespace headgate::proxy {
namespace {

using Names = std::vector<std::string_view>;

class BuilderAlpn : public net::TlsFixture {
 protected:
  std::shared_ptr<const Snapshot> Build(std::string_view protocols, std::string_view upstream_protocol = "") {
    std::string text = "listeners:\n  - {name: web, address: \"127.0.0.1:1\", " + std::string(protocols) +
                       " tls: {certificates: [{certFile: " + files[0].cert_file + ", keyFile: " + files[0].key_file +
                       "}]}}\nupstreams:\n  shop: {address: \"127.0.0.1:2\", " + std::string(upstream_protocol) +
                       " tls: {caFile: " + ca_file + "}}\n";
    const config::LoadedFile file = config::LoadFile("test.yaml", text, "/");
    EXPECT_NE(file.model, nullptr) << text;
    if (file.model == nullptr) return nullptr;
    config::DiagnosticList diagnostics;
    std::vector<std::string> warnings;
    auto built = builder_.Build(routing::Compile(*file.model, nullptr, diagnostics), "", last_.get(), warnings);
    EXPECT_TRUE(built.ok()) << built.status();
    last_ = *std::move(built);
    return last_;
  }
  // What a client that offers `offered` is told to speak; "refused" if there is nothing in common.
  std::string Chosen(const Snapshot& snapshot, const Names& offered) {
    const auto client = Client(true, offered);
    Pair pair(loop);
    if (!Shake(pair, *snapshot.listeners[0].tls[0], *client, "first.example")) return "refused";
    return std::string(pair.server.transport.alpn());
  }
  // What our connection to an upstream that speaks `spoken` agrees on.
  std::string Agreed(const Snapshot& snapshot, const Names& spoken) {
    const auto server = Server(routing::TlsVersion::kTls12, spoken);
    Pair pair(loop);
    if (!Shake(pair, *server, *snapshot.upstreams[0].tls[0], "first.example")) return "refused";
    return std::string(pair.client.transport.alpn());
  }

 private:
  base::FakeClock clock_;
  metrics::Registry registry_{clock_};
  SnapshotBuilder builder_{registry_, tickets, 1, clock_};
  std::shared_ptr<const Snapshot> last_;
};

TEST_F(BuilderAlpn, WithoutProtocolsAListenerPrefersH2AndTakesHttp11) {
  const auto snapshot = Build("");
  EXPECT_EQ(Chosen(*snapshot, {"http/1.1", "h2"}), "h2");
  EXPECT_EQ(Chosen(*snapshot, {"http/1.1"}), "http/1.1");
  EXPECT_EQ(Chosen(*snapshot, {"h3"}), "refused");
  EXPECT_EQ(Chosen(*snapshot, {}), "") << "a client without ALPN is served";
}

TEST_F(BuilderAlpn, AListenerOffersWhatItsProtocolsSayWhateverTheirOrder) {
  EXPECT_EQ(Chosen(*Build("protocols: [http/1.1, h2],"), {"h2", "http/1.1"}), "h2");
  const auto old = Build("protocols: [http/1.1],");
  EXPECT_EQ(Chosen(*old, {"h2", "http/1.1"}), "http/1.1");
  EXPECT_EQ(Chosen(*old, {"h2"}), "refused");
  const auto only = Build("protocols: [h2],");
  EXPECT_EQ(Chosen(*only, {"h2", "http/1.1"}), "h2");
  EXPECT_EQ(Chosen(*only, {"http/1.1"}), "refused");
}

TEST_F(BuilderAlpn, AReloadKeepsContextsUnlessTheProtocolsChanged) {
  const auto first = Build("");
  const auto same = Build("");
  EXPECT_EQ(first->listeners[0].tls[0], same->listeners[0].tls[0]);
  EXPECT_EQ(first->upstreams[0].tls[0], same->upstreams[0].tls[0]);
  const auto other = Build("protocols: [http/1.1],", "protocol: h2,");
  EXPECT_NE(first->listeners[0].tls[0], other->listeners[0].tls[0]);
  EXPECT_NE(first->upstreams[0].tls[0], other->upstreams[0].tls[0]);
  EXPECT_EQ(Chosen(*first, {"h2"}), "h2") << "who holds the old one goes on with it";
}

TEST_F(BuilderAlpn, AnUpstreamIsAskedForItsProtocolAlone) {
  const auto h2 = Build("", "protocol: h2,");
  EXPECT_EQ(Agreed(*h2, {"http/1.1", "h2"}), "h2");
  EXPECT_EQ(Agreed(*h2, {"http/1.1"}), "refused");
  const auto h1 = Build("");
  EXPECT_EQ(Agreed(*h1, {"h2", "http/1.1"}), "http/1.1");
}

}  // namespace
}  // namespace headgate::proxy
