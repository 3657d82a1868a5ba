#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <limits>
#include <span>

#include "http/h2/session.h"

namespace headgate::http::h2 {
namespace {

// Siblings share the connection by turns; what the client thinks of it is ignored (RFC 9218 lets us).
void ShareFairly(nghttp2_session* session, int32_t id) {
  const nghttp2_extpri priority = {NGHTTP2_EXTPRI_DEFAULT_URGENCY, 1};
  nghttp2_session_change_extpri_stream_priority(session, id, &priority, 1);
}

}  // namespace

bool Session::Feed(const base::SlabRef& owner, std::string_view bytes) {
  if (ended_) return false;
  received_ += bytes.size();
  const std::span<char> writable(const_cast<char*>(bytes.data()), bytes.size());  // it lies in a slab
  const std::optional<FrameWatch::Finding> finding = watch_.Scan(writable, guard_, now_);
  input_ = &owner;
  Receive(finding.has_value() ? bytes.substr(0, finding->good) : bytes);
  input_ = nullptr;
  if (finding.has_value()) {
    if (finding->abuse.has_value()) EndForAbuse(*finding->abuse);
    End(finding->error, nghttp2_http2_strerror(static_cast<uint32_t>(finding->error)));
  }
  FlushControl();
  if (ended_) CloseAll(end_code_);
  return !ended_;
}

void Session::Receive(std::string_view bytes) {
  if (in_settings_) OnBeginSettings();  // our own frames came and went since the last read
  const ssize_t taken =
      nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (taken == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS) EndForAbuse(Abuse::kContinuation);
  if (taken < 0) End(H2Error::kProtocolError, nghttp2_strerror(static_cast<int>(taken)));
}

void Session::OnBeginHeaders(int32_t id, bool request) {
  if (request && config_.role == Role::kServer) return OnBeginRequest(id);
  Stream* stream = Find(id);
  if (stream == nullptr || stream->reset_by_us_) return reader_.Begin(HeadReader::Kind::kDropped, nullptr, 0);
  const auto kind = stream->final_head_ ? HeadReader::Kind::kTrailers : HeadReader::Kind::kResponse;
  reader_.Begin(kind, stream, std::numeric_limits<size_t>::max());
}

void Session::OnBeginRequest(int32_t id) {
  const bool room = streams_ < config_.streams_max;
  Stream* stream = room ? source_->NewStream(id) : nullptr;
  if (stream == nullptr) {
    ++refused_;
    reader_.Begin(HeadReader::Kind::kDropped, nullptr, 0);
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
    // A client that has not seen our limit, or whose cancelled requests still keep us busy, may be sane.
    return Count(room || !settings_acknowledged_ ? Abuse::kResets : Abuse::kProvokedResets);
  }
  Open(*stream, id);
  nghttp2_session_set_stream_user_data(session_, id, stream);
  ShareFairly(session_, id);
  const uint64_t shares = std::max<uint64_t>(1, config_.streams_max / kStreamsPerHeadBase);
  const uint64_t allowed = kHeadBytesBase * shares + kHeadBytesPerWireByte * received_;
  reader_.Begin(HeadReader::Kind::kRequest, stream, allowed > heads_ ? allowed - heads_ : 0);
}

void Session::OnHeaders(Stream& stream, bool end_stream, size_t block_bytes) {
  const HeadReader::Kind kind = reader_.kind();
  if (kind == HeadReader::Kind::kDropped) return;
  const HeadReader::Verdict verdict = reader_.Finish(end_stream, block_bytes);
  stream.head_bytes_ += reader_.charged();
  heads_ += reader_.charged();
  if (verdict.outcome == HeadReader::Outcome::kRefused) {
    SubmitReset(stream, H2Error::kRefusedStream);
    ++refused_;
    return Count(Abuse::kHeaderBomb);
  }
  const bool trailers = kind == HeadReader::Kind::kTrailers;
  if (verdict.outcome == HeadReader::Outcome::kMalformed) return FailMessage(stream, verdict.error, trailers);
  if (trailers) return OnRemoteEnd(stream);
  stream.head_error_ = verdict.error;
  if (config_.role == Role::kServer) {
    stream.final_head_ = true;
    stream.news_.head = true;
  } else {
    stream.news_.heads = true;
  }
  Tell(stream);
  // What END_STREAM means to content-length was judged with the head.
  if (!end_stream) return;
  stream.remote_ended_ = true;
  stream.news_.body = true;
}

// The peer's message is malformed (RFC 9113 8.1.1). `body`: its head was good.
void Session::FailMessage(Stream& stream, const base::Error& error, bool body) {
  stream.malformed_ = true;
  (body ? stream.body_error_ : stream.head_error_) = error;
  if (!body && config_.role == Role::kServer) {
    stream.news_.head = true;
    Tell(stream);
  }
  SubmitReset(stream, H2Error::kProtocolError);
  CountProvokedReset();
}

void Session::FailBody(Stream& stream, const char* detail) {
  const bool client = config_.role == Role::kServer;
  const auto code = client ? base::ErrorCode::kBadRequest : base::ErrorCode::kUpstreamProtocol;
  const auto side = client ? base::Side::kClient : base::Side::kUpstream;
  FailMessage(stream, {code, side, base::Retry::kNever, detail}, stream.final_head_);
}

void Session::OnData(Stream* stream, std::string_view data) {
  // RST_STREAM is on its way, but a frame is looked at to its end.
  if (stream == nullptr || stream->reset_by_us_) {
    nghttp2_session_consume_connection(session_, data.size());
    return;
  }
  stream->body_received_ += data.size();
  const bool early = !stream->final_head_;
  const bool excess = stream->has_length_ && stream->body_received_ > stream->body_expected_;
  if (early || excess) {
    nghttp2_session_consume_connection(session_, data.size());
    return FailBody(*stream, early ? "DATA before a head" : "more DATA than content-length announced");
  }
  if (stream->discard_) {
    nghttp2_session_consume(session_, stream->id_, data.size());
  } else {
    Hold(*stream, data);
  }
  stream->news_.body = true;
  Tell(*stream);
}

// Messages of gRPC and WebSocket are as small as they are, and their number is no sign of abuse.
void Session::OnDataFrame(const Stream& stream, size_t length) noexcept {
  if (length >= kSmallDataBytes || stream.request == nullptr) return;
  if (stream.request->is_grpc || stream.request->wants_websocket) guard_.Forgive(Abuse::kSmallData, 1);
}

void Session::OnRemoteEnd(Stream& stream) {
  if (stream.reset_by_us_) return;
  if (!stream.final_head_) return FailBody(stream, "an end before a head");
  if (stream.has_length_ && stream.body_received_ != stream.body_expected_) {
    return FailBody(stream, "less DATA than content-length announced");
  }
  stream.remote_ended_ = true;
  stream.news_.body = true;
  Tell(stream);
}

// nghttp2 closes the stream next.
void Session::OnRemoteReset(Stream& stream, H2Error code) {
  stream.reset_by_peer_ = true;
  stream.reset_code_ = code;
  const bool answered = stream.local_ended_ || stream.only_end_held();
  if (!answered && config_.role == Role::kServer) Count(Abuse::kResets);
}

void Session::OnBeginSettings() noexcept {
  in_settings_ = true;
  frames_before_settings_ = nghttp2_session_get_outbound_queue_size(session_);
}

void Session::OnSettings(bool ack) {
  in_settings_ = false;
  if (ack) {
    settings_acknowledged_ = true;
    return;
  }
  settings_received_ = true;
  // Besides its acknowledgement nghttp2 answers SETTINGS with a reset of each stream whose window they overflow, where
  // RFC 9113 6.9.2 asks for the end of the connection.
  const bool overflow = nghttp2_session_get_outbound_queue_size(session_) > frames_before_settings_ + 1;
  if (overflow) End(H2Error::kFlowControlError, "SETTINGS that overflow a stream's window");
}

// nghttp2 closes the streams above `last_id` that it has sent already; those that wait in its queue are up to us.
void Session::OnGoaway(int32_t last_id) {
  goaway_received_ = true;
  if (config_.role == Role::kServer) return;
  open_.ForEach([&](Stream::Link& link) {
    const bool waiting = nghttp2_session_find_stream(session_, link.stream.id_) == nullptr;
    if (link.stream.id_ <= last_id || !waiting) return;
    SubmitReset(link.stream, H2Error::kRefusedStream);
    link.stream.reset_by_us_ = false;
    Close(link.stream, H2Error::kRefusedStream);
  });
}

}  // namespace headgate::http::h2
