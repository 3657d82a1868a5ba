#include "http/framing.h"

#include <array>

#include "http/ascii.h"
#include "http/header_traits.h"
#include "http/transfer_coding.h"

namespace headgate::http {
namespace {

constexpr std::array<bool, 256> MakeValueTable() {
  std::array<bool, 256> table{};
  for (size_t i = 0; i < table.size(); ++i) table[i] = i == '\t' || (i >= 0x20 && i != 0x7f);
  return table;
}
constexpr auto kValueTable = MakeValueTable();

}  // namespace

bool IsFieldName(std::string_view name) noexcept { return IsToken(name); }

bool IsFieldValue(std::string_view value) noexcept {
  for (const char c : value) {
    if (!kValueTable[static_cast<uint8_t>(c)]) return false;
  }
  return value.empty() || (!IsOws(value.front()) && !IsOws(value.back()));
}

bool IsBarredTrailer(std::string_view lower_case_name) noexcept {
  return TraitsOf(InternHeader(lower_case_name)).barred_in_trailer || lower_case_name.starts_with("x-forwarded-") ||
         ImitatesOurField(lower_case_name);
}

base::Result<void> JudgeTrailers(const HeaderMap& trailers, base::Side side) noexcept {
  for (const HeaderField& field : trailers.fields()) {
    if (!IsBarredTrailer(field.name)) continue;
    const bool client = side == base::Side::kClient;
    return base::Error{client ? base::ErrorCode::kBadRequest : base::ErrorCode::kUpstreamProtocol, side,
                       base::Retry::kNever, "a framing, authentication or forwarding field in a trailer"};
  }
  return {};
}

TransferCoding ClassifyTransferCoding(std::string_view value) noexcept {
  if (EqualsIgnoreCase(TrimOws(value), "chunked")) return TransferCoding::kChunked;
  size_t codings = 0;
  size_t chunked_at = 0;  // 1-based; 0: not seen
  bool malformed = false;
  ForEachListElement(value, [&](std::string_view coding) {
    ++codings;
    const std::string_view name = TrimOws(coding.substr(0, coding.find(';')));
    if (!IsToken(name) || chunked_at != 0) malformed = true;
    if (EqualsIgnoreCase(name, "chunked")) {
      if (name.size() != coding.size()) malformed = true;
      chunked_at = codings;
    }
    return !malformed;
  });
  // A list like ", chunked" or "chunked," reads differently elsewhere.
  if (malformed || codings == 0 || (codings == 1 && chunked_at == 1)) return TransferCoding::kMalformed;
  return TransferCoding::kUnknown;
}

}  // namespace headgate::http
