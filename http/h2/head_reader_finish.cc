#include <algorithm>

#include "base/limits.h"
#include "http/ascii.h"
#include "http/forwarding.h"
#include "http/framing.h"
#include "http/h2/head_reader.h"
#include "http/h2/limits.h"
#include "http/uri.h"

namespace headgate::http::h2 {
namespace {

using base::ErrorCode;

constexpr bool IsMalformed(ErrorCode code) noexcept {
  return code == ErrorCode::kBadRequest || code == ErrorCode::kSmuggling || code == ErrorCode::kUnknownCoding ||
         code == ErrorCode::kUpstreamProtocol;
}

}  // namespace

HeadReader::Verdict HeadReader::Finish(bool end_stream, size_t block_bytes) {
  switch (kind_) {
    case Kind::kRequest: {
      const bool whole = keep_;
      FinishRequest(*stream_->request, end_stream);
      if (fault_ != nullptr || answer_ != ErrorCode::kNone) DescribeRefused(*stream_->request, whole);
      break;
    }
    case Kind::kResponse:
      FinishResponse(response_->head, end_stream);
      break;
    case Kind::kTrailers:
      FinishTrailers(end_stream);
      break;
    case Kind::kDropped:
      break;
  }
  cookie_.reset();
  return Conclude(block_bytes);
}

HeadReader::Verdict HeadReader::Conclude(size_t block_bytes) const noexcept {
  const base::Side blamed = side();
  const ErrorCode bad = blamed == base::Side::kClient ? ErrorCode::kBadRequest : ErrorCode::kUpstreamProtocol;
  if (fault_ != nullptr) return {Outcome::kMalformed, {bad, blamed, base::Retry::kNever, fault_}};
  // Text that is shared came over the wire once. Huffman coding makes at most 8 bits of 5 (RFC 7541, Appendix B).
  const size_t shared = std::min(shared_, block_bytes * 8 / 5);
  if (charged_ + shared > budget_) {
    return {Outcome::kRefused, {ErrorCode::kOverload, blamed, base::Retry::kSafe, "the heads under way are too large"}};
  }
  if (answer_ == ErrorCode::kNone) return {};
  const base::Error error{answer_, blamed, base::Retry::kNever, answer_detail_};
  return {blamed == base::Side::kClient ? Outcome::kAnswer : Outcome::kMalformed, error};
}

// RFC 9113 8.3.1, 8.5; RFC 8441 4. Null, or what is wrong.
const char* HeadReader::RequestPseudoFault() const noexcept {
  if (!has(kMethod)) return "no :method";
  const bool connect = pseudo_[kMethod] == "CONNECT";
  if (has(kProtocol) && !connect) return ":protocol without CONNECT";
  if (connect && !has(kProtocol)) {
    if (has(kScheme) || has(kPath)) return "CONNECT with :scheme or :path";
    return has(kAuthority) && !pseudo_[kAuthority].empty() ? nullptr : "CONNECT without :authority";
  }
  if (!has(kScheme)) return "no :scheme";
  const std::string_view scheme = pseudo_[kScheme];
  if (!EqualsIgnoreCase(scheme, "http") && !EqualsIgnoreCase(scheme, "https")) return "a :scheme that is not http";
  if (!has(kPath)) return "no :path";
  if (has(kAuthority) && pseudo_[kAuthority].empty()) return "an empty :authority";
  return nullptr;
}

void HeadReader::FinishRequest(RequestHead& head, bool end_stream) {
  head.version = Version::kHttp2;
  head.scheme = scheme_;
  head.authority = pseudo_[kAuthority];
  head.method = ParseMethod(pseudo_[kMethod]).value_or(Method::kOther);  // also of what is refused
  if (fault_ != nullptr) return;
  // What was too large was not kept: the rest cannot be judged as a whole.
  if (answer_ == ErrorCode::kHeaderTooLarge || !keep_) return;
  const char* fault = RequestPseudoFault();
  if (fault != nullptr) return Fault(fault);
  TakeMethod(head);
  TakePath(head);
  JoinCookies();
  if (fault_ != nullptr) return;
  const base::Result<void> result = JudgeRequest(head);
  if (!result.ok()) {
    if (IsMalformed(result.error().code)) return Fault(result.error().detail);
    Answer(result.error().code, result.error().detail);
  }
  if (head.authority.empty()) return Fault("neither :authority nor host");
  TakeRequestBody(head, end_stream);
}

// For the log: what is known of a request that was not judged to its end. A proxy adds its word on who asks behind the
// client's: where fields were lost nobody's counts.
void HeadReader::DescribeRefused(RequestHead& head, bool whole) const noexcept {
  if (!whole) RemoveForwardingFields(head.headers);
  if (head.path.empty() && pseudo_[kPath].starts_with('/')) {
    base::Result<Target> target = NormalizeTarget(pseudo_[kPath], *stream_->arena_);
    if (target.ok()) {
      head.path = target.value().path;
      head.query = target.value().query;
    }
  }
  const std::string_view stated = has(kAuthority) ? pseudo_[kAuthority] : head.headers.Get(HeaderId::kHost);
  if (!head.host.empty() || stated.empty()) return;
  base::Result<Authority> authority = ParseAuthority(stated, *stream_->arena_);
  if (authority.ok()) head.host = authority.value().host;
}

void HeadReader::TakeMethod(RequestHead& head) noexcept {
  if (has(kProtocol)) {
    // A tunnel is a GET that asks for an upgrade, as in HTTP/1 (RFC 8441 5).
    head.wants_websocket = EqualsIgnoreCase(pseudo_[kProtocol], "websocket");
    if (!head.wants_websocket) return Answer(ErrorCode::kUnknownMethod, "a :protocol other than websocket");
    head.method = Method::kGet;
    return;
  }
  if (answer_ == ErrorCode::kUnknownMethod) return;
  if (head.method == Method::kOther) return Answer(ErrorCode::kUnknownMethod, "unknown method");
  if (head.method == Method::kConnect || head.method == Method::kTrace) {
    Answer(ErrorCode::kMethodNotAllowed, "CONNECT or TRACE");
  }
}

void HeadReader::TakePath(RequestHead& head) {
  if (!has(kPath) || answer_ == ErrorCode::kTargetTooLong) return;
  const std::string_view text = pseudo_[kPath];
  if (text == "*") {
    if (head.method != Method::kOptions) return Fault("* with another method than OPTIONS");
    head.path = head.match_path = "*";
    return;
  }
  if (!text.starts_with('/')) return Fault("a :path that does not begin with /");
  base::Result<Target> target = NormalizeTarget(text, *stream_->arena_);
  if (!target.ok()) return Fault(target.error().detail);
  head.path = target.value().path;
  head.match_path = target.value().match_path;
  head.query = target.value().query;
  head.has_query = target.value().has_query;
}

// RFC 9113 8.1.1: END_STREAM is the end, content-length only says where it will be.
void HeadReader::TakeRequestBody(RequestHead& head, bool end_stream) noexcept {
  const bool has_length = head.body.kind == BodyKind::kLength;
  if (head.wants_websocket) {
    if (has_length && head.body.length > 0) return Fault("content-length in an extended CONNECT");
    head.body = {};
    head.expect_continue = false;
    return;
  }
  if (end_stream) {
    if (has_length && head.body.length > 0) return Fault("content-length without a body");
    // RFC 9110 8.6: an HTTP/1.1 upstream wants to read that there is none.
    const bool says_so =
        has_length || head.method == Method::kPost || head.method == Method::kPut || head.method == Method::kPatch;
    head.body = {says_so ? BodyKind::kLength : BodyKind::kNone, 0};
    head.expect_continue = false;
    return;
  }
  if (!has_length) head.body = {BodyKind::kChunked, 0};
  stream_->has_length_ = has_length;
  stream_->body_expected_ = head.body.length;
}

// Three digits, 100 to 599 (RFC 9113 8.3.2).
bool HeadReader::TakeStatus(ResponseHead& head) noexcept {
  const std::string_view text = pseudo_[kStatus];
  if (text.size() != 3 || !IsDigit(text[0]) || !IsDigit(text[1]) || !IsDigit(text[2])) return false;
  head.status = static_cast<uint16_t>((text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0'));
  return head.status >= 100 && head.status <= 599;
}

void HeadReader::FinishResponse(ResponseHead& head, bool end_stream) {
  head.version = Version::kHttp2;
  if (fault_ != nullptr || answer_ != ErrorCode::kNone || !keep_) return;
  if (!TakeStatus(head)) return Fault("a :status that is not 100 to 599");
  if (head.status == 101) return Fault("101 in HTTP/2");
  if (head.status < 200 && end_stream) return Fault("an interim response that ends the stream");
  if (head.status < 200 && ++stream_->interims_ > base::kInterimResponsesMax)
    return Fault("too many interim responses");
  const base::Result<void> result = JudgeResponse(head, stream_->method_);
  if (!result.ok()) return Fault(result.error().detail);
  if (head.status >= 200) TakeResponseBody(head, end_stream);
  if (fault_ != nullptr) return;
  stream_->final_head_ = head.status >= 200;
  Stream::PendingResponse** last = &stream_->responses_;
  while (*last != nullptr) last = &(*last)->next;
  *last = response_;
}

void HeadReader::TakeResponseBody(ResponseHead& head, bool end_stream) noexcept {
  stream_->has_length_ = head.body.kind == BodyKind::kNone || head.body.kind == BodyKind::kLength;
  stream_->body_expected_ = head.body.length;
  if (!end_stream) return;
  if (head.body.length > 0) return Fault("content-length without a body");
  head.body = {};
}

void HeadReader::FinishTrailers(bool end_stream) {
  if (!end_stream) Fault(side() == base::Side::kClient ? "trailers that do not end the stream" : "a second head");
  if (fault_ == nullptr) stream_->trailers_ = trailers_;
}

}  // namespace headgate::http::h2
