// Writes JSON into memory of the caller's without allocating: access log, answers of our own.
// Borrows its buffer from the caller.
// One thread.
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace headgate::base::json {

struct Escaped {
  size_t written = 0;   // bytes of `out` that are filled
  size_t consumed = 0;  // bytes of `text` that are represented; fewer than all when `out` is full
};

// Writes `text` as the inside of a JSON string (no quotes): quote, backslash and control characters escaped, each byte
// that is not part of valid UTF-8 as \ufffd. Stops before a character that does not fit whole.
Escaped AppendEscaped(std::span<char> out, std::string_view text) noexcept;

// Builds one value piece by piece; commas come by themselves. Once a piece does not fit it and all later ones are left
// out and ok() is false; the caller then drops the text. Nests at most 31 levels. Does not check that keys and values
// alternate: that is the caller's text.
class Writer {
 public:
  explicit Writer(std::span<char> out) noexcept : out_(out) {}

  bool ok() const noexcept { return ok_; }
  std::string_view view() const noexcept { return {out_.data(), size_}; }

  void BeginObject() noexcept { Open('{'); }
  void EndObject() noexcept { Close('}'); }
  void BeginArray() noexcept { Open('['); }
  void EndArray() noexcept { Close(']'); }
  void Key(std::string_view name) noexcept;

  void String(std::string_view text) noexcept;
  // At most `bytes_max` bytes of `text`, then "..." if that was not all.
  void StringCut(std::string_view text, size_t bytes_max) noexcept;
  template <std::integral T>
    requires(!std::same_as<T, bool> && !std::same_as<T, char>)
  void Number(T value) noexcept {
    char digits[24];
    const auto result = std::to_chars(digits, digits + sizeof(digits), value);
    Literal({digits, static_cast<size_t>(result.ptr - digits)});
  }
  // A number with `decimals` digits behind the point: Fixed(12345, 3) is 12.345 (milliseconds out of microseconds).
  void Fixed(uint64_t value, unsigned decimals) noexcept;
  void Bool(bool value) noexcept { Literal(value ? "true" : "false"); }
  void Null() noexcept { Literal("null"); }
  // A value that is JSON already.
  void Literal(std::string_view json) noexcept;

 private:
  void Open(char bracket) noexcept;
  void Close(char bracket) noexcept;
  void Separate() noexcept;  // the comma before a value or key, where one is due
  void Put(std::string_view text) noexcept;
  void PutEscaped(std::string_view text) noexcept;

  std::span<char> out_;
  size_t size_ = 0;
  uint32_t has_elements_ = 0;  // a bit per open level, the lowest is the innermost
  unsigned depth_ = 0;
  bool after_key_ = false;
  bool ok_ = true;
};

}  // namespace headgate::base::json
