#include "http/h2/callbacks.h"

#include <algorithm>
#include <limits>
#include <new>

#include "http/h2/head_writer.h"

namespace headgate::http::h2 {
namespace {

// nghttp2 counts a CONTINUATION again for each piece of its header that arrives alone; FrameWatch counts frames. This
// one is for header blocks that nghttp2 ignores.
constexpr size_t kContinuationPiecesMax = kContinuationFramesMax * 10;
constexpr size_t kSettingsEntriesMax = 32;
// What a head of kUpstreamHeadBytesMax may take in nghttp2's estimate.
constexpr size_t kSentBlockBytesMax = 256 * 1024;

base::BlockPool& Pool(void* user) { return *static_cast<base::BlockPool*>(user); }

}  // namespace

nghttp2_option* Session::Callbacks::MakeOptions() {
  nghttp2_option* options = nullptr;
  if (nghttp2_option_new(&options) != 0) throw std::bad_alloc();
  nghttp2_option_set_no_http_messaging(options, 1);  // http/framing judges messages, whatever codec they came from
  nghttp2_option_set_no_auto_window_update(options, 1);
  nghttp2_option_set_no_closed_streams(options, 1);
  nghttp2_option_set_max_settings(options, kSettingsEntriesMax);
  nghttp2_option_set_max_continuations(options, kContinuationPiecesMax);
  nghttp2_option_set_max_send_header_block_length(options, kSentBlockBytesMax);
  // AbuseGuard counts resets, and knows which of them concern requests that were answered.
  nghttp2_option_set_stream_reset_rate_limit(options, std::numeric_limits<uint32_t>::max(), 1'000'000);
  // PRIORITY_UPDATE stays unknown to nghttp2: 1.52 leaves the streams that it makes for it in its list of idle ones
  // after they were opened and freed.
  return options;
}

void Session::Callbacks::SetReceiving(nghttp2_session_callbacks* table) {
  nghttp2_session_callbacks_set_on_begin_frame_callback(table, OnBeginFrame);
  nghttp2_session_callbacks_set_on_begin_headers_callback(table, OnBeginHeaders);
  nghttp2_session_callbacks_set_on_header_callback2(table, OnHeader);
  nghttp2_session_callbacks_set_on_frame_recv_callback(table, OnFrame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table, OnData);
  nghttp2_session_callbacks_set_on_stream_close_callback(table, OnClose);
}

void Session::Callbacks::SetSending(nghttp2_session_callbacks* table) {
  nghttp2_session_callbacks_set_on_frame_send_callback(table, OnSent);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(table, OnNotSent);
  nghttp2_session_callbacks_set_send_data_callback(table, SendBody);
}

nghttp2_session_callbacks* Session::Callbacks::MakeTable() {
  nghttp2_session_callbacks* table = nullptr;
  if (nghttp2_session_callbacks_new(&table) != 0) throw std::bad_alloc();
  SetReceiving(table);
  SetSending(table);
  return table;
}

nghttp2_mem Session::Callbacks::MemoryOf(base::BlockPool& blocks) {
  return {.mem_user_data = &blocks,
          .malloc = [](size_t bytes, void* user) { return Pool(user).Take(bytes); },
          .free = [](void* block, void* user) { Pool(user).Return(block); },
          .calloc = [](size_t count, size_t bytes, void* user) { return Pool(user).TakeZeroed(count, bytes); },
          .realloc = [](void* block, size_t bytes, void* user) { return Pool(user).Resize(block, bytes); }};
}

nghttp2_session* Session::Callbacks::NewSession(Session& session, Role role, base::BlockPool& blocks) {
  static const nghttp2_session_callbacks* const table = MakeTable();
  static const nghttp2_option* const options = MakeOptions();
  nghttp2_mem memory = MemoryOf(blocks);  // copied
  nghttp2_session* made = nullptr;
  const int result = role == Role::kServer ? nghttp2_session_server_new3(&made, table, &session, options, &memory)
                                           : nghttp2_session_client_new3(&made, table, &session, options, &memory);
  if (result != 0) throw std::bad_alloc();
  return made;
}

nghttp2_data_provider Session::Callbacks::Body() {
  nghttp2_data_provider provider{};
  provider.read_callback = ReadBody;
  return provider;
}

int Session::Callbacks::OnBeginFrame(nghttp2_session*, const nghttp2_frame_hd* header, void* user) {
  if (header->type == NGHTTP2_SETTINGS) Self(user).OnBeginSettings();
  return 0;
}

int Session::Callbacks::OnBeginHeaders(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  Session& self = Self(user);
  if (self.ended_) return 0;
  if (frame->hd.type == NGHTTP2_HEADERS) {
    self.OnBeginHeaders(frame->hd.stream_id, frame->headers.cat == NGHTTP2_HCAT_REQUEST);
  }
  return 0;
}

int Session::Callbacks::OnHeader(nghttp2_session*, const nghttp2_frame*, nghttp2_rcbuf* name, nghttp2_rcbuf* value,
                                 uint8_t, void* user) {
  Session& self = Self(user);
  if (!self.ended_ && !self.reader_.OnField(name, value)) self.EndForAbuse(Abuse::kContinuation);
  return 0;
}

int Session::Callbacks::OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  Session& self = Self(user);
  if (self.ended_) return 0;
  const int32_t id = frame->hd.stream_id;
  const bool end_stream = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  const bool ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
  Stream* stream = id == 0 ? nullptr : self.Find(id);
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
      if (stream != nullptr) self.OnHeaders(*stream, end_stream, frame->hd.length);
      break;
    case NGHTTP2_DATA:
      if (stream != nullptr && end_stream) self.OnRemoteEnd(*stream);
      if (stream != nullptr && !end_stream) self.OnDataFrame(*stream, frame->hd.length);
      break;
    case NGHTTP2_RST_STREAM:
      if (stream != nullptr) self.OnRemoteReset(*stream, static_cast<H2Error>(frame->rst_stream.error_code));
      break;
    case NGHTTP2_SETTINGS:
      self.OnSettings(ack);
      break;
    case NGHTTP2_PING:
      if (ack) self.ping_acknowledged_ = true;
      break;
    case NGHTTP2_GOAWAY:
      self.OnGoaway(frame->goaway.last_stream_id);
      break;
    default:
      break;
  }
  return 0;
}

int Session::Callbacks::OnData(nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size, void* user) {
  Session& self = Self(user);
  if (!self.ended_) self.OnData(self.Find(id), {reinterpret_cast<const char*>(data), size});
  return 0;
}

int Session::Callbacks::OnClose(nghttp2_session*, int32_t id, uint32_t code, void* user) {
  Session& self = Self(user);
  Stream* stream = self.Find(id);
  if (stream != nullptr) self.Close(*stream, static_cast<H2Error>(code));
  return 0;
}

int Session::Callbacks::OnSent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  Session& self = Self(user);
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
      self.OnMessageFrameSent(frame->hd.stream_id, (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0, false);
      break;
    case NGHTTP2_DATA:
      self.OnMessageFrameSent(frame->hd.stream_id, (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0,
                              frame->hd.length < kSmallWindowUpdateBytes);
      break;
    case NGHTTP2_RST_STREAM:
      self.OnResetSent(frame->hd.stream_id, static_cast<H2Error>(frame->rst_stream.error_code));
      break;
    case NGHTTP2_GOAWAY:
      self.OnGoawaySent(static_cast<H2Error>(frame->goaway.error_code));
      break;
    default:
      break;
  }
  return 0;
}

int Session::Callbacks::OnNotSent(nghttp2_session*, const nghttp2_frame* frame, int, void* user) {
  const bool message = frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat != NGHTTP2_HCAT_REQUEST;
  if (message || frame->hd.type == NGHTTP2_RST_STREAM) Self(user).OnNotSent(frame->hd.stream_id, !message);
  return 0;
}

ssize_t Session::Callbacks::ReadBody(nghttp2_session* session, int32_t id, uint8_t*, size_t size, uint32_t* flags,
                                     nghttp2_data_source*, void* user) {
  Session& self = Self(user);
  if (self.control_only_ || self.output_->size() >= self.output_max_) return NGHTTP2_ERR_PAUSE;
  Stream* stream = self.Find(id);
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  const size_t bytes = std::min(size, stream->out_.size());
  const bool last = bytes == stream->out_.size() && stream->out_end_ && !stream->hold_end_;
  if (bytes == 0 && !last) {
    stream->deferred_ = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (!last) return static_cast<ssize_t>(bytes);
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (stream->out_trailers_ != nullptr) {
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    const auto fields = self.writer_->Trailers(*stream->out_trailers_);
    nghttp2_submit_trailer(session, id, fields.data(), fields.size());
  }
  return static_cast<ssize_t>(bytes);
}

int Session::Callbacks::SendBody(nghttp2_session*, nghttp2_frame* frame, const uint8_t* header, size_t size,
                                 nghttp2_data_source*, void* user) {
  constexpr size_t kFrameHeaderBytes = 9;
  Session& self = Self(user);
  self.Emit({reinterpret_cast<const char*>(header), kFrameHeaderBytes});
  Stream* stream = self.Find(frame->hd.stream_id);
  if (stream != nullptr) self.EmitBody(*stream, size);
  return self.output_->size() >= self.output_max_ ? NGHTTP2_ERR_PAUSE : 0;
}

}  // namespace headgate::http::h2
