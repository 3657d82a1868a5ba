#include "http/h1/decoder.h"

#include <algorithm>

#include "http/ascii.h"
#include "http/framing.h"
#include "http/h1/field_parser.h"
#include "http/h1/request_line.h"
#include "http/uri.h"

namespace headgate::http::h1 {
namespace {

using base::ErrorCode;

base::Error ClientError(ErrorCode code, const char* detail) noexcept {
  return {code, base::Side::kClient, base::Retry::kNever, detail};
}
base::Error UpstreamError(ErrorCode code, const char* detail) noexcept {
  return {code, base::Side::kUpstream, base::Retry::kNever, detail};
}

base::Result<void> TakeOriginForm(std::string_view target, base::Arena& arena, RequestHead& head) noexcept {
  base::Result<Target> normal = NormalizeTarget(target, arena);
  if (!normal.ok()) return normal.error();
  head.path = normal.value().path;
  head.match_path = normal.value().match_path;
  head.query = normal.value().query;
  head.has_query = normal.value().has_query;
  return {};
}

// "http://host:port/path?query"; RFC 9112 3.2.2. The framing wall compares the authority with Host, by the target's own
// scheme, which names the port where none is given.
base::Result<void> TakeAbsoluteForm(std::string_view target, base::Arena& arena, RequestHead& head) noexcept {
  const size_t colon = std::min(target.find(':'), target.size());
  const std::string_view scheme = target.substr(0, colon);
  const bool https = EqualsIgnoreCase(scheme, "https");
  if ((!https && !EqualsIgnoreCase(scheme, "http")) || !target.substr(colon).starts_with("://")) {
    return ClientError(ErrorCode::kBadRequest, "the target is neither a path nor an http URI");
  }
  head.scheme = https ? Scheme::kHttps : Scheme::kHttp;
  target.remove_prefix(colon + 3);
  const size_t end = std::min(target.find_first_of("/?#"), target.size());
  head.authority = target.substr(0, end);
  if (head.authority.empty()) return ClientError(ErrorCode::kBadRequest, "host is empty");
  target.remove_prefix(end);
  if (target.empty() && head.method == Method::kOptions) {  // RFC 9112 3.2.4
    head.path = head.match_path = "*";
    return {};
  }
  if (target.empty()) target = "/";
  if (target.front() == '/') return TakeOriginForm(target, arena, head);
  return TakeOriginForm(arena.Concat({"/", target}), arena, head);
}

base::Result<void> TakeTarget(std::string_view target, base::Arena& arena, RequestHead& head) noexcept {
  if (target.front() == '/') return TakeOriginForm(target, arena, head);
  if (target != "*") return TakeAbsoluteForm(target, arena, head);
  if (head.method != Method::kOptions) return ClientError(ErrorCode::kBadRequest, "* with another method than OPTIONS");
  head.path = head.match_path = "*";
  return {};
}

// llhttp 8 is older than QUERY (RFC 10008): in its place it is shown a method whose framing is the same, and whose
// size.
class StandInMethod {
 public:
  StandInMethod(char* token, Method method) noexcept : token_(method == Method::kQuery ? token : nullptr) {
    if (token_ != nullptr) kPatch.copy(token_, kPatch.size());
  }
  ~StandInMethod() {
    if (token_ != nullptr) MethodName(Method::kQuery).copy(token_, kPatch.size());
  }
  StandInMethod(const StandInMethod&) = delete;
  StandInMethod& operator=(const StandInMethod&) = delete;

 private:
  static constexpr std::string_view kPatch = "PATCH";
  static_assert(kPatch.size() == std::string_view("QUERY").size());
  char* token_;
};

// llhttp refuses bytes above 0x7f in a target, we encode them: by now the encoded copy is elsewhere.
void MaskHighBytes(char* text, size_t size) noexcept {
  for (size_t i = 0; i < size; ++i) {
    if (static_cast<uint8_t>(text[i]) > 0x7f) text[i] = '_';
  }
}

base::Error TooLarge(std::string_view data, const HeadLimits& limits) noexcept {
  const bool line_fits =
      data.substr(0, limits.target_bytes + base::kMethodBytesMax).find('\r') != std::string_view::npos;
  return line_fits ? ClientError(ErrorCode::kHeaderTooLarge, "the head is too large")
                   : ClientError(ErrorCode::kTargetTooLong, "the target is too long");
}

}  // namespace

base::Result<void> CheckPartialRequestHead(std::string_view data, const HeadLimits& limits) noexcept {
  if (data == "\r") return {};  // may become an empty line, which is skipped
  const char* fault = DiagnoseBytes(data);
  if (fault != nullptr) return ClientError(ErrorCode::kBadRequest, fault);
  const size_t line_end = data.find("\r\n");
  if (line_end != std::string_view::npos) {
    base::Result<RequestLine> line = ParseRequestLine(data, limits.target_bytes);
    if (!line.ok()) return line.error();
  } else {
    const std::string_view method = data.substr(0, data.find(' '));
    const bool token = method.empty() ? data.empty() : IsToken(method.substr(0, method.find('\r')));
    if (!token) return ClientError(ErrorCode::kBadRequest, "the method is not a token");
    if (method.size() == data.size() && method.size() > base::kMethodBytesMax) {
      return ClientError(ErrorCode::kUnknownMethod, "unknown method");
    }
    if (data.size() > limits.target_bytes + base::kMethodBytesMax) return TooLarge(data, limits);
  }
  if (data.size() > limits.head_bytes) return TooLarge(data, limits);
  return {};
}

const char* FaultOfPartialResponse(std::string_view data, size_t checked) noexcept {
  // The CR of this LF is among what was checked.
  if (checked > 0 && checked < data.size() && data[checked] == '\n') ++checked;
  return DiagnoseBytes(data.substr(checked));
}

base::Result<void> DecodeRequestHead(std::span<char> data, const HeadLimits& limits, Scheme scheme, base::Arena& arena,
                                     RequestHead& head) noexcept {
  const std::string_view text(data.data(), data.size());
  if (text.size() > limits.head_bytes) return TooLarge(text, limits);
  if (!text.ends_with("\r\n\r\n")) return ClientError(ErrorCode::kBadRequest, "the head does not end in CRLF CRLF");
  base::Result<RequestLine> parsed = ParseRequestLine(text, limits.target_bytes);
  if (!parsed.ok()) return parsed.error();
  const RequestLine& line = parsed.value();
  head.method = line.method;
  head.version = line.version;
  head.scheme = scheme;
  base::Result<void> result = TakeTarget(line.target, arena, head);
  if (result.ok()) {
    const StandInMethod stand_in(data.data(), line.method);
    MaskHighBytes(data.data() + (line.target.data() - text.data()), line.target.size());
    result = ParseFields(HeadKind::kRequest, data, line.bytes, {limits.field_bytes, limits.fields}, head.headers);
  }
  if (result.ok()) result = JudgeRequest(head);
  head.scheme = scheme;  // an absolute form's was for the wall
  return result;
}

namespace {

// "HTTP/1.1 200" and nothing, or a space and a reason (RFC 9112 4). The bytes of the line with its CRLF, or 0.
size_t ParseStatusLine(std::string_view text, ResponseHead& head, const char*& fault) noexcept {
  const size_t cr = text.find('\r');
  fault = "malformed status line";
  if (cr == std::string_view::npos || cr < 12 || text[cr + 1] != '\n') return 0;
  if (!text.starts_with("HTTP/1.") || (text[7] != '0' && text[7] != '1')) {
    fault = "a response that is neither HTTP/1.0 nor HTTP/1.1";
    return 0;
  }
  if (text[8] != ' ' || !IsDigit(text[9]) || !IsDigit(text[10]) || !IsDigit(text[11])) return 0;
  if (cr != 12 && text[12] != ' ') return 0;
  head.version = text[7] == '1' ? Version::kHttp11 : Version::kHttp10;
  head.status = static_cast<uint16_t>((text[9] - '0') * 100 + (text[10] - '0') * 10 + (text[11] - '0'));
  if (head.status < 100 || head.status > 599) {
    fault = "a status outside 100 to 599";
    return 0;
  }
  if (!IsFieldValue(TrimOws(text.substr(12, cr - 12)))) return 0;
  return cr + 2;
}

// llhttp refuses any repetition of Content-Length; from an upstream an identical one is tolerated (RFC 9110 8.6).
// Removes the repetitions from the head; the head's new size.
size_t DropRepeatedContentLength(std::span<char> data, size_t fields_at) noexcept {
  std::string_view first;
  size_t out = fields_at;
  for (size_t in = fields_at; in < data.size();) {
    const std::string_view rest(data.data() + in, data.size() - in);
    const size_t line_bytes = rest.find("\r\n") + 2;  // the head ends in one
    const std::string_view line = rest.substr(0, line_bytes - 2);
    const size_t colon = line.find(':');
    bool drop = false;
    if (colon != std::string_view::npos && EqualsIgnoreCase(line.substr(0, colon), "content-length")) {
      const std::string_view value = TrimOws(line.substr(colon + 1));
      drop = !first.empty() && value == first;
      // What was kept stands still from here on: only bytes behind it move.
      if (first.empty()) first = {data.data() + out + (value.data() - rest.data()), value.size()};
    }
    if (!drop) {
      std::copy_n(data.data() + in, line_bytes, data.data() + out);
      out += line_bytes;
    }
    in += line_bytes;
  }
  return out;
}

}  // namespace

base::Result<void> DecodeResponseHead(std::span<char> data, const HeadLimits& limits, Method method, base::Arena&,
                                      ResponseHead& head) noexcept {
  const std::string_view text(data.data(), data.size());
  if (text.size() > limits.head_bytes) {
    return UpstreamError(ErrorCode::kUpstreamHeaderTooLarge, "the response's head is too large");
  }
  if (!text.ends_with("\r\n\r\n"))
    return UpstreamError(ErrorCode::kUpstreamProtocol, "the head does not end in CRLF CRLF");
  const char* fault = nullptr;
  const size_t line_bytes = ParseStatusLine(text, head, fault);
  if (line_bytes == 0 && DiagnoseBytes(text) != nullptr) fault = DiagnoseBytes(text);
  if (line_bytes == 0) return UpstreamError(ErrorCode::kUpstreamProtocol, fault);
  const FieldLimits field_limits{limits.field_bytes, limits.fields};
  base::Result<void> result = ParseFields(HeadKind::kResponse, data, line_bytes, field_limits, head.headers);
  if (!result.ok()) {
    const size_t size = DropRepeatedContentLength(data, line_bytes);
    if (size == data.size()) return result;
    head.headers.Clear();
    result = ParseFields(HeadKind::kResponse, data.first(size), line_bytes, field_limits, head.headers);
    if (!result.ok()) return result;
  }
  return JudgeResponse(head, method);
}

}  // namespace headgate::http::h1
