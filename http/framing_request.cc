#include <optional>

#include "http/ascii.h"
#include "http/connection_options.h"
#include "http/framing.h"
#include "http/header_traits.h"
#include "http/media_type.h"
#include "http/transfer_coding.h"
#include "http/uri.h"
#include "http/websocket.h"

namespace headgate::http {
namespace {

using base::ErrorCode;

// One pass over the fields: each is looked at once and kept or dropped; conclusions follow.
class RequestJudge {
 public:
  explicit RequestJudge(RequestHead& head) noexcept : head_(head), h2_(head.version == Version::kHttp2) {}

  base::Result<void> Run() noexcept {
    head_.headers.RemoveIf([this](const HeaderField& field) { return Drop(field); });
    if (ok()) ConcludeFraming();
    if (ok()) ConcludeConnection();
    if (ok()) ConcludeHost();
    return error_.code == ErrorCode::kNone ? base::Result<void>() : base::Result<void>(error_);
  }

 private:
  bool ok() const noexcept { return error_.code == ErrorCode::kNone; }
  void Fail(ErrorCode code, const char* detail) noexcept {
    if (ok()) error_ = {code, base::Side::kClient, base::Retry::kNever, detail};
  }
  void FailInHttp2(const char* detail) noexcept {
    if (h2_) Fail(ErrorCode::kBadRequest, detail);
  }

  bool Drop(const HeaderField& field) noexcept {
    switch (TraitsOf(field.id).rule) {
      case FieldRule::kKeep:
        return false;
      case FieldRule::kMaybeImitation:
        return ImitatesOurField(field.name);
      case FieldRule::kHost:
        TakeHost(field.value);
        return true;
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
        if (field.id != HeaderId::kHttp2Settings) FailInHttp2("a connection-specific field in HTTP/2");
        return true;
      case FieldRule::kUpgrade:
        TakeUpgrade(field.value);
        return true;
      case FieldRule::kTe:
        TakeTe(field.value);
        return true;
      case FieldRule::kExpect:
        TakeExpect(field.value);
        return true;
      case FieldRule::kContentType:
        head_.is_grpc = IsGrpcContentType(field.value);
        return false;
      case FieldRule::kWebSocketKey:
        websocket_.AddKey(field.value);
        return false;
      case FieldRule::kWebSocketVersion:
        websocket_.AddVersion(field.value);
        return false;
    }
    return false;
  }

  void TakeHost(std::string_view value) noexcept {
    if (host_.has_value()) Fail(ErrorCode::kBadRequest, "host twice");
    host_ = value;
  }
  void TakeContentLength(std::string_view value) noexcept {
    if (has_length_) return Fail(ErrorCode::kSmuggling, "content-length twice");
    has_length_ = true;
    if (!ParseDecimal(value, length_)) Fail(ErrorCode::kBadRequest, "content-length is not a number below 2^63");
  }
  void TakeTransferEncoding(std::string_view value) noexcept {
    FailInHttp2("a connection-specific field in HTTP/2");
    if (chunked_) return Fail(ErrorCode::kSmuggling, "transfer-encoding twice");
    chunked_ = true;
    switch (ClassifyTransferCoding(value)) {
      case TransferCoding::kChunked:
        return;
      case TransferCoding::kUnknown:
        return Fail(ErrorCode::kUnknownCoding, "a transfer coding other than chunked");
      case TransferCoding::kMalformed:
        return Fail(ErrorCode::kSmuggling, "transfer-encoding is not one chunked");
    }
  }
  void TakeConnection(std::string_view value) noexcept {
    FailInHttp2("a connection-specific field in HTTP/2");
    const char* fault = connection_.Add(value);
    if (fault != nullptr) Fail(ErrorCode::kBadRequest, fault);
  }
  void TakeUpgrade(std::string_view value) noexcept {
    FailInHttp2("a connection-specific field in HTTP/2");
    ForEachListElement(value, [this](std::string_view protocol) {
      upgrade_websocket_ = upgrade_websocket_ || EqualsIgnoreCase(protocol, "websocket");
      return true;
    });
  }
  void TakeTe(std::string_view value) noexcept {
    ForEachListElement(value, [this](std::string_view coding) {
      if (EqualsIgnoreCase(coding, "trailers")) {
        head_.te_trailers = true;
      } else {
        FailInHttp2("te other than trailers in HTTP/2");
      }
      return true;
    });
  }
  void TakeExpect(std::string_view value) noexcept {
    if (head_.version == Version::kHttp10) return;  // RFC 9110 10.1.1
    ForEachListElement(value, [this](std::string_view expectation) {
      const bool known = EqualsIgnoreCase(expectation, "100-continue");
      if (!known) Fail(ErrorCode::kExpectationFailed, "unknown expectation");
      if (known && head_.expect_continue) Fail(ErrorCode::kExpectationFailed, "100-continue twice");
      head_.expect_continue = head_.expect_continue || known;
      return true;
    });
  }

  // RFC 9112 6.3.
  void ConcludeFraming() noexcept {
    if (chunked_ && head_.version == Version::kHttp10) {
      return Fail(ErrorCode::kSmuggling, "transfer-encoding in HTTP/1.0");
    }
    if (chunked_ && has_length_) return Fail(ErrorCode::kSmuggling, "content-length with transfer-encoding");
    if (chunked_) head_.body = {BodyKind::kChunked, 0};
    if (has_length_) head_.body = {BodyKind::kLength, length_};
    // Nobody waits for a 100 where there is no body to send.
    if (!chunked_ && has_length_ && length_ == 0) head_.expect_continue = false;
    if (!h2_ && !chunked_ && !has_length_) head_.expect_continue = false;
  }

  void ConcludeConnection() noexcept {
    if (h2_) return;
    connection_.RemoveNamed(head_.headers);
    if (chunked_) head_.connection = connection_.Kept(head_.headers.arena());
    head_.keep_alive = !connection_.close() && (head_.version == Version::kHttp11 || connection_.keep_alive());
    const bool upgrade_asked = upgrade_websocket_ && connection_.upgrade();
    const bool empty = !chunked_ && length_ == 0;
    // Any other upgrade is ignored, as RFC 9110 7.8 allows, and so is one in HTTP/1.0 or with a body.
    if (!upgrade_asked || head_.version != Version::kHttp11 || head_.method != Method::kGet || !empty) return;
    const char* fault = websocket_.Fault();
    if (fault != nullptr) return Fail(ErrorCode::kBadRequest, fault);
    head_.wants_websocket = true;
  }

  // RFC 9112 3.2, 3.2.2; RFC 9113 8.3.1. An absolute form's or :authority's word is in head.authority already.
  void ConcludeHost() noexcept {
    const bool stated = !head_.authority.empty();
    if (!host_.has_value() && !stated) {
      if (head_.version == Version::kHttp11) Fail(ErrorCode::kBadRequest, "no host");
      return;
    }
    if (head_.version == Version::kHttp11 && !host_.has_value()) return Fail(ErrorCode::kBadRequest, "no host");
    base::Result<Authority> authority = ParseAuthority(stated ? head_.authority : *host_, head_.headers.arena());
    if (!authority.ok()) return Fail(authority.error().code, authority.error().detail);
    head_.host = authority.value().host;
    head_.port = authority.value().port;
    if (!stated) head_.authority = *host_;
    if (head_.authority.ends_with(':')) head_.authority.remove_suffix(1);  // an empty port (RFC 3986 6.2.3)
    if (stated && host_.has_value()) CompareHost();
  }
  void CompareHost() noexcept {
    if (*host_ == head_.authority) return;
    base::Result<Authority> host = ParseAuthority(*host_, head_.headers.arena());
    if (!host.ok()) return Fail(host.error().code, host.error().detail);
    const uint16_t default_port = head_.scheme == Scheme::kHttps ? 443 : 80;
    const auto port_of = [default_port](uint16_t port) { return port == 0 ? default_port : port; };
    if (host.value().host != head_.host || port_of(host.value().port) != port_of(head_.port)) {
      Fail(ErrorCode::kBadRequest, "the target's host differs from host");
    }
  }

  RequestHead& head_;
  const bool h2_;
  base::Error error_;
  std::optional<std::string_view> host_;
  ConnectionOptions connection_;
  WebSocketHandshake websocket_;
  uint64_t length_ = 0;
  bool has_length_ = false;
  bool chunked_ = false;
  bool upgrade_websocket_ = false;
};

}  // namespace

base::Result<void> JudgeRequest(RequestHead& head) noexcept { return RequestJudge(head).Run(); }

}  // namespace headgate::http
