#include "http/h2/hpack_filter.h"

#include <algorithm>
#include <array>

#include "base/limits.h"

namespace headgate::http::h2 {
namespace {

// A length's third byte behind the prefix counts by this: what it counts beyond one is cut off the string.
constexpr size_t kChunk = 1U << 14U;
constexpr uint8_t kMore = 0x80;   // another byte of the integer follows
constexpr size_t kPrefix = 0x7f;  // of a string's length
constexpr size_t kStartBytes = 2 + kTooLargeMark.size();
constexpr size_t kLengthBytes = 3;
using FieldStart = std::array<char, kStartBytes + kLengthBytes>;

// A literal that is not put into the table: its name, and the length of a value of so many bytes.
constexpr FieldStart MakeField(size_t value_bytes) {
  FieldStart start{};
  start[1] = static_cast<char>(kTooLargeMark.size());
  std::copy(kTooLargeMark.begin(), kTooLargeMark.end(), start.begin() + 2);
  const size_t rest = value_bytes - kPrefix;
  start[kStartBytes] = static_cast<char>(kPrefix);
  start[kStartBytes + 1] = static_cast<char>(rest % 128 + kMore);
  start[kStartBytes + 2] = static_cast<char>(rest / 128);
  return start;
}

constexpr FieldStart kWholeField = MakeField(kChunk - kStartBytes - kLengthBytes);
constexpr FieldStart kShortField = MakeField(kChunk - 2 * kStartBytes - kLengthBytes);  // and the next one's name
constexpr FieldStart kValueOnly = MakeField(kChunk - kLengthBytes);

std::string_view View(const FieldStart& start) { return {start.data(), start.size()}; }

}  // namespace

bool HpackFilter::Pass(std::span<char> bytes) noexcept {
  for (size_t i = 0; i < bytes.size();) {
    const bool string = part_ == Part::kName || part_ == Part::kValue;
    if (string && excess_ == 0) {
      const size_t skipped = std::min(length_ - at_, bytes.size() - i);
      at_ += skipped;
      i += skipped;
      if (at_ == length_) EndString();
      continue;
    }
    char& byte = bytes[i++];
    switch (part_) {
      case Part::kField:
        BeginField(static_cast<uint8_t>(byte));
        break;
      case Part::kIndex:
        if ((static_cast<uint8_t>(byte) & kMore) == 0) EndIndex();
        break;
      case Part::kNameLength:
      case Part::kValueLength:
        if (!Length(byte)) return false;
        break;
      case Part::kName:
      case Part::kValue:
        byte = Disguised();
        if (++at_ == length_) EndString();
        break;
      case Part::kFiller:
        byte = Filler();
        if (++at_ == excess_) Next();
        break;
    }
  }
  return true;
}

// RFC 7541 6.1 to 6.3: indexed, literal for the table, new size of the table, literal (never) for the table.
void HpackFilter::BeginField(uint8_t byte) noexcept {
  const bool indexed = (byte & 0x80) != 0;
  const bool added = !indexed && (byte & 0x40) != 0;
  const bool resized = !indexed && !added && (byte & 0x20) != 0;
  literal_ = !indexed && !resized;
  const uint8_t prefix = indexed ? 0x7f : added ? 0x3f : resized ? 0x1f : 0x0f;
  begun_ = false;
  if ((byte & prefix) == prefix) {
    part_ = Part::kIndex;
  } else if (literal_ && (byte & prefix) == 0) {
    part_ = Part::kNameLength;
  } else {
    EndIndex();
  }
}

void HpackFilter::EndIndex() noexcept { part_ = literal_ ? Part::kValueLength : Part::kField; }

// RFC 7541 5.2. False: longer than any head may be.
bool HpackFilter::Length(char& byte) noexcept {
  const auto bits = static_cast<uint8_t>(byte);
  if (!begun_) {
    begun_ = true;
    huffman_ = (bits & 0x80) != 0;
    length_ = bits & kPrefix;
    shift_ = 0;
    excess_ = 0;
    if (length_ < kPrefix) BeginString();
    return true;
  }
  const size_t part = static_cast<size_t>(bits & 0x7f) << shift_;
  if (shift_ > 28 || length_ + part > base::kHttp2HeadBytesMax) return false;
  shift_ += 7;
  length_ += part;
  if (length_ > base::kHttp2FieldBytesMax && excess_ == 0) {
    // Only a third byte can have come so far. With 1 in its place the string is one that the table has no room for.
    excess_ = part - kChunk;
    length_ -= excess_;
    byte = static_cast<char>((bits & kMore) | 1);
  }
  if ((bits & kMore) == 0) BeginString();
  return true;
}

void HpackFilter::BeginString() noexcept {
  at_ = 0;
  part_ = part_ == Part::kNameLength ? Part::kName : Part::kValue;
  if (length_ == 0) EndString();
}

void HpackFilter::EndString() noexcept {
  at_ = 0;
  if (excess_ > 0) {
    literal_ = part_ == Part::kName;  // a value is still to come
    part_ = Part::kFiller;
    return;
  }
  literal_ = part_ == Part::kName;
  Next();
}

void HpackFilter::Next() noexcept {
  begun_ = false;
  part_ = literal_ ? Part::kValueLength : Part::kField;
}

// A byte of a string that was too long: letters, in Huffman's code 0 (five bits of 0) and a padding of ones.
char HpackFilter::Disguised() const noexcept {
  if (!huffman_) return 'x';
  constexpr std::array<char, 5> kLast = {0, 0x07, 0x01, 0x0f, 0x03};
  return at_ + 1 == length_ ? kLast[length_ % kLast.size()] : '\0';
}

// A byte of the fields that stand for the rest of such a string. Behind a name comes its value first, and the last of
// them takes the value that the string's own field has.
char HpackFilter::Filler() const noexcept {
  const size_t offset = at_ % kChunk;
  const bool value_only = literal_ && at_ < kChunk;
  const bool last = literal_ && at_ + kChunk >= excess_ + offset;
  std::string_view start = View(last ? kShortField : kWholeField);
  if (value_only) start = View(kValueOnly).substr(kStartBytes);
  if (offset < start.size()) return start[offset];
  const size_t tail = last ? kChunk - kStartBytes : kChunk;
  return offset >= tail ? View(kShortField)[offset - tail] : 'x';
}

}  // namespace headgate::http::h2
