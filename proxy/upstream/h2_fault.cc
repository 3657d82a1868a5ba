#include "proxy/upstream/h2_fault.h"

namespace headgate::proxy {

using base::Error;
using base::ErrorCode;
using base::Retry;
using base::Side;
using http::h2::H2Error;

namespace {

const char* ResetDetail(H2Error code) noexcept {
  switch (code) {
    case H2Error::kNoError:
      return "the upstream sent RST_STREAM(NO_ERROR)";
    case H2Error::kProtocolError:
      return "the upstream sent RST_STREAM(PROTOCOL_ERROR)";
    case H2Error::kInternalError:
      return "the upstream sent RST_STREAM(INTERNAL_ERROR)";
    case H2Error::kFlowControlError:
      return "the upstream sent RST_STREAM(FLOW_CONTROL_ERROR)";
    case H2Error::kSettingsTimeout:
      return "the upstream sent RST_STREAM(SETTINGS_TIMEOUT)";
    case H2Error::kStreamClosed:
      return "the upstream sent RST_STREAM(STREAM_CLOSED)";
    case H2Error::kFrameSizeError:
      return "the upstream sent RST_STREAM(FRAME_SIZE_ERROR)";
    case H2Error::kRefusedStream:
      return "the upstream sent RST_STREAM(REFUSED_STREAM)";
    case H2Error::kCancel:
      return "the upstream sent RST_STREAM(CANCEL)";
    case H2Error::kCompressionError:
      return "the upstream sent RST_STREAM(COMPRESSION_ERROR)";
    case H2Error::kConnectError:
      return "the upstream sent RST_STREAM(CONNECT_ERROR)";
    case H2Error::kEnhanceYourCalm:
      return "the upstream sent RST_STREAM(ENHANCE_YOUR_CALM)";
    case H2Error::kInadequateSecurity:
      return "the upstream sent RST_STREAM(INADEQUATE_SECURITY)";
    case H2Error::kHttp11Required:
      return "the upstream sent RST_STREAM(HTTP_1_1_REQUIRED)";
  }
  return "the upstream sent RST_STREAM";  // a code of its own
}

}  // namespace

Error NotProcessed(bool at_once, const char* detail) noexcept {
  return {ErrorCode::kUpstreamReset, Side::kUpstream, at_once ? Retry::kIfReused : Retry::kSafe, detail};
}

Error BrokenResponse(const http::h2::Stream& stream) noexcept {
  const bool head = stream.head_error().code != ErrorCode::kNone;
  const Error& cause = head ? stream.head_error() : stream.body_error();
  const bool large = cause.code == ErrorCode::kHeaderTooLarge || cause.code == ErrorCode::kUpstreamHeaderTooLarge;
  const char* detail = cause.code != ErrorCode::kNone ? cause.detail : "malformed HTTP/2 response";
  return {large ? ErrorCode::kUpstreamHeaderTooLarge : ErrorCode::kUpstreamProtocol, Side::kUpstream, Retry::kNever,
          detail};
}

Error BrokenProtocol(const char* detail) noexcept {
  return {ErrorCode::kUpstreamProtocol, Side::kUpstream, Retry::kNever, detail};
}

Error ResetByUpstream(H2Error code) noexcept {
  return {ErrorCode::kUpstreamReset, Side::kUpstream, Retry::kNever, ResetDetail(code)};
}

}  // namespace headgate::proxy
