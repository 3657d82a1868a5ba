#include "tests/proxy/upstream/upstream_fixture.h"

namespace headgate::proxy {

TestWorker::TestWorker()
    : shard(registry.AddShard()),
      context{.reactor = reactor,
              .mailbox = mailbox,
              .slabs = slabs,
              .blocks = blocks,
              .timers = timers,
              .rng = rng,
              .graveyard = graveyard,
              .shard = shard,
              .series = registry.Process(),
              .process = process,
              .clock = clock,
              .now = clock.Now()} {}

TestWorker::~TestWorker() { graveyard.Empty(); }

void TestWorker::BeginTurn(base::Instant now, base::Duration /*late*/) {
  context.now = now;
  mailbox.Drain();
  timers.Advance(now);
}

bool TestWorker::Until(const std::function<bool()>& done) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!done() && std::chrono::steady_clock::now() < give_up) reactor.Turn(std::chrono::milliseconds(5));
  return done();
}

void TestWorker::Settle() {
  for (int i = 0; i < 5; ++i) reactor.Turn(base::Duration::zero());
}

void TestWorker::Advance(base::Duration by) {
  clock.Advance(by);
  Settle();
}

TestRequest::TestRequest(TestWorker& on, Cluster& to, http::Method method)
    : worker(on), cluster(to), arena(on.slabs), head(arena), attempt(*this, arena) {
  head.method = attempt.method = method;
  head.authority = "shop.example.com";
  head.path = "/";
}

TestRequest::~TestRequest() {
  if (attempt.waiting_in != nullptr) cluster.Abandon(attempt);
  Release();
}

TestRequest& TestRequest::Begin() {
  calling_ = true;
  base::Result<UpstreamStream*> begun = cluster.Begin(attempt);
  calling_ = false;
  if (!begun.ok()) {
    refused = begun.error();
    return *this;
  }
  waited = begun.value() == nullptr;
  if (!waited) OnConnected(*begun.value());
  return *this;
}

void TestRequest::OnConnected(UpstreamStream& connected) {
  EXPECT_FALSE(calling_);
  stream = &connected;
  Grant(credit);
  if (on_connected) return on_connected();
  SendHead();
}

void TestRequest::SendHead() {
  calling_ = true;
  stream->SendHead(head, base::EndIf(!has_body), upgrade);
  calling_ = false;
}

void TestRequest::SendBody(std::string_view text, bool end) {
  base::Chain data;
  while (!text.empty()) {
    base::SlabRef slab = worker.slabs.Take();
    const size_t bytes = std::min(text.size(), slab->size());
    std::memcpy(slab->data(), text.data(), bytes);
    const char* at = slab->data();
    data.Append(base::Slice(std::move(slab), at, bytes));
    text.remove_prefix(bytes);
  }
  calling_ = true;
  stream->SendBody(data, base::EndIf(end));
  calling_ = false;
  EXPECT_TRUE(data.empty());
}

void TestRequest::Grant(size_t bytes) {
  granted_ = bytes;
  calling_ = true;
  stream->SetResponseCredit(bytes);
  calling_ = false;
}

void TestRequest::Release() {
  if (stream == nullptr) return;
  calling_ = true;
  std::exchange(stream, nullptr)->Release();
  calling_ = false;
}

void TestRequest::Over() {
  if (auto_release) Release();
}

void TestRequest::OnAttemptFailed(const base::Error& failure) {
  EXPECT_FALSE(calling_);
  EXPECT_FALSE(over());
  error = failure;
  Over();
}

void TestRequest::OnInterimResponse(http::ResponseHead& response) {
  EXPECT_FALSE(calling_);
  EXPECT_FALSE(over());
  interims.push_back(response.status);
}

void TestRequest::OnResponseHead(http::ResponseHead& response, base::End end) {
  EXPECT_FALSE(calling_);
  EXPECT_FALSE(over());
  EXPECT_EQ(status, 0);
  status = response.status;
  response_framing = response.body;
  if (response.headers.size() > 0) {
    const http::HeaderField& field = response.headers.fields()[0];
    first_header = std::string(field.name) + ": " + std::string(field.value);
  }
  if (on_head) on_head();
  if (end == base::End::kNo) return;
  ended = true;
  Over();
}

void TestRequest::OnResponseBody(base::Chain& data, base::End end, const http::HeaderMap* trailers) {
  EXPECT_FALSE(calling_);
  EXPECT_FALSE(over());
  EXPECT_NE(status, 0);
  EXPECT_LE(data.size(), granted_);
  EXPECT_TRUE(end == base::End::kYes || !data.empty());
  granted_ -= data.size();
  for (size_t i = 0; i < data.slices(); ++i) body += data[i].view();
  if (trailers != nullptr) {
    const http::HeaderField& field = trailers->fields()[0];
    trailer = std::string(field.name) + ": " + std::string(field.value);
  }
  if (end == base::End::kNo) return;
  ended = true;
  Over();
}

void TestRequest::OnRequestFlushed() {
  EXPECT_FALSE(calling_);
  ++flushes;
}

UpstreamFixture::UpstreamFixture() {
  policy.name = "shop";
  cluster = std::make_unique<Cluster>(worker.context, shared);
  Configure();
  SetEndpoints({server.address()});
}

UpstreamFixture::~UpstreamFixture() {
  cluster.reset();
  worker.graveyard.Empty();
}

void UpstreamFixture::Configure() {
  cluster->Configure(std::make_shared<routing::UpstreamPolicy>(policy), nullptr, series);
}

void UpstreamFixture::SetEndpoints(const std::vector<base::SocketAddress>& addresses) {
  std::vector<std::pair<base::SocketAddress, uint32_t>> weighted;
  for (const base::SocketAddress& address : addresses) weighted.emplace_back(address, 1);
  endpoints = MakeEndpointSet(weighted, endpoints.get());
  cluster->SetEndpoints(endpoints);
}

std::unique_ptr<TestRequest> UpstreamFixture::Request(http::Method method) {
  return std::make_unique<TestRequest>(worker, *cluster, method);
}

std::unique_ptr<ScriptedPeer> UpstreamFixture::WarmUp() {
  const auto request = Request();
  request->Begin();
  EXPECT_TRUE(worker.Until([&] { return request->stream != nullptr || request->over(); }));
  std::unique_ptr<ScriptedPeer> accepted = server.Accept();
  EXPECT_NE(accepted->ReceiveUntil("\r\n\r\n"), "");
  accepted->Send(kOk);
  EXPECT_TRUE(worker.Until([&] { return request->over(); }));
  EXPECT_EQ(request->body, "ok");
  return accepted;
}

std::unique_ptr<TestRequest> UpstreamFixture::Answer(std::string_view response, bool then_close, http::Method method) {
  auto request = Request(method);
  request->Begin();
  EXPECT_TRUE(worker.Until([&] { return request->stream != nullptr || request->over(); }));
  if (!peer || request->waited) peer = server.Accept();
  EXPECT_NE(peer->ReceiveUntil("\r\n\r\n"), "");
  peer->Send(response);
  if (then_close) peer->EndSide();
  EXPECT_TRUE(worker.Until([&] { return request->over(); }));
  return request;
}

int64_t UpstreamFixture::Gauge(metrics::ConnectionState state) const {
  return worker.registry.Read(series->connections[metrics::Index(state)]);
}

uint64_t UpstreamFixture::Connects(metrics::ConnectResult result) const {
  return worker.registry.Read(series->connects[metrics::Index(result)]);
}

}  // namespace headgate::proxy
