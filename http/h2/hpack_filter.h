// Walks the header blocks on their way to nghttp2 (RFC 7541 6), which takes a string of more than 64 KiB for a broken
// connection, and makes others of such strings, in place: a field that HeadReader knows by its name for one that was
// too large. The decoder's table stays in step: a literal that is larger than the table empties it, whatever its size.
// Owned by a FrameWatch.
// One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace headgate::http::h2 {

// The name of a field that stands for bytes of one that was too large. No field may be called so.
inline constexpr std::string_view kTooLargeMark("\0too-large", 10);

class HpackFilter {
 public:
  void BeginBlock() noexcept { part_ = Part::kField; }
  // The block's next bytes. False: a string beyond any head's bounds.
  bool Pass(std::span<char> bytes) noexcept;

 private:
  enum class Part : uint8_t { kField, kIndex, kNameLength, kName, kValueLength, kValue, kFiller };

  void BeginField(uint8_t byte) noexcept;
  void EndIndex() noexcept;
  bool Length(char& byte) noexcept;
  void BeginString() noexcept;
  void EndString() noexcept;
  void Next() noexcept;
  char Disguised() const noexcept;
  char Filler() const noexcept;

  Part part_ = Part::kField;
  bool literal_ = false;  // a value follows the name
  bool huffman_ = false;  // the string's code
  bool begun_ = false;    // the first byte of the length was seen
  unsigned shift_ = 0;    // of the length's next byte
  size_t length_ = 0;     // of the string as it goes on
  size_t at_ = 0;         // of it, then of what is behind it
  size_t excess_ = 0;     // bytes behind the string that were its own; 0: it is no longer than it may be
};

}  // namespace headgate::http::h2
