#include "proxy/exchange/services.h"

#include "http/date.h"

namespace headgate::proxy {

std::string_view DateCache::Now(base::WallTime wall) noexcept {
  const int64_t second = std::chrono::duration_cast<std::chrono::seconds>(wall.time_since_epoch()).count();
  if (second != second_) {
    http::FormatDate(wall, text_);
    second_ = second;
  }
  return {text_.data(), text_.size()};
}

}  // namespace headgate::proxy
