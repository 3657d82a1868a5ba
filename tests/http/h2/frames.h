// HTTP/2 frames written by hand (RFC 9113 4.1, 6), for what no client library would send. HPACK as literals, or names
// and values of the dynamic table (RFC 7541 6).
// Stateless functions; HpackWriter is on the test's stack.
// One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headgate::http::h2 {

inline constexpr std::string_view kMagic = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

enum FrameType : uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriorityFrame = 2,
  kRstStream = 3,
  kSettingsFrame = 4,
  kPushPromise = 5,
  kPing = 6,
  kGoaway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
  kPriorityUpdate = 16,
};
enum FrameFlag : uint8_t { kNoFlags = 0, kEndStream = 1, kAck = 1, kEndHeaders = 4, kPadded = 8 };

inline std::string Big(uint64_t value, size_t bytes) {
  std::string text;
  for (size_t i = bytes; i-- > 0;) text += static_cast<char>(value >> (8 * i));
  return text;
}

inline std::string Frame(FrameType type, int flags, int32_t id, std::string_view payload = {}) {
  return Big(payload.size(), 3) + static_cast<char>(type) + static_cast<char>(flags) +
         Big(static_cast<uint32_t>(id), 4) + std::string(payload);
}
inline std::string WindowUpdate(int32_t id, uint32_t increment) {
  return Frame(kWindowUpdate, 0, id, Big(increment, 4));
}
inline std::string RstStream(int32_t id, uint32_t code = 8) { return Frame(kRstStream, 0, id, Big(code, 4)); }
inline std::string Preface() { return std::string(kMagic) + Frame(kSettingsFrame, 0, 0); }

using Fields = std::vector<std::pair<std::string, std::string>>;

inline std::string HpackInteger(uint64_t value, unsigned prefix_bits, uint8_t pattern) {
  const uint64_t max = (1u << prefix_bits) - 1;
  if (value < max) return std::string(1, static_cast<char>(pattern | value));
  std::string text(1, static_cast<char>(pattern | max));
  for (value -= max; value >= 128; value /= 128) text += static_cast<char>(value % 128 + 128);
  return text + static_cast<char>(value);
}
inline std::string HpackString(std::string_view text) { return HpackInteger(text.size(), 7, 0) + std::string(text); }
// A literal that the decoder does not put into its table, or (`indexed`) does.
inline std::string HpackField(std::string_view name, std::string_view value, bool indexed = false) {
  return std::string(1, static_cast<char>(indexed ? 0x40 : 0x00)) + HpackString(name) + HpackString(value);
}
// The newest entry of the dynamic table is 62.
inline std::string HpackIndex(uint64_t index) { return HpackInteger(index, 7, 0x80); }

inline std::string Block(const Fields& fields) {
  std::string block;
  for (const auto& [name, value] : fields) block += HpackField(name, value);
  return block;
}
inline std::string Headers(int32_t id, const Fields& fields, bool end = true) {
  return Frame(kHeaders, kEndHeaders | (end ? kEndStream : 0), id, Block(fields));
}
inline std::string Data(int32_t id, std::string_view data, bool end) {
  return Frame(kData, end ? kEndStream : 0, id, data);
}

inline Fields GetFields(const Fields& more = {}) {
  Fields fields = {{":method", "GET"}, {":scheme", "http"}, {":authority", "example.com"}, {":path", "/"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}
inline Fields PostFields(const Fields& more = {}) {
  Fields fields = GetFields(more);
  fields[0].second = "POST";
  return fields;
}

// A frame as it was produced.
struct ParsedFrame {
  uint8_t type = 0;
  uint8_t flags = 0;
  int32_t id = 0;
  std::string payload;

  uint32_t number(size_t at) const {
    uint32_t value = 0;
    for (size_t i = at; i < at + 4 && i < payload.size(); ++i) value = value << 8 | static_cast<uint8_t>(payload[i]);
    return value;
  }
};

inline std::vector<ParsedFrame> ParseFrames(std::string_view bytes) {
  std::vector<ParsedFrame> frames;
  if (bytes.substr(0, kMagic.size()) == kMagic) bytes.remove_prefix(kMagic.size());
  while (bytes.size() >= 9) {
    const auto byte = [&](size_t at) { return static_cast<uint8_t>(bytes[at]); };
    const size_t length = static_cast<size_t>(byte(0)) << 16 | static_cast<size_t>(byte(1)) << 8 | byte(2);
    const uint32_t id = static_cast<uint32_t>(byte(5)) << 24 | static_cast<uint32_t>(byte(6)) << 16 |
                        static_cast<uint32_t>(byte(7)) << 8 | byte(8);
    frames.push_back({byte(3), byte(4), static_cast<int32_t>(id & 0x7fffffff), std::string(bytes.substr(9, length))});
    bytes.remove_prefix(std::min(bytes.size(), 9 + length));
  }
  return frames;
}

}  // namespace headgate::http::h2
