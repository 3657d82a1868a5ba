#include "http/h2/stream.h"

#include <nghttp2/nghttp2.h>

#include "base/check.h"
#include "http/h2/session.h"

namespace headgate::http::h2 {

Stream::~Stream() { LeaveSession(); }

void Stream::LeaveSession() noexcept {
  if (session_ != nullptr) session_->Forget(*this);
  for (nghttp2_rcbuf* text : shared_) nghttp2_rcbuf_decref(text);
  shared_.clear();
}

ResponseHead* Stream::TakeResponse() noexcept {
  if (responses_ == nullptr) return nullptr;
  PendingResponse* first = responses_;
  responses_ = first->next;
  return &first->head;
}

void Stream::ResetStream(base::Arena& arena, Method method) noexcept {
  HG_CHECK(closed_);
  LeaveSession();
  Unlink();
  news_ = {};
  id_ = 0;
  arena_ = &arena;
  method_ = method;
  in_.Clear();
  head_error_ = body_error_ = {};
  trailers_ = nullptr;
  responses_ = nullptr;
  interims_ = 0;
  body_expected_ = body_received_ = 0;
  head_bytes_ = 0;
  window_ = 0;
  flowed_ = 0;
  has_length_ = final_head_ = remote_ended_ = malformed_ = false;
  reset_by_peer_ = reset_by_us_ = discard_ = false;
  reset_code_ = H2Error::kNoError;
  out_.Clear();
  out_trailers_ = nullptr;
  out_end_ = deferred_ = hold_end_ = reset_after_end_ = local_ended_ = false;
}

}  // namespace headgate::http::h2
