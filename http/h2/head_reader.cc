#include "http/h2/head_reader.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "base/limits.h"
#include "http/ascii.h"
#include "http/framing.h"
#include "http/h2/hpack_filter.h"
#include "http/h2/limits.h"
#include "http/media_type.h"

namespace headgate::http::h2 {
namespace {

using base::ErrorCode;

constexpr size_t kFieldOverhead = 32;  // RFC 9113 6.5.2

std::string_view View(nghttp2_rcbuf* text) noexcept {
  const nghttp2_vec vec = nghttp2_rcbuf_get_buf(text);
  return {reinterpret_cast<const char*>(vec.base), vec.len};
}

// RFC 9113 8.2.1: a token without upper case.
bool IsLowerCaseName(std::string_view name) noexcept {
  return IsToken(name) && std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

}  // namespace

void HeadReader::Begin(Kind kind, Stream* stream, size_t budget) noexcept {
  kind_ = kind;
  stream_ = stream;
  response_ = nullptr;
  trailers_ = nullptr;
  budget_ = budget;
  charged_ = shared_ = decoded_ = list_ = fields_ = cookies_ = 0;
  fault_ = nullptr;
  answer_ = ErrorCode::kNone;
  answer_detail_ = "";
  seen_ = 0;
  regular_seen_ = false;
  pseudo_ = {};
  cookie_.reset();
  cookie_size_ = 0;
  if (kind == Kind::kResponse) {
    void* place = stream->arena_->Allocate(sizeof(Stream::PendingResponse), alignof(Stream::PendingResponse));
    response_ = new (place) Stream::PendingResponse(*stream->arena_);
  } else if (kind == Kind::kTrailers && !stream->discard_) {
    void* place = stream->arena_->Allocate(sizeof(HeaderMap), alignof(HeaderMap));
    trailers_ = new (place) HeaderMap(*stream->arena_);
  }
  keep_ = kind != Kind::kDropped && (kind != Kind::kTrailers || trailers_ != nullptr);
}

void HeadReader::Drop(const Stream& stream) noexcept {
  if (stream_ != &stream) return;
  stream_ = nullptr;
  kind_ = Kind::kDropped;
  keep_ = false;
  cookie_.reset();
}

void HeadReader::StopKeepingTrailers(const Stream& stream) noexcept {
  if (stream_ != &stream || kind_ != Kind::kTrailers) return;
  trailers_ = nullptr;
  keep_ = false;
}

base::Side HeadReader::side() const noexcept {
  return stream_ != nullptr && stream_->request != nullptr ? base::Side::kClient : base::Side::kUpstream;
}

HeaderMap& HeadReader::headers() noexcept {
  if (kind_ == Kind::kTrailers) return *trailers_;
  return kind_ == Kind::kRequest ? stream_->request->headers : response_->head.headers;
}

void HeadReader::Fault(const char* detail) noexcept {
  if (fault_ == nullptr) fault_ = detail;
  keep_ = false;
}

void HeadReader::Answer(ErrorCode code, const char* detail) noexcept {
  if (answer_ != ErrorCode::kNone) return;
  answer_ = code;
  answer_detail_ = detail;
}

bool HeadReader::OnField(nghttp2_rcbuf* name, nghttp2_rcbuf* value) {
  const std::string_view name_text = View(name);
  const std::string_view value_text = View(value);
  decoded_ += name_text.size() + value_text.size() + kFieldOverhead;
  if (decoded_ > kDecodedHeadBytesMax) return false;
  if (kind_ == Kind::kDropped || fault_ != nullptr) return true;
  if (name_text == kTooLargeMark) {
    RefuseSize("a field is too large");
    return true;
  }
  if (!IsFieldValue(value_text)) {
    Fault("a control character, or white space at an end, in a value");
  } else if (name_text.starts_with(':')) {
    OnPseudo(name_text, value);
  } else if (!IsLowerCaseName(name_text)) {
    Fault("a field name that is not a token in lower case");
  } else {
    regular_seen_ = true;
    OnRegular(name, value);
  }
  return true;
}

// A request's long texts are kept as references: clients repeat them in each request, and HPACK's table has them once.
std::string_view HeadReader::Keep(nghttp2_rcbuf* text) {
  const std::string_view view = View(text);
  if (nghttp2_rcbuf_is_static(text) != 0) return view;
  if (kind_ == Kind::kRequest && view.size() >= kShareTextBytes) {
    nghttp2_rcbuf_incref(text);
    stream_->shared_.push_back(text);
    shared_ += view.size();
    return view;
  }
  charged_ += view.size();
  return stream_->arena_->Copy(view);
}

void HeadReader::OnPseudo(std::string_view name, nghttp2_rcbuf* value) {
  constexpr std::array<std::string_view, kPseudoCount> kNames = {":method", ":scheme",   ":authority",
                                                                 ":path",   ":protocol", ":status"};
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  const bool known = found != kNames.end() && (kind_ == Kind::kRequest) == (*found != ":status");
  if (!known || kind_ == Kind::kTrailers) return Fault("a pseudo header that may not be here");
  if (regular_seen_) return Fault("a pseudo header behind a field");
  const auto which = static_cast<Pseudo>(found - kNames.begin());
  if (has(which)) return Fault("a pseudo header twice");
  seen_ = static_cast<uint8_t>(seen_ | 1u << which);
  const std::string_view text = View(value);
  if (which == kMethod && !IsToken(text)) return Fault("the method is not a token");
  if (which == kPath && text.size() > limits_.target_bytes) {
    return Answer(ErrorCode::kTargetTooLong, "the target is too long");
  }
  if (which == kMethod && text.size() > base::kMethodBytesMax) {
    return Answer(ErrorCode::kUnknownMethod, "unknown method");
  }
  if (which != kPath && text.size() > limits_.field_bytes) {
    return Answer(ErrorCode::kHeaderTooLarge, "a pseudo header is too large");
  }
  if (keep_) pseudo_[which] = Keep(value);
}

// Before the limits: also the answer to what is beyond them must be one that gRPC understands.
void HeadReader::NoticeGrpc(std::string_view name, std::string_view value) noexcept {
  if (kind_ == Kind::kRequest && name == HeaderText(HeaderId::kContentType)) {
    stream_->request->is_grpc = IsGrpcContentType(value);
  }
}

// Whether the field is within the limits; after one that is not nothing more is kept.
bool HeadReader::Fits(std::string_view name, std::string_view value) {
  const size_t text_bytes = name.size() + value.size();
  if (kind_ == Kind::kTrailers) return FitsTrailers(text_bytes);
  list_ += text_bytes + kFieldOverhead;
  const bool cookie = kind_ == Kind::kRequest && name == "cookie";
  const bool too_many = cookie ? ++cookies_ > kCookiePiecesMax : ++fields_ > limits_.fields;
  const char* detail = nullptr;
  if (too_many) detail = cookie ? "too many pieces of cookie" : "too many fields";
  if (text_bytes > limits_.field_bytes) detail = "a field is too large";
  if (list_ > limits_.head_bytes) detail = "the head is too large";
  if (detail == nullptr) return keep_;
  RefuseSize(detail);
  return false;
}

void HeadReader::RefuseSize(const char* detail) noexcept {
  if (kind_ == Kind::kTrailers) return Fault(detail);
  keep_ = false;
  Answer(kind_ == Kind::kRequest ? ErrorCode::kHeaderTooLarge : ErrorCode::kUpstreamHeaderTooLarge, detail);
}

bool HeadReader::FitsTrailers(size_t text_bytes) {
  // gRPC's status and details come in trailers, and as a head where there is nothing else: the same limits for both.
  const bool request = side() == base::Side::kClient;
  const size_t fields_max = request ? base::kTrailersMax : base::kUpstreamFieldsMax;
  const size_t bytes_max = request ? base::kTrailersBytesMax : base::kUpstreamHeadBytesMax;
  list_ += text_bytes;
  if (++fields_ > fields_max || list_ > bytes_max) Fault("too many trailers");
  return keep_;
}

void HeadReader::OnRegular(nghttp2_rcbuf* name, nghttp2_rcbuf* value) {
  const std::string_view name_text = View(name);
  if (kind_ == Kind::kTrailers && IsBarredTrailer(name_text)) {
    return Fault("a framing, authentication or forwarding field in a trailer");
  }
  NoticeGrpc(name_text, View(value));
  if (!Fits(name_text, View(value))) return;
  const HeaderId id = InternHeader(name_text);
  if (id == HeaderId::kCookie && kind_ == Kind::kRequest) return OnCookie(value);
  charged_ += sizeof(HeaderField);
  const std::string_view kept_name = id == HeaderId::kOther ? Keep(name) : HeaderText(id);
  headers().Add(id, kept_name, Keep(value));
  if (charged_ > budget_) keep_ = false;
}

// RFC 9113 8.2.3: the pieces of a cookie become one field again.
void HeadReader::OnCookie(nghttp2_rcbuf* value) {
  if (cookies_ == 1) {
    charged_ += sizeof(HeaderField);
    cookie_at_ = headers().size();
    headers().Add(HeaderId::kCookie, Keep(value));
    if (charged_ > budget_) keep_ = false;
    return;
  }
  const std::string_view piece = View(value);
  if (piece.empty()) return;  // nothing, and "; " at the end would be white space there
  if (!cookie_) AppendCookie(headers().fields()[cookie_at_].value);
  if (cookie_size_ > 0) AppendCookie("; ");
  AppendCookie(piece);
  if (charged_ > budget_) keep_ = false;
}

void HeadReader::AppendCookie(std::string_view piece) {
  if (piece.empty()) return;
  const size_t size = cookie_size_ + piece.size();
  if (size > limits_.field_bytes) {
    keep_ = false;
    return Answer(ErrorCode::kHeaderTooLarge, "a field is too large");
  }
  if (!cookie_ || cookie_->size() < size) {
    base::SlabRef larger = cookie_ ? slabs_.TakeLarge(limits_.field_bytes) : slabs_.TakeLarge(size);
    if (cookie_) std::memcpy(larger->data(), cookie_->data(), cookie_size_);
    cookie_ = std::move(larger);
  }
  std::memcpy(cookie_->data() + cookie_size_, piece.data(), piece.size());
  cookie_size_ = size;
  charged_ += piece.size();
}

void HeadReader::JoinCookies() {
  if (!cookie_ || !keep_) return;
  const std::string_view whole(cookie_->data(), cookie_size_);
  headers().mutable_fields()[cookie_at_].value = stream_->arena_->Copy(whole);
  cookie_.reset();
}

}  // namespace headgate::http::h2
