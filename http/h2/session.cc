#include "http/h2/session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <new>
#include <utility>

#include "base/check.h"
#include "http/h2/callbacks.h"
#include "http/h2/head_writer.h"

namespace headgate::http::h2 {
namespace {

constexpr uint32_t kLeastWindowBytes = 65'535;  // a connection's cannot be announced smaller (RFC 9113 6.9.2)
// What nghttp2 is told instead of streams_max.
constexpr uint32_t kNoStreamLimit = 0x7fffffff;

// What is announced is what is kept.
SessionConfig Bounded(SessionConfig config) noexcept {
  config.head.head_bytes = std::min(config.head.head_bytes, kDecodedHeadBytesMax);
  config.head.field_bytes = std::min(config.head.field_bytes, base::kHttp2FieldBytesMax);
  return config;
}

void SubmitServerSettings(nghttp2_session* session, const SessionConfig& config) {
  // nghttp2 ends the connection over a stream beyond its limit once the SETTINGS are acknowledged. We refuse the stream
  // ourselves, so nghttp2 is told of no limit, and Session writes the true one into the frame.
  const nghttp2_settings_entry entries[] = {
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, config.stream_window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<uint32_t>(config.head.head_bytes)},
      {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kNoStreamLimit},
  };
  if (nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, entries, std::size(entries)) != 0) throw std::bad_alloc();
}

void SubmitClientSettings(nghttp2_session* session, const SessionConfig& config) {
  const nghttp2_settings_entry entries[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, config.stream_window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<uint32_t>(config.head.head_bytes)},
  };
  if (nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, entries, std::size(entries)) != 0) throw std::bad_alloc();
}

}  // namespace

Session::Session(const SessionConfig& config, StreamSource* source, base::SlabPool& slabs, base::BlockPool& blocks,
                 const base::Instant& now)
    : config_(Bounded(config)),
      source_(source),
      slabs_(slabs),
      now_(now),
      window_(std::max(kLeastWindowBytes, std::min(kConnectionWindowBytes, config.held_bytes_max))),
      guard_(config.streams_max),
      watch_(config.role == Role::kServer ? NGHTTP2_CLIENT_MAGIC_LEN : 0),
      reader_(config_.head, config.scheme, slabs),
      writer_(std::make_unique<HeadWriter>()) {
  session_ = Callbacks::NewSession(*this, config.role, blocks);
  if (config.role == Role::kServer) {
    SubmitServerSettings(session_, config_);
  } else {
    SubmitClientSettings(session_, config_);
  }
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, static_cast<int32_t>(window_));
}

Session::~Session() {
  const auto forget = [](Stream::Link& link) {
    link.stream.session_ = nullptr;
    link.stream.closed_ = true;
    link.Unlink();
  };
  open_.ForEach(forget);
  closed_.ForEach(forget);
  nghttp2_session_del(session_);
}

Stream* Session::Find(int32_t id) const noexcept {
  return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session_, id));
}

void Session::Open(Stream& stream, int32_t id) {
  HG_CHECK(stream.session_ == nullptr && stream.closed_);
  stream.id_ = id;
  stream.session_ = this;
  stream.closed_ = false;
  stream.window_ = config_.stream_window;
  windows_ += stream.window_;
  open_.PushBack(stream.link_);
  ++streams_;
}

// What was received stays: the owner may take it as long as the stream lives.
void Session::Close(Stream& stream, H2Error code) noexcept {
  nghttp2_session_set_stream_user_data(session_, stream.id_, nullptr);
  reader_.Drop(stream);
  stream.closed_ = true;
  if (!stream.reset_by_peer_ && !stream.reset_by_us_) {
    stream.reset_code_ = code;
    // Only the peer closes a stream that we did not: nghttp2 does it for those above a GOAWAY's last one.
    stream.reset_by_peer_ = goaway_received_ && code == H2Error::kRefusedStream;
  }
  stream.out_.Clear();
  heads_ -= std::exchange(stream.head_bytes_, 0);
  windows_ -= std::exchange(stream.window_, 0);
  --streams_;
  if (stream.in_.empty()) {
    stream.link_.Unlink();
    stream.session_ = nullptr;
  } else {
    closed_.PushBack(stream.link_);
  }
  stream.news_.closed = true;
  Tell(stream);
}

void Session::CloseAll(H2Error code) noexcept {
  while (!open_.empty()) Close(open_.front()->stream, code);
}

// The stream is about to go, open or not.
void Session::Forget(Stream& stream) noexcept {
  if (!stream.closed_) {
    if (!ended_) SubmitReset(stream, H2Error::kCancel);
    Close(stream, H2Error::kCancel);
    stream.Unlink();
  }
  stream.link_.Unlink();
  stream.session_ = nullptr;
  const size_t bytes = stream.in_.size();
  stream.in_.Clear();
  Release(bytes);
}

// Nothing of the stream is read or written from here on: what its owner gave may go.
void Session::SubmitReset(Stream& stream, H2Error code) {
  reader_.Drop(stream);
  stream.out_.Clear();
  stream.out_trailers_ = nullptr;
  if (!stream.reset_by_us_) {
    stream.reset_by_us_ = true;
    stream.reset_code_ = code;
  }
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id_, static_cast<uint32_t>(code));
}

void Session::Count(Abuse kind) {
  if (!guard_.Allow(kind, now_)) EndForAbuse(kind);
}

// An upstream's broken response is its client's misfortune: the streams of others on the connection live on.
void Session::CountProvokedReset() {
  if (config_.role == Role::kServer) Count(Abuse::kProvokedResets);
}

void Session::EndForAbuse(Abuse kind) {
  if (ended_) return;
  abused_ = true;
  abuse_ = kind;
  End(H2Error::kEnhanceYourCalm, "too much of what should be rare");
}

// GOAWAY, and nothing is taken in any more. The streams close when the caller, who may be nghttp2, is done.
void Session::End(H2Error code, const char* fault) {
  if (ended_) return;
  ended_ = true;
  end_code_ = code;
  fault_ = fault;
  nghttp2_session_terminate_session(session_, static_cast<uint32_t>(code));
}

bool Session::congested() const noexcept {
  return pending_.size() > kOutputBytesMax || nghttp2_session_get_outbound_queue_size(session_) > kOutputFramesMax;
}

uint32_t Session::peer_streams_max() const noexcept {
  return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

bool Session::peer_connect_protocol() const noexcept {
  return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

}  // namespace headgate::http::h2
