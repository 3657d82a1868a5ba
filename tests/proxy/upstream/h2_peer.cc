#include "tests/proxy/upstream/h2_peer.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

namespace headgate::proxy {

std::string H2PeerStream::Field(std::string_view name) const {
  for (const http::HeaderField& field : head.headers.fields()) {
    if (field.name == name) return std::string(field.value);
  }
  return {};
}

H2Peer::H2Peer(std::unique_ptr<ScriptedPeer> accepted, uint32_t streams_max) : socket_(std::move(accepted)) {
  http::h2::SessionConfig config;
  config.streams_max = streams_max;
  session_ = std::make_unique<http::h2::Session>(config, this, slabs_, blocks_, now_);
}

H2Peer::~H2Peer() {
  streams.clear();
  session_.reset();
}

http::h2::Stream* H2Peer::NewStream(int32_t) {
  if (refuse) return nullptr;
  streams.push_back(std::make_unique<H2PeerStream>(slabs_));
  return streams.back().get();
}

void H2Peer::Pump() {
  pollfd entry{socket_->descriptor(), POLLIN, 0};
  while (!at_end && ::poll(&entry, 1, 0) > 0) {
    base::SlabRef slab = slabs_.Take();
    const ssize_t count = ::recvfrom(socket_->descriptor(), slab->data(), slab->size(), 0, nullptr, nullptr);
    at_end = count <= 0;
    constexpr std::string_view kPing("\0\0\x08\x06\0\0\0\0\0", 9);
    if (count > 0 && std::string_view(slab->data(), static_cast<size_t>(count)).starts_with(kPing)) ++pings;
    if (!at_end) session_->Feed(slab, {slab->data(), static_cast<size_t>(count)});
  }
  while (http::h2::Stream* next = session_->Next()) {
    auto& stream = *static_cast<H2PeerStream*>(next);
    stream.has_head = stream.has_head || stream.news().head;
    stream.gone = stream.closed();
    if (stream.reset_by_peer()) stream.reset = stream.reset_code();
    stream.ClearNews();
    if (hold_bodies) continue;
    base::Chain data;
    session_->TakeBody(stream, data, stream.received());
    for (size_t i = 0; i < data.slices(); ++i) stream.body += data[i].view();
    stream.ended = stream.remote_ended();
    if (stream.trailers() == nullptr || stream.trailers()->size() == 0) continue;
    const http::HeaderField& field = stream.trailers()->fields()[0];
    stream.trailer = std::string(field.name) + ": " + std::string(field.value);
  }
  Flush();
}

void H2Peer::Flush() {
  base::Chain output;
  while (!silent && !at_end && session_->wants_write()) {
    session_->Produce(output, 64 * 1024);
    if (output.empty()) return;
    for (size_t i = 0; i < output.slices(); ++i) Send(output[i].view());
    output.Clear();
  }
}

// The proxy may have ended the connection meanwhile.
void H2Peer::Send(std::string_view bytes) {
  while (!bytes.empty() && !at_end) {
    const ssize_t count = ::sendto(socket_->descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL, nullptr, 0);
    at_end = count <= 0;
    if (!at_end) bytes.remove_prefix(static_cast<size_t>(count));
  }
}

void H2Peer::Head(size_t index, uint16_t status, bool end, std::string_view name, std::string_view value) {
  H2PeerStream& stream = *streams[index];
  http::ResponseHead head(stream.arena);
  head.status = status;
  if (!name.empty()) head.headers.Add(http::InternHeader(name), name, value);
  stream.answered = true;
  session_->SubmitResponse(stream, head, {}, base::EndIf(end));
  Flush();
}

void H2Peer::Interim(size_t index, uint16_t status) {
  H2PeerStream& stream = *streams[index];
  http::ResponseHead head(stream.arena);
  head.status = status;
  session_->SubmitInterim(stream, head);
  Flush();
}

void H2Peer::Body(size_t index, std::string_view text, bool end) {
  base::Chain data;
  data.Append(base::Slice::Unowned(text));
  session_->SendBody(*streams[index], data, base::EndIf(end));
  Flush();
}

void H2Peer::Trailer(size_t index, std::string_view name, std::string_view value) {
  H2PeerStream& stream = *streams[index];
  void* place = stream.arena.Allocate(sizeof(http::HeaderMap), alignof(http::HeaderMap));
  auto* trailers = new (place) http::HeaderMap(stream.arena);
  trailers->Add(http::InternHeader(name), name, value);
  session_->SendTrailers(stream, *trailers);
  Flush();
}

void H2Peer::Answer(size_t index, std::string_view text) {
  Head(index, 200, false);
  Body(index, text, true);
}

void H2Peer::Reset(size_t index, http::h2::H2Error code) {
  session_->Reset(*streams[index], code);
  Flush();
}

void H2Peer::Raw(uint8_t type, uint8_t flags, uint32_t id, std::string_view payload) {
  const auto byte = [](size_t value) { return static_cast<char>(value & 0xffu); };
  std::string frame = {byte(payload.size() >> 16u),
                       byte(payload.size() >> 8u),
                       byte(payload.size()),
                       byte(type),
                       byte(flags),
                       byte(id >> 24u),
                       byte(id >> 16u),
                       byte(id >> 8u),
                       byte(id)};
  frame += payload;
  Send(frame);
}

void H2Peer::Goaway(uint32_t last_id) {
  const std::string payload = {0, 0, 0, static_cast<char>(last_id), 0, 0, 0, 0};
  Raw(0x7, 0, 0, payload);
}

}  // namespace headgate::proxy
