#include "http/date.h"

#include <chrono>
#include <cstring>

namespace headgate::http {
namespace {

void PutTwo(char* out, unsigned value) noexcept {
  out[0] = static_cast<char>('0' + value / 10 % 10);
  out[1] = static_cast<char>('0' + value % 10);
}

}  // namespace

void FormatDate(base::WallTime time, std::span<char, kDateBytes> out) noexcept {
  using std::chrono::days;
  using std::chrono::floor;
  const auto day = floor<days>(time);
  const std::chrono::year_month_day date(day);
  const auto seconds = static_cast<unsigned>(floor<std::chrono::seconds>(time - day).count());
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  char* text = out.data();
  std::memcpy(text, "Www, 00 Mmm 0000 00:00:00 GMT", kDateBytes);
  std::memcpy(text, &"SunMonTueWedThuFriSat"[std::chrono::weekday(day).c_encoding() * 3], 3);
  PutTwo(text + 5, static_cast<unsigned>(date.day()));
  std::memcpy(text + 8, &"JanFebMarAprMayJunJulAugSepOctNovDec"[(static_cast<unsigned>(date.month()) - 1) * 3], 3);
  PutTwo(text + 12, year / 100);
  PutTwo(text + 14, year % 100);
  PutTwo(text + 17, seconds / 3600);
  PutTwo(text + 20, seconds / 60 % 60);
  PutTwo(text + 23, seconds % 60);
}

}  // namespace headgate::http
