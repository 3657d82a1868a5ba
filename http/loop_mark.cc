#include "http/loop_mark.h"

#include <algorithm>

#include "base/crypto/random.h"
#include "base/limits.h"
#include "http/ascii.h"
#include "http/field_list.h"

namespace headgate::http {

LoopMark::LoopMark() noexcept {
  constexpr std::string_view kName = "headgate-";
  char* const digits = std::copy(kName.begin(), kName.end(), text_.data());
  base::RandomHex({digits, text_.data() + text_.size()});
}

bool LoopMark::IsIn(const HeaderMap& headers) const noexcept {
  if (!headers.MayHave(HeaderId::kCdnLoop)) return false;
  size_t proxies = 0;
  for (const HeaderField& field : headers.fields()) {
    if (field.id != HeaderId::kCdnLoop) continue;
    const bool other = ForEachListElement(field.value, [&](std::string_view element) {
      ++proxies;
      return TrimOws(element.substr(0, element.find(';'))) != text();
    });
    if (!other || proxies > base::kLoopMarksMax) return true;
  }
  return false;
}

void LoopMark::AddTo(HeaderMap& headers) const {
  const std::string_view before = JoinLines(headers, HeaderId::kCdnLoop);
  headers.Set(HeaderId::kCdnLoop, before.empty() ? text() : headers.arena().Concat({before, ", ", text()}));
}

}  // namespace headgate::http
