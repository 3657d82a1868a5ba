#include "http/h1/field_parser.h"

#include <llhttp.h>

#include "http/ascii.h"

static_assert(LLHTTP_STRICT_MODE == 1, "llhttp parses loosely without it");

namespace headgate::http::h1 {
namespace {

enum class Fault : uint8_t { kNone, kStructure, kTooManyFields, kFieldTooLarge };

// Follows llhttp's spans. `next_` is where the next line has to begin: it moves from CRLF to CRLF, so that a reading of
// llhttp's that differs from ours in a single byte is noticed.
class Tiler {
 public:
  Tiler(const char* first_line, const FieldLimits& limits, HeaderMap& headers) noexcept
      : next_(first_line), limits_(limits), headers_(headers) {}

  bool OnName(const char* at, size_t size) noexcept {
    if (!CloseEmptyValue()) return false;
    if (at != next_ || size == 0 || at[size] != ':') return Fail(Fault::kStructure);
    if (headers_.size() >= limits_.fields) return Fail(Fault::kTooManyFields);
    LowerInPlace(const_cast<char*>(at), size);  // the caller's bytes are mutable, llhttp has them as const
    const std::string_view name(at, size);
    headers_.Add(InternHeader(name), name, {});
    value_from_ = at + size + 1;
    return true;
  }

  bool OnValue(const char* at, size_t size) noexcept {
    if (value_from_ == nullptr) return Fail(Fault::kStructure);
    const char* begin = SkipOws(value_from_);
    const char* end = at + size;
    const char* line_end = SkipOws(end);
    if (size != 0 && begin != at) return Fail(Fault::kStructure);
    if (size == 0) line_end = begin;
    while (end != begin && size != 0 && IsOws(end[-1])) --end;
    if (size != 0) headers_.mutable_fields().back().value = {begin, static_cast<size_t>(end - begin)};
    return CloseLine(line_end);
  }

  // `end` is behind the head's last byte.
  bool OnComplete(const char* end) noexcept {
    if (!CloseEmptyValue()) return false;
    if (next_ + 2 != end || next_[0] != '\r' || next_[1] != '\n') return Fail(Fault::kStructure);
    complete_ = true;
    return true;
  }

  const char* head_end = nullptr;
  bool complete() const noexcept { return complete_; }
  Fault fault() const noexcept { return fault_; }

 private:
  bool Fail(Fault fault) noexcept {
    fault_ = fault;
    return false;
  }
  // The head ends in CRLF CRLF: this stops, and two bytes behind it can be read.
  static const char* SkipOws(const char* at) noexcept {
    while (IsOws(*at)) ++at;
    return at;
  }
  bool CloseEmptyValue() noexcept { return value_from_ == nullptr || CloseLine(SkipOws(value_from_)); }
  bool CloseLine(const char* line_end) noexcept {
    if (line_end + 2 >= head_end || line_end[0] != '\r' || line_end[1] != '\n') return Fail(Fault::kStructure);
    if (static_cast<size_t>(line_end - next_) > limits_.field_bytes) return Fail(Fault::kFieldTooLarge);
    next_ = line_end + 2;
    value_from_ = nullptr;
    return true;
  }

  const char* next_;
  const char* value_from_ = nullptr;  // behind the colon of the field that waits for its value
  const FieldLimits& limits_;
  HeaderMap& headers_;
  Fault fault_ = Fault::kNone;
  bool complete_ = false;
};

Tiler& TilerOf(llhttp_t* parser) noexcept { return *static_cast<Tiler*>(parser->data); }

constexpr llhttp_settings_t MakeSettings() {
  llhttp_settings_t settings{};
  settings.on_header_field = [](llhttp_t* parser, const char* at, size_t size) -> int {
    return TilerOf(parser).OnName(at, size) ? HPE_OK : HPE_USER;
  };
  settings.on_header_value = [](llhttp_t* parser, const char* at, size_t size) -> int {
    return TilerOf(parser).OnValue(at, size) ? HPE_OK : HPE_USER;
  };
  // Pausing here keeps llhttp away from what it would make of the body.
  settings.on_headers_complete = [](llhttp_t* parser) -> int {
    Tiler& tiler = TilerOf(parser);
    return tiler.OnComplete(tiler.head_end) ? HPE_PAUSED : -1;
  };
  return settings;
}
constexpr llhttp_settings_t kSettings = MakeSettings();

base::Error MakeError(HeadKind kind, base::ErrorCode client_code, const char* detail) noexcept {
  if (kind == HeadKind::kRequest) return {client_code, base::Side::kClient, base::Retry::kNever, detail};
  const bool large = client_code == base::ErrorCode::kHeaderTooLarge;
  return {large ? base::ErrorCode::kUpstreamHeaderTooLarge : base::ErrorCode::kUpstreamProtocol, base::Side::kUpstream,
          base::Retry::kNever, detail};
}

base::Error Explain(HeadKind kind, const llhttp_t& parser, llhttp_errno_t error, const Tiler& tiler,
                    std::string_view fields) noexcept {
  if (tiler.fault() == Fault::kTooManyFields) {
    return MakeError(kind, base::ErrorCode::kHeaderTooLarge, "too many fields");
  }
  if (tiler.fault() == Fault::kFieldTooLarge) {
    return MakeError(kind, base::ErrorCode::kHeaderTooLarge, "a field is too large");
  }
  const char* reason = DiagnoseLines(fields);
  if (reason != nullptr) return MakeError(kind, base::ErrorCode::kBadRequest, reason);
  const bool framing = error == HPE_UNEXPECTED_CONTENT_LENGTH || error == HPE_INVALID_TRANSFER_ENCODING;
  reason = llhttp_get_error_reason(&parser);
  return MakeError(kind, framing ? base::ErrorCode::kSmuggling : base::ErrorCode::kBadRequest,
                   reason != nullptr && *reason != '\0' ? reason : "malformed head");
}

}  // namespace

base::Result<void> ParseFields(HeadKind kind, std::span<char> data, size_t start_line_bytes, const FieldLimits& limits,
                               HeaderMap& headers) noexcept {
  const std::string_view fields(data.data() + start_line_bytes, data.size() - start_line_bytes);
  Tiler tiler(fields.data(), limits, headers);
  tiler.head_end = data.data() + data.size();
  llhttp_t parser;
  llhttp_init(&parser, kind == HeadKind::kRequest ? HTTP_REQUEST : HTTP_RESPONSE, &kSettings);
  parser.data = &tiler;
  const llhttp_errno_t error = llhttp_execute(&parser, data.data(), data.size());
  if (error == HPE_PAUSED && tiler.complete()) return {};
  return Explain(kind, parser, error, tiler, fields);
}

}  // namespace headgate::http::h1
