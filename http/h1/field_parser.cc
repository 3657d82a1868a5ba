#include "http/h1/field_parser.h"

#include <llhttp.h>

#include <algorithm>
#include <array>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "http/ascii.h"

static_assert(LLHTTP_STRICT_MODE == 1, "llhttp parses loosely without it");

#ifdef HEADGATE_LLHTTP_SSE42
extern "C" int llhttp__sse42_execute(llhttp_t* parser, const char* begin, const char* end);
#endif

namespace headgate::http::h1 {
namespace {

llhttp_errno_t Execute(llhttp_t* parser, std::string_view data) noexcept {
#ifdef HEADGATE_LLHTTP_SSE42
  static const bool have_sse42 = __builtin_cpu_supports("sse4.2") != 0;
  if (have_sse42) {
    return static_cast<llhttp_errno_t>(llhttp__sse42_execute(parser, data.data(), data.data() + data.size()));
  }
#endif
  return llhttp_execute(parser, data.data(), data.size());
}

enum class Fault : uint8_t { kNone, kStructure, kTooManyFields, kFieldTooLarge };

// The first bytes of a name as a word, and which of them belong to it.
constexpr uint64_t kOnes = 0x0101010101010101u;
constexpr uint64_t kHighBits = kOnes * 0x80;
// Not zero when a byte of `word` is below 0x21, ':', DEL or above 0x7f: nothing that a name or its neighbours could
// hide.
constexpr uint64_t NotInName(uint64_t word) {
  const uint64_t colons = word ^ (kOnes * ':');
  return ((word - kOnes * 0x21) | (colons - kOnes) | (word + kOnes) | word) & kHighBits;
}

// Follows llhttp's spans of values. `next_` is where the next line has to begin: it moves from CRLF to CRLF, so that a
// reading of llhttp's that differs from ours in a single byte is noticed.
class Tiler {
 public:
  Tiler(char* first_line, const char* head_end, const FieldLimits& limits, HeaderMap& headers) noexcept
      : next_(first_line), head_end_(head_end), limits_(limits), headers_(headers) {}

  bool OnValue(const char* at, size_t size) noexcept {
    if (size == 0) return true;  // lines without a value are taken when the next line shows up
    const char* colon = at - 1;
    while (colon > next_ && IsOws(*colon)) --colon;
    const char* end = at + size;
    const char* line_end = SkipOws(end);
    while (IsOws(end[-1])) --end;
    const std::string_view value(at, static_cast<size_t>(end - at));
    return TakeLine(colon, value, line_end) || (TakeEmptyLines() && TakeLine(colon, value, line_end));
  }

  bool OnComplete() noexcept {
    if (next_ + 2 != head_end_ && !TakeEmptyLines()) return Fail(Fault::kStructure);
    if (next_ + 2 != head_end_ || next_[0] != '\r' || next_[1] != '\n') return Fail(Fault::kStructure);
    complete_ = true;
    return true;
  }

  bool complete() const noexcept { return complete_; }
  // From the first line that was not taken.
  std::string_view unread() const noexcept { return {next_, static_cast<size_t>(head_end_ - next_)}; }
  Fault fault() const noexcept { return fault_; }

 private:
  // A limit that was passed stays the reason.
  bool Fail(Fault fault) noexcept {
    if (fault_ != Fault::kTooManyFields && fault_ != Fault::kFieldTooLarge) fault_ = fault;
    return false;
  }
  // The head ends in CRLF CRLF: this stops, and two bytes behind it can be read.
  static const char* SkipOws(const char* at) noexcept {
    while (IsOws(*at)) ++at;
    return at;
  }
  // Takes the lines at next_ that have a name only. False when there is none.
  bool TakeEmptyLines() noexcept {
    if (fault_ != Fault::kStructure && fault_ != Fault::kNone) return false;
    bool any = false;
    while (next_ + 2 < head_end_) {
      const auto* colon = static_cast<const char*>(std::memchr(next_, ':', static_cast<size_t>(head_end_ - next_)));
      if (colon == nullptr || *SkipOws(colon + 1) != '\r') break;
      fault_ = Fault::kNone;
      if (!TakeLine(colon, {}, SkipOws(colon + 1))) return false;
      any = true;
    }
    return any;
  }

  // One line: [next_, colon) ':' OWS value OWS CRLF, which starts at `line_end`.
  bool TakeLine(const char* colon, std::string_view value, const char* line_end) noexcept {
    if (colon <= next_ || *colon != ':') return Fail(Fault::kStructure);
    if (line_end + 2 >= head_end_ || line_end[0] != '\r' || line_end[1] != '\n') return Fail(Fault::kStructure);
    const std::string_view name(next_, static_cast<size_t>(colon - next_));
    if (!LowerName(next_, name.size())) return Fail(Fault::kStructure);
    if (static_cast<size_t>(line_end - next_) > limits_.field_bytes) return Fail(Fault::kFieldTooLarge);
    if (headers_.size() >= limits_.fields) return Fail(Fault::kTooManyFields);
    headers_.Add(InternHeader(name), name, value);
    next_ += line_end + 2 - next_;
    return true;
  }

  // Lower-cases a name. llhttp has seen to it that it is a token; that it is one token and nothing else is checked
  // here.
  bool LowerName(char* text, size_t size) const noexcept {
#ifdef __SSE2__
    if (size <= 16 && text + 16 <= head_end_) return LowerShortName(text, size);
#endif
    uint64_t fault = 0;
    const auto lower_at = [&fault](char* at) {
      uint64_t word;
      std::memcpy(&word, at, sizeof word);
      fault |= NotInName(word);
      word = LowerWord(word);
      std::memcpy(at, &word, sizeof word);
    };
    if (size >= 8) {
      for (size_t at = 0; at + 8 <= size; at += 8) lower_at(text + at);
      lower_at(text + size - 8);
      return fault == 0;
    }
    if (text + 8 > head_end_) {
      LowerInPlace(text, size);
      return IsToken({text, size});
    }
    uint64_t word;
    std::memcpy(&word, text, sizeof word);
    const uint64_t mask = (uint64_t{1} << (size * 8)) - 1;
    fault = NotInName((word & mask) | (~mask & (kOnes * 'a')));
    word = (word & ~mask) | (LowerWord(word) & mask);
    std::memcpy(text, &word, sizeof word);
    return fault == 0;
  }

#ifdef __SSE2__
  // At most 16 bytes; what is behind the name is written back as it was.
  static bool LowerShortName(char* text, size_t size) noexcept {
    auto* const at = reinterpret_cast<__m128i*>(text);
    const __m128i bytes = _mm_loadu_si128(at);
    const auto all = [](char c) { return _mm_set1_epi8(c); };
    // Compared as signed bytes: those above 0x7f are below all others.
    const __m128i visible = _mm_and_si128(_mm_cmpgt_epi8(bytes, all(' ')), _mm_cmpgt_epi8(all('\x7f'), bytes));
    const __m128i good = _mm_andnot_si128(_mm_cmpeq_epi8(bytes, all(':')), visible);
    const __m128i upper = _mm_and_si128(_mm_cmpgt_epi8(bytes, all('A' - 1)), _mm_cmpgt_epi8(all('Z' + 1), bytes));
    const __m128i named = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kNamed.data() + 16 - size));
    _mm_storeu_si128(at, _mm_or_si128(bytes, _mm_and_si128(_mm_and_si128(upper, named), all(0x20))));
    return _mm_movemask_epi8(_mm_andnot_si128(good, named)) == 0;
  }
  // All ones for `size` bytes from 16 - size on.
  static constexpr std::array<uint8_t, 32> kNamed = [] {
    std::array<uint8_t, 32> bytes{};
    std::fill_n(bytes.begin(), 16, uint8_t{0xff});
    return bytes;
  }();
#endif

  char* next_;
  const char* head_end_;
  const FieldLimits& limits_;
  HeaderMap& headers_;
  Fault fault_ = Fault::kNone;
  bool complete_ = false;
};

Tiler& TilerOf(llhttp_t* parser) noexcept { return *static_cast<Tiler*>(parser->data); }

constexpr llhttp_settings_t MakeSettings() {
  llhttp_settings_t settings{};
  settings.on_header_value = [](llhttp_t* parser, const char* at, size_t size) -> int {
    return TilerOf(parser).OnValue(at, size) ? HPE_OK : HPE_USER;
  };
  // Pausing here keeps llhttp away from what it would make of the body.
  settings.on_headers_complete = [](llhttp_t* parser) -> int { return TilerOf(parser).OnComplete() ? HPE_PAUSED : -1; };
  return settings;
}
constexpr llhttp_settings_t kSettings = MakeSettings();

base::Error MakeError(HeadKind kind, base::ErrorCode client_code, const char* detail) noexcept {
  if (kind == HeadKind::kRequest) return {client_code, base::Side::kClient, base::Retry::kNever, detail};
  const bool large = client_code == base::ErrorCode::kHeaderTooLarge;
  return {large ? base::ErrorCode::kUpstreamHeaderTooLarge : base::ErrorCode::kUpstreamProtocol, base::Side::kUpstream,
          base::Retry::kNever, detail};
}

constexpr std::string_view kTransferEncoding = "transfer-encoding:";

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
  // llhttp leaves such a value where it stops being one `chunked`.
  if (EqualsIgnoreCase(tiler.unread().substr(0, kTransferEncoding.size()), kTransferEncoding)) {
    return MakeError(kind, base::ErrorCode::kSmuggling, "transfer-encoding is not one chunked");
  }
  const bool framing = error == HPE_UNEXPECTED_CONTENT_LENGTH || error == HPE_INVALID_TRANSFER_ENCODING;
  reason = llhttp_get_error_reason(&parser);
  return MakeError(kind, framing ? base::ErrorCode::kSmuggling : base::ErrorCode::kBadRequest,
                   reason != nullptr && *reason != '\0' ? reason : "malformed head");
}

base::Result<void> ParseOnce(HeadKind kind, std::span<char> data, size_t start_line_bytes, const FieldLimits& limits,
                             HeaderMap& headers) noexcept {
  const std::string_view fields(data.data() + start_line_bytes, data.size() - start_line_bytes);
  Tiler tiler(data.data() + start_line_bytes, data.data() + data.size(), limits, headers);
  llhttp_t parser;
  llhttp_init(&parser, kind == HeadKind::kRequest ? HTTP_REQUEST : HTTP_RESPONSE, &kSettings);
  parser.data = &tiler;
  const llhttp_errno_t error = Execute(&parser, {data.data(), data.size()});
  if (error == HPE_PAUSED && tiler.complete()) return {};
  return Explain(kind, parser, error, tiler, fields);
}

// Makes blanks of the tabs around values. False when there is none.
bool BlankTabs(std::span<char> fields) noexcept {
  bool any = false;
  const auto blank = [&any](char& c) {
    any = any || c == '\t';
    c = ' ';
  };
  for (size_t i = 0; i < fields.size(); ++i) {
    const auto* colon = static_cast<char*>(std::memchr(&fields[i], ':', fields.size() - i));
    if (colon == nullptr) break;
    i = static_cast<size_t>(colon - fields.data()) + 1;
    for (; i < fields.size() && IsOws(fields[i]); ++i) blank(fields[i]);
    const size_t value_at = i;
    while (i < fields.size() && fields[i] != '\r' && fields[i] != '\n') ++i;
    for (size_t end = i; end > value_at && IsOws(fields[end - 1]); --end) blank(fields[end - 1]);
  }
  return any;
}

}  // namespace

base::Result<void> ParseFields(HeadKind kind, std::span<char> data, size_t start_line_bytes, const FieldLimits& limits,
                               HeaderMap& headers) noexcept {
  base::Result<void> result = ParseOnce(kind, data, start_line_bytes, limits, headers);
  // llhttp takes blanks only around values that frame; the white space may be a tab (RFC 9110 5.6.3).
  if (result.ok() || !BlankTabs(data.subspan(start_line_bytes))) return result;
  headers.Clear();
  return ParseOnce(kind, data, start_line_bytes, limits, headers);
}

}  // namespace headgate::http::h1
