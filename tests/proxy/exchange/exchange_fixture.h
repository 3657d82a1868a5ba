// Exchanges between a client's stream that writes down what it is given and an upstream that speaks HTTP/2 in the
// clear; another one speaks HTTP/1.1.
// Owned by gtest.
// One thread: the test's.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/units.h"
#include "proxy/exchange/exchange.h"
#include "proxy/snapshot/builder.h"
#include "routing/compile/compile.h"
#include "tests/proxy/upstream/h2_fixture.h"

namespace headgate::proxy {

// The client's side.
class FakeStream final : public DownstreamStream {
 public:
  const ClientInfo& client() const noexcept override { return info; }
  void SendInterim(http::ResponseHead& head) override { interims.push_back(head.status); }
  void SendHead(http::ResponseHead& head, base::End end) override {
    ++heads;
    status = head.status;
    framing = head.body.kind;
    for (const http::HeaderField& field : head.headers.fields()) Write(header, field);
    ended = end == base::End::kYes;
  }
  void SendBody(base::Chain& data, base::End end) override {
    for (size_t i = 0; i < data.slices(); ++i) body += data[i].view();
    data.Clear();
    ended = ended || end == base::End::kYes;
  }
  void SendTrailers(const http::HeaderMap& trailers) override {
    for (const http::HeaderField& field : trailers.fields()) Write(trailer, field);
    ended = true;
  }
  void Abort() override { aborted = true; }
  size_t queued() const noexcept override { return 0; }
  void SetRequestCredit(size_t bytes) override { credit = bytes; }
  void StopBodyClock() override { body_clock_stopped = true; }
  void DiscardRequestBody() override { discarded = true; }
  void CloseAfterResponse() override { close = true; }
  void OnExchangeDone() override { ++done; }

  ClientInfo info;
  std::vector<uint16_t> interims;
  int heads = 0;
  uint16_t status = 0;
  http::BodyKind framing = http::BodyKind::kChunked;
  std::string header;   // "name: value\n" each
  std::string trailer;  // the same
  std::string body;
  size_t credit = 0;
  bool ended = false;
  bool aborted = false;
  bool discarded = false;
  bool close = false;
  bool body_clock_stopped = false;
  int done = 0;

 private:
  static void Write(std::string& to, const http::HeaderField& field) {
    to.append(field.name).append(": ").append(field.value).append("\n");
  }
};

class ExchangeFixture : public H2Fixture {
 protected:
  ExchangeFixture() {
    const std::string h2_address = server.address().ToString();
    const std::string text =
        "listeners: [{name: web, address: \"127.0.0.1:8080\", protocols: [h2, http/1.1]}]\n"
        "upstreams:\n  shop: {endpoints: [\"" +
        h2_address +
        "\"], protocol: h2c}\n"
        "  old: {endpoints: [\"" +
        old_server.address().ToString() +
        "\"]}\n"
        "defaults: {retry: none}\n"
        "routes:\n"
        "  - {name: h2, hostnames: [shop.example.com], backends: [{upstream: shop}], maxBodySize: 100,\n"
        "     timeouts: {request: 30s, idle: 20s}}\n"
        "  - {name: h1, hostnames: [old.example.com], backends: [{upstream: old}]}\n"
        "  - {name: dressed, hostnames: [dressed.example.com], backends: [{upstream: shop}], maxBodySize: 4,\n"
        "     timeouts: {request: 30s}, responseHeaders: {set: {strict-transport-security: max-age=1}}}\n"
        "  - {name: nowhere, hostnames: [nowhere.example.com], backends: [{upstream: shop, weight: 0}],\n"
        "     responseHeaders: {set: {strict-transport-security: max-age=1}}}\n"
        "  - {name: own, hostnames: [own.example.com], respond: {status: 401, body: no}}\n"
        "  - {name: page, hostnames: [page.example.com], respond: {status: 200, body: page}}\n";
    const config::LoadedFile file = config::LoadFile("test.yaml", text);
    EXPECT_NE(file.model, nullptr) << text;
    config::DiagnosticList diagnostics;
    std::vector<std::string> warnings;
    auto built = builder_.Build(routing::Compile(*file.model, nullptr, diagnostics), "test", nullptr, warnings);
    EXPECT_TRUE(built.ok()) << built.status();
    snapshot_ = std::make_shared<Snapshot>(**built);
    pin_ = std::make_unique<SnapshotPin>(snapshot_, 0);
    for (const UpstreamRuntime& upstream : snapshot_->upstreams) {
      clusters_.push_back(std::make_unique<Cluster>(worker.context, upstream.shared));
      clusters_.back()->Configure(upstream.policy, nullptr, upstream.series);
      clusters_.back()->SetEndpoints(upstream.endpoints);
      pin_->clusters.push_back(clusters_.back().get());
    }
  }
  ~ExchangeFixture() override {
    EXPECT_EQ(pool_.lent(), 0U) << "an exchange was never finished";
    EXPECT_EQ(pin_->refs, 0U);
  }

  // From now on the only filter of the route with that index, in the order above.
  void PutFilter(size_t route, std::unique_ptr<const Filter> filter) {
    auto chain = std::make_shared<FilterChain>();
    chain->push_back(std::move(filter));
    snapshot_->routes[route].filters = std::move(chain);
  }
  // A POST over HTTP/2 whose body is still to come.
  Exchange& NewRequest(std::string_view host = "shop.example.com") {
    exchange_ = pool_.Take(services_);
    http::RequestHead& head = exchange_->request();
    head.method = http::Method::kPost;
    head.version = http::Version::kHttp2;
    head.authority = head.host = host;
    head.path = head.match_path = "/pkg.Service/Call";
    head.body = {http::BodyKind::kChunked, 0};
    return *exchange_;
  }
  Exchange& NewCall(std::string_view host = "shop.example.com", std::string_view timeout = {}) {
    Exchange& exchange = NewRequest(host);
    exchange.request().is_grpc = true;
    exchange.request().headers.Add(http::HeaderId::kContentType, "application/grpc");
    if (!timeout.empty()) exchange.request().headers.Add(http::HeaderId::kGrpcTimeout, timeout);
    return exchange;
  }
  void Begin(const base::Error& head_error = {}) {
    exchange_->Begin(stream, PinRef(*pin_), 0, worker.clock.Now(), head_error);
  }
  // Begins and turns until the HTTP/2 upstream has the request's head.
  bool Arrive() {
    Begin();
    h2 = AcceptH2();
    return h2 != nullptr && Both(*h2, [&] { return h2->Has(1); });
  }
  bool Turn(const std::function<bool()>& done) { return Both(*h2, done); }
  // What was sent has left.
  void Flushed() { exchange_->OnResponseFlushed(stream.ended); }
  double Metric(std::string_view sample) {
    const std::string text = worker.registry.Scrape(false);
    const size_t at = text.find("\n" + std::string(sample) + " ");
    return at == std::string::npos ? 0 : std::stod(text.substr(at + sample.size() + 2));
  }

  ScriptedUpstream old_server;
  FakeStream stream;

 private:
  net::TicketKeys tickets_;
  SnapshotBuilder builder_{worker.registry, tickets_, 1, worker.clock};
  base::RandomSource random_;
  DateCache date_;
  ExchangePool pool_;
  ExchangeServices services_{.worker = worker.context, .random = random_, .date = date_, .pool = pool_};
  std::vector<std::unique_ptr<Cluster>> clusters_;
  std::shared_ptr<Snapshot> snapshot_;
  std::unique_ptr<SnapshotPin> pin_;

 protected:
  Exchange* exchange_ = nullptr;
};

}  // namespace headgate::proxy
