#include "http/ascii.h"
#include "http/connection_options.h"
#include "http/framing.h"
#include "http/header_traits.h"
#include "http/transfer_coding.h"

namespace headgate::http {
namespace {

class ResponseJudge {
 public:
  ResponseJudge(ResponseHead& head, Method method) noexcept : head_(head), method_(method) {}

  base::Result<void> Run() noexcept {
    head_.headers.RemoveIf([this](const HeaderField& field) { return Drop(field); });
    if (fault_ == nullptr) Conclude();
    if (fault_ == nullptr) return {};
    return base::Error{base::ErrorCode::kUpstreamProtocol, base::Side::kUpstream, base::Retry::kNever, fault_};
  }

 private:
  void Fail(const char* fault) noexcept {
    if (fault_ == nullptr) fault_ = fault;
  }
  void FailInHttp2() noexcept {
    if (head_.version == Version::kHttp2) Fail("a connection-specific field in HTTP/2");
  }

  bool Drop(const HeaderField& field) noexcept {
    switch (TraitsOf(field.id).rule) {
      case FieldRule::kKeep:
      case FieldRule::kMaybeImitation:
      case FieldRule::kHost:
      case FieldRule::kExpect:
      case FieldRule::kContentType:
      case FieldRule::kWebSocketKey:
      case FieldRule::kWebSocketVersion:
        return false;
      case FieldRule::kContentLength:
        TakeContentLength(field.value);
        return true;
      case FieldRule::kTransferEncoding:
        TakeTransferEncoding(field.value);
        return true;
      case FieldRule::kConnection:
        TakeConnection(field.value);
        return true;
      case FieldRule::kHop:
        FailInHttp2();
        if (field.id == HeaderId::kKeepAlive) head_.keep_alive_seconds = KeepAliveTimeout(field.value);
        return true;
      case FieldRule::kUpgrade:
        FailInHttp2();
        websocket_ = EqualsIgnoreCase(field.value, "websocket");
        return true;
      case FieldRule::kTe:
        return true;
    }
    return false;
  }

  void TakeContentLength(std::string_view value) noexcept {
    uint64_t length = 0;
    if (!ParseDecimal(value, length)) return Fail("content-length is not a number below 2^63");
    if (has_length_ && length != length_) return Fail("content-length twice with different values");
    has_length_ = true;
    length_ = length;
  }
  void TakeTransferEncoding(std::string_view value) noexcept {
    FailInHttp2();
    if (chunked_) return Fail("transfer-encoding twice");
    chunked_ = true;
    if (ClassifyTransferCoding(value) != TransferCoding::kChunked) Fail("transfer-encoding is not one chunked");
  }
  void TakeConnection(std::string_view value) noexcept {
    FailInHttp2();
    const char* fault = connection_.Add(value);
    if (fault != nullptr) Fail(fault);
  }

  // RFC 9112 6.3, 9.3.
  void Conclude() noexcept {
    if (chunked_ && head_.version == Version::kHttp10) return Fail("transfer-encoding in HTTP/1.0");
    if (chunked_ && has_length_) return Fail("content-length with transfer-encoding");
    // The only protocol that is ever asked for.
    if (head_.status == 101 && !websocket_) return Fail("a 101 to another protocol than websocket");
    connection_.RemoveNamed(head_.headers);
    if (chunked_) head_.connection = connection_.Kept(head_.headers.arena());
    const bool persistent = head_.version != Version::kHttp10 || connection_.keep_alive();
    head_.keep_alive = persistent && !connection_.close();
    const bool bare_status = head_.status < 200 || head_.status == 204;
    if (bare_status || head_.status == 304 || method_ == Method::kHead) return ConcludeWithoutBody(bare_status);
    if (chunked_) {
      head_.body = {BodyKind::kChunked, 0};
    } else if (has_length_) {
      head_.body = {BodyKind::kLength, length_};
    } else if (head_.version == Version::kHttp2) {
      head_.body = {BodyKind::kChunked, 0};  // its end is END_STREAM; whoever writes HTTP/1 needs chunks
    } else {
      head_.body = {BodyKind::kUntilClose, 0};
      head_.keep_alive = false;
    }
  }
  void ConcludeWithoutBody(bool bare_status) noexcept {
    head_.body = {BodyKind::kNone, 0};
    if (!bare_status) {
      head_.has_stated_length = has_length_;
      head_.stated_length = length_;
    } else if (chunked_ || length_ != 0) {
      // A body where none may be (RFC 9112 6.1): what follows on this connection cannot be trusted.
      head_.keep_alive = false;
    }
  }

  ResponseHead& head_;
  const Method method_;
  const char* fault_ = nullptr;
  ConnectionOptions connection_;
  uint64_t length_ = 0;
  bool websocket_ = false;  // the upgrade that it names
  bool has_length_ = false;
  bool chunked_ = false;
};

}  // namespace

base::Result<void> JudgeResponse(ResponseHead& head, Method method) noexcept {
  return ResponseJudge(head, method).Run();
}

}  // namespace headgate::http
