#include <nghttp2/nghttp2.h>

#include "base/check.h"
#include "http/h2/callbacks.h"
#include "http/h2/head_writer.h"
#include "http/h2/session.h"

namespace headgate::http::h2 {

bool Session::SubmitRequest(Stream& stream, const RequestHead& head, Scheme scheme, base::End end,
                            bool connect_protocol) {
  HG_CHECK(config_.role == Role::kClient);
  if (ended_ || goaway_received_) return false;
  const auto fields = writer_->Request(head, scheme, connect_protocol);
  const nghttp2_data_provider body = Callbacks::Body();
  const int32_t id = nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(),
                                            end == base::End::kYes ? nullptr : &body, &stream);
  if (id < 0) return false;
  stream.out_end_ = end == base::End::kYes;
  Open(stream, id);
  return true;
}

void Session::SubmitInterim(Stream& stream, const ResponseHead& head) {
  if (stream.closed_) return;
  const auto fields = writer_->Response(head, {});
  nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id_, nullptr, fields.data(), fields.size(), nullptr);
}

void Session::SubmitResponse(Stream& stream, const ResponseHead& head, std::string_view date, base::End end) {
  if (stream.closed_) return;
  const auto fields = writer_->Response(head, date);
  const nghttp2_data_provider body = Callbacks::Body();
  const bool end_with_head = end == base::End::kYes && !stream.hold_end_;
  stream.out_end_ = end == base::End::kYes;
  nghttp2_submit_response(session_, stream.id_, fields.data(), fields.size(), end_with_head ? nullptr : &body);
}

void Session::SendBody(Stream& stream, base::Chain& data, base::End end) {
  if (stream.closed_ || stream.out_end_) return data.Clear();
  stream.out_.Append(data);
  stream.out_end_ = end == base::End::kYes;
  if (end == base::End::kYes || !stream.out_.empty()) Resume(stream);
}

void Session::SendTrailers(Stream& stream, const HeaderMap& trailers) {
  if (stream.closed_ || stream.out_end_) return;
  if (trailers.size() > 0) stream.out_trailers_ = &trailers;
  stream.out_end_ = true;
  Resume(stream);
}

void Session::ReleaseEnd(Stream& stream, bool reset) {
  if (stream.closed_ || stream.reset_by_us_) return;
  stream.hold_end_ = false;
  stream.reset_after_end_ = reset;
  if (reset && stream.local_ended_) return SubmitReset(stream, H2Error::kNoError);
  if (stream.out_end_) Resume(stream);
}

void Session::Resume(Stream& stream) {
  if (!stream.deferred_) return;
  stream.deferred_ = false;
  nghttp2_session_resume_data(session_, stream.id_);
}

void Session::Reset(Stream& stream, H2Error code) {
  if (stream.closed_) return;
  SubmitReset(stream, code);
  // A request that waits for the peer's limit is in no frame, and its RST_STREAM will be in none.
  const bool waiting = nghttp2_session_find_stream(session_, stream.id_) == nullptr;
  if (waiting || ended_) Close(stream, code);
}

void Session::SubmitShutdownNotice() { nghttp2_submit_shutdown_notice(session_); }

void Session::SubmitFinalGoaway(H2Error code) {
  if (ended_) return;
  goaway_submitted_ = true;
  const int32_t last = nghttp2_session_get_last_proc_stream_id(session_);
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, last, static_cast<uint32_t>(code), nullptr, 0);
}

void Session::SubmitPing() {
  ping_acknowledged_ = false;
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
}

}  // namespace headgate::http::h2
