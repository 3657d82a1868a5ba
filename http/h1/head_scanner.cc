#include <algorithm>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "http/h1/decoder.h"

namespace headgate::http::h1 {
namespace {

constexpr std::string_view kEnd = "\r\n\r\n";

}  // namespace

size_t HeadScanner::Scan(std::string_view data) noexcept {
  if (data.size() < kEnd.size()) return 0;
  size_t at = scanned_;
#ifdef __SSE2__
  // Two CRs two apart are rare enough to look at closely.
  const __m128i cr = _mm_set1_epi8('\r');
  for (; at + 18 <= data.size(); at += 16) {
    const auto load = [&](size_t i) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(data.data() + i)); };
    const __m128i both = _mm_and_si128(_mm_cmpeq_epi8(load(at), cr), _mm_cmpeq_epi8(load(at + 2), cr));
    if (_mm_movemask_epi8(both) == 0) continue;
    const size_t window = std::min<size_t>(at + 16 + kEnd.size() - 1, data.size());
    const size_t found = data.substr(0, window).find(kEnd, at);
    if (found != std::string_view::npos) return found + kEnd.size();
  }
#endif
  const size_t found = data.find(kEnd, at);
  if (found != std::string_view::npos) return found + kEnd.size();
  scanned_ = data.size() - (kEnd.size() - 1);
  return 0;
}

size_t LeadingEmptyLines(std::string_view data) noexcept {
  size_t bytes = 0;
  for (size_t i = 0; i < base::kLeadingEmptyLinesMax && data.substr(bytes).starts_with("\r\n"); ++i) bytes += 2;
  return bytes;
}

}  // namespace headgate::http::h1
