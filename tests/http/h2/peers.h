// A client's and a server's session in one process, for the tests of http/h2: bytes go from one to the other by hand.
// On the test's stack.
// One thread.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "base/clock.h"
#include "base/slab.h"
#include "http/h2/session.h"

namespace headgate::http::h2 {

// A stream as an owner has it, with everything that was ever told of it.
struct TestStream : Stream {
  using Stream::ResetStream;

  explicit TestStream(base::SlabPool& pool, Method method = Method::kGet) : arena(pool), head(arena) {
    ResetStream(arena, method);
  }
  std::string received_text() const {
    std::string text;
    for (size_t i = 0; i < taken.slices(); ++i) text += taken[i].view();
    return text;
  }

  base::Arena arena;
  RequestHead head;
  std::vector<ResponseHead*> responses;
  base::Chain taken;
  bool got_head = false;
  bool got_closed = false;
  size_t sent_news = 0;
};

// One end: takes news in, keeps streams.
class Peer : public StreamSource {
 public:
  explicit Peer(const SessionConfig& config) : session(config, this, pool, blocks, now) {}

  Stream* NewStream(int32_t id) override {
    if (refuse_all) return nullptr;
    auto stream = std::make_unique<TestStream>(pool);
    stream->request = &stream->head;
    ++requests_begun;
    return (streams[id] = std::move(stream)).get();
  }

  // Feeds bytes as a socket would give them: in slabs of their own, `piece` bytes at a time.
  bool Feed(std::string_view bytes, size_t piece = base::kSlabBytes) {
    bool alive = !session.ended();
    while (!bytes.empty()) {
      base::SlabRef slab = pool.Take();
      const size_t size = std::min({bytes.size(), piece, base::kSlabBytes});
      std::memcpy(slab->data(), bytes.data(), size);
      alive = session.Feed(slab, {slab->data(), size});
      bytes.remove_prefix(size);
      Look();
      if (!alive) break;
    }
    return alive;
  }

  std::string Produce(size_t bytes_max = 1 << 20) {
    base::Chain out;
    session.Produce(out, bytes_max);
    Look();
    std::string bytes;
    for (size_t i = 0; i < out.slices(); ++i) bytes += out[i].view();
    return bytes;
  }

  void Look() {
    while (Stream* found = session.Next()) {
      auto& stream = static_cast<TestStream&>(*found);
      const Stream::News news = stream.news();
      stream.ClearNews();
      stream.got_head |= news.head;
      stream.got_closed |= news.closed;
      stream.sent_news += news.sent ? 1 : 0;
      while (ResponseHead* response = stream.TakeResponse()) stream.responses.push_back(response);
      if (take_bodies) session.TakeBody(stream, stream.taken, SIZE_MAX);
    }
  }

  TestStream& stream(int32_t id) {
    const auto found = streams.find(id);
    EXPECT_TRUE(found != streams.end()) << "no stream " << id;
    return *found->second;
  }
  bool has(int32_t id) const { return streams.count(id) == 1; }

  // A client's: begins a request; its id.
  int32_t Request(const RequestHead& head, bool end = true, bool connect_protocol = false) {
    auto stream = std::make_unique<TestStream>(pool, head.method);
    if (!session.SubmitRequest(*stream, head, Scheme::kHttp, base::EndIf(end), connect_protocol)) return 0;
    const int32_t id = stream->id();
    streams[id] = std::move(stream);
    return id;
  }
  void SendText(TestStream& stream, std::string_view text, bool end) {
    base::Chain chain;
    while (!text.empty()) {
      base::SlabRef slab = pool.Take();
      const size_t size = std::min(text.size(), base::kSlabBytes);
      std::memcpy(slab->data(), text.data(), size);
      const char* data = slab->data();
      chain.Append(base::Slice(std::move(slab), data, size));
      text.remove_prefix(size);
    }
    session.SendBody(stream, chain, base::EndIf(end));
  }

  base::SlabPool pool;
  base::BlockPool blocks{0};
  base::Instant now{std::chrono::hours(1)};
  std::map<int32_t, std::unique_ptr<TestStream>> streams;
  Session session;
  bool refuse_all = false;
  bool take_bodies = true;
  size_t requests_begun = 0;
};

inline SessionConfig ServerConfig() { return {}; }
inline SessionConfig ClientConfig() {
  SessionConfig config;
  config.role = Role::kClient;
  return config;
}

struct Peers {
  explicit Peers(const SessionConfig& server_config = ServerConfig(),
                 const SessionConfig& client_config = ClientConfig())
      : server(server_config), client(client_config), arena(pool) {
    Exchange();
  }
  // Until neither has anything to say.
  void Exchange(size_t piece = base::kSlabBytes) {
    for (int rounds = 0; rounds < 10'000; ++rounds) {
      const std::string from_client = client.Produce();
      server.Feed(from_client, piece);
      const std::string from_server = server.Produce();
      client.Feed(from_server, piece);
      bytes_from_client += from_client.size();
      bytes_from_server += from_server.size();
      if (from_client.empty() && from_server.empty()) return;
    }
    ADD_FAILURE() << "the peers never stop talking";
  }
  // A request head for "GET /path" on example.com.
  std::unique_ptr<RequestHead> Get(std::string_view path = "/path") {
    auto head = std::make_unique<RequestHead>(arena);
    head->authority = "example.com";
    head->path = path;
    return head;
  }
  std::unique_ptr<RequestHead> Post(std::string_view path = "/path") {
    auto head = Get(path);
    head->method = Method::kPost;
    head->body = {BodyKind::kChunked, 0};
    return head;
  }
  std::unique_ptr<ResponseHead> Ok() {
    auto head = std::make_unique<ResponseHead>(arena);
    head->status = 200;
    return head;
  }

  base::SlabPool pool;
  Peer server;
  Peer client;
  base::Arena arena;
  size_t bytes_from_client = 0;
  size_t bytes_from_server = 0;
};

}  // namespace headgate::http::h2
