#include "http/header_name.h"

#include <array>
#include <bit>
#include <cstring>

namespace headgate::http {
namespace {

constexpr std::array<std::string_view, kHeaderIdCount> kTexts = {"",
                                                                 "accept",
                                                                 "accept-encoding",
                                                                 "authorization",
                                                                 "cache-control",
                                                                 "cdn-loop",
                                                                 "connection",
                                                                 "content-encoding",
                                                                 "content-length",
                                                                 "content-type",
                                                                 "cookie",
                                                                 "date",
                                                                 "expect",
                                                                 "forwarded",
                                                                 "grpc-status",
                                                                 "grpc-message",
                                                                 "grpc-timeout",
                                                                 "host",
                                                                 "http2-settings",
                                                                 "keep-alive",
                                                                 "location",
                                                                 "max-forwards",
                                                                 "origin",
                                                                 "proxy-authenticate",
                                                                 "proxy-authorization",
                                                                 "proxy-connection",
                                                                 "range",
                                                                 "referer",
                                                                 "retry-after",
                                                                 "sec-websocket-accept",
                                                                 "sec-websocket-key",
                                                                 "sec-websocket-version",
                                                                 "server",
                                                                 "set-cookie",
                                                                 "te",
                                                                 "traceparent",
                                                                 "trailer",
                                                                 "transfer-encoding",
                                                                 "upgrade",
                                                                 "user-agent",
                                                                 "via",
                                                                 "www-authenticate",
                                                                 "x-forwarded-client-cert",
                                                                 "x-forwarded-for",
                                                                 "x-forwarded-host",
                                                                 "x-forwarded-port",
                                                                 "x-forwarded-proto",
                                                                 "x-real-ip",
                                                                 "x-request-id"};
static_assert(static_cast<size_t>(HeaderId::kXRequestId) + 1 == kHeaderIdCount);
static_assert(kTexts[static_cast<size_t>(HeaderId::kXRequestId)] == "x-request-id");
static_assert(kTexts[static_cast<size_t>(HeaderId::kRange)] == "range");

// A perfect hash of the names above: the last four bytes, the first byte and the length. The multiplier was found by
// trial; MakeTable fails to compile when two names collide, then another has to be tried.
constexpr uint32_t kMultiplier = 0xf8b4ad41u;
constexpr unsigned kBits = 7;

constexpr uint32_t Slot(uint32_t tail, char first, size_t size) {
  const uint32_t key = tail + (static_cast<uint32_t>(size) << 16) + static_cast<uint8_t>(first);
  return (key * kMultiplier) >> (32 - kBits);
}
constexpr uint32_t ShortTail(const char* text, size_t size) {
  return static_cast<uint32_t>(static_cast<uint8_t>(text[0])) |
         static_cast<uint32_t>(static_cast<uint8_t>(text[size - 1])) << 8;
}
constexpr uint32_t LongTail(const char* end) {
  uint32_t tail = 0;
  for (int i = 1; i <= 4; ++i) tail = tail << 8 | static_cast<uint8_t>(end[-i]);
  return tail;
}

struct Table {
  std::array<uint8_t, 1u << kBits> ids{};
  bool perfect = true;
};
constexpr Table MakeTable() {
  Table table;
  for (size_t i = 1; i < kTexts.size(); ++i) {
    const std::string_view text = kTexts[i];
    const uint32_t tail = text.size() < 4 ? ShortTail(text.data(), text.size()) : LongTail(text.data() + text.size());
    uint8_t& id = table.ids[Slot(tail, text[0], text.size())];
    if (id != 0) table.perfect = false;
    id = static_cast<uint8_t>(i);
  }
  return table;
}
constexpr Table kTable = MakeTable();
static_assert(kTable.perfect);

}  // namespace

HeaderId InternHeader(std::string_view lower_case) noexcept {
  if (lower_case.empty()) return HeaderId::kOther;
  const size_t size = lower_case.size();
  uint32_t tail;
  if (size < 4) {
    tail = ShortTail(lower_case.data(), size);
  } else {
    std::memcpy(&tail, lower_case.data() + size - 4, sizeof tail);
    if constexpr (std::endian::native == std::endian::big) tail = __builtin_bswap32(tail);
  }
  const uint8_t id = kTable.ids[Slot(tail, lower_case[0], size)];
  const std::string_view text = kTexts[id];
  // The empty slots' text is empty: another size.
  if (text.size() != size || std::memcmp(text.data(), lower_case.data(), size) != 0) return HeaderId::kOther;
  return static_cast<HeaderId>(id);
}

std::string_view HeaderText(HeaderId id) noexcept { return kTexts[static_cast<size_t>(id)]; }

}  // namespace headgate::http
