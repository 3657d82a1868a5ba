#include "tests/integration/h2_peer.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>

namespace headgate::integration {

using http::h2::Stream;

struct H2Peer::Request final : Stream {
  explicit Request(base::SlabPool& pool) : arena(pool), head(arena), trailers_out(arena) {
    arena.Reset();
    ResetStream(arena, http::Method::kGet);
  }
  void Begin(http::Method method) { ResetStream(arena, method); }
  base::Arena arena;
  http::RequestHead head;
  http::HeaderMap trailers_out;
  H2Answer answer;
  bool reading = true;
};

http::h2::SessionConfig H2Peer::DefaultConfig() { return {.role = http::h2::Role::kClient, .head = {}}; }

H2Peer::H2Peer(uint16_t port, const http::h2::SessionConfig& config) {
  descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  const int on = 1;  // else a body waits for the acknowledgement of its head
  EXPECT_EQ(::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
  session_ = std::make_unique<http::h2::Session>(config, nullptr, slabs_, blocks_, now_);
}

H2Peer::~H2Peer() {
  session_.reset();
  ::close(descriptor_);
}

size_t H2Peer::Ask(std::string_view method, std::string_view path, const Headers& headers, bool end,
                   bool connect_protocol) {
  requests_.push_back(std::make_unique<Request>(slabs_));
  Request& request = *requests_.back();
  const auto known = http::ParseMethod(method);
  request.head.method = known.value_or(http::Method::kGet);
  request.Begin(request.head.method);
  request.head.version = http::Version::kHttp2;
  request.head.authority = request.head.host = "a";
  const size_t query = path.find('?');
  request.head.path = request.arena.Copy(path.substr(0, query));
  if (query != std::string_view::npos) {
    request.head.has_query = true;
    request.head.query = request.arena.Copy(path.substr(query + 1));
  }
  for (const auto& [name, value] : headers) {
    const std::string_view kept = request.arena.Copy(name);
    request.head.headers.Add(http::InternHeader(kept), kept, request.arena.Copy(value));
  }
  EXPECT_TRUE(session_->SubmitRequest(request, request.head, http::Scheme::kHttp, base::EndIf(end), connect_protocol));
  Flush();
  return requests_.size() - 1;
}

void H2Peer::Send(size_t request, std::string_view body, bool end) {
  base::Chain data;
  while (!body.empty()) {
    base::SlabRef slab = slabs_.Take();
    const size_t bytes = std::min(body.size(), slab->size());
    std::memcpy(slab->data(), body.data(), bytes);
    const char* at = slab->data();
    data.Append(base::Slice(std::move(slab), at, bytes));
    body.remove_prefix(bytes);
  }
  session_->SendBody(*requests_[request], data, base::EndIf(end));
  Flush();
}

void H2Peer::SendTrailers(size_t request, const Headers& trailers) {
  Request& stream = *requests_[request];
  for (const auto& [name, value] : trailers) {
    const std::string_view kept = stream.arena.Copy(name);
    stream.trailers_out.Add(http::InternHeader(kept), kept, stream.arena.Copy(value));
  }
  session_->SendTrailers(stream, stream.trailers_out);
  Flush();
}

void H2Peer::Reset(size_t request, http::h2::H2Error code) {
  session_->Reset(*requests_[request], code);
  Flush();
}

void H2Peer::SetReading(size_t request, bool reading) {
  requests_[request]->reading = reading;
  if (!reading) return;
  base::Chain data;
  session_->TakeBody(*requests_[request], data, requests_[request]->received());
  for (size_t i = 0; i < data.slices(); ++i) requests_[request]->answer.body.append(data[i].view());
  Flush();
}

const H2Answer& H2Peer::Wait(size_t request, int patience_ms) {
  const H2Answer& answer = requests_[request]->answer;
  Until([&] { return answer.complete || answer.reset || closed_; }, patience_ms);
  return answer;
}

const H2Answer& H2Peer::answer(size_t request) const { return requests_[request]->answer; }

void H2Peer::Turn(int wait_ms) {
  now_ = base::Instant(std::chrono::steady_clock::now().time_since_epoch());
  Flush();
  pollfd wait{.fd = descriptor_, .events = POLLIN, .revents = 0};
  if (closed_ || ::poll(&wait, 1, wait_ms) <= 0) return;
  base::SlabRef slab = slabs_.Take();
  const ssize_t got = ::recv(descriptor_, slab->data(), slab->size(), MSG_DONTWAIT);
  if (got > 0) {
    session_->Feed(slab, {slab->data(), static_cast<size_t>(got)});
  } else {
    closed_ = true;
  }
  TakeNews();
  Flush();
}

void H2Peer::TakeNews() {
  while (Stream* stream = session_->Next()) {
    auto& request = static_cast<Request&>(*stream);
    const Stream::News news = request.news();
    request.ClearNews();
    H2Answer& answer = request.answer;
    while (http::ResponseHead* head = request.TakeResponse()) {
      if (head->status < 200) {
        answer.interim.push_back(head->status);
        continue;
      }
      answer.status = head->status;
      for (const http::HeaderField& field : head->headers.fields()) answer.headers.emplace(field.name, field.value);
      const bool framed = head->body.kind == http::BodyKind::kLength;
      if (framed) answer.headers.emplace("content-length", std::to_string(head->body.length));
      if (head->has_stated_length) answer.headers.emplace("content-length", std::to_string(head->stated_length));
    }
    if (request.reading && request.received() > 0) {
      base::Chain data;
      session_->TakeBody(request, data, request.received());
      for (size_t i = 0; i < data.slices(); ++i) answer.body.append(data[i].view());
    }
    if (request.remote_ended() && request.received() == 0 && !answer.complete && !request.malformed()) {
      answer.complete = true;
      if (request.trailers() != nullptr) {
        for (const http::HeaderField& field : request.trailers()->fields()) {
          answer.trailers.emplace(field.name, field.value);
        }
      }
    }
    answer.stopped = answer.stopped || (news.closed && answer.complete && request.reset_by_peer());
    if (news.closed && !answer.complete) {
      answer.reset = true;
      answer.reset_code = request.reset_code();
    }
  }
}

void H2Peer::Flush() {
  while ((session_->wants_write() || !out_.empty()) && !closed_) {
    session_->Produce(out_, 64 * 1024);
    while (!out_.empty() && !corked_) {
      std::array<iovec, 16> vectors;
      const size_t count = out_.Gather(vectors);
      const ssize_t sent = ::writev(descriptor_, vectors.data(), static_cast<int>(count));
      if (sent <= 0) {
        closed_ = true;
        return out_.Clear();
      }
      out_.Consume(static_cast<size_t>(sent));
    }
    TakeNews();
    if (corked_ || !session_->wants_write()) return;
  }
}

}  // namespace headgate::integration
