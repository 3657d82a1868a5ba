// A value together with the place in a file that it was written at, and the three states of a policy key.
// Owned by the config::Model that holds them.
// Control thread; once a Model is built it is const and may be read from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace headgate::config {

/// Where a value stands. `file` indexes Model::files; line and column count from 1 and columns are characters (UTF-8
/// code points), `length` is the width of the value in columns. Line 0: the value was not written anywhere.
struct Position {
  uint32_t file = 0;
  uint32_t line = 0;
  uint32_t column = 0;
  uint32_t length = 0;

  bool IsWritten() const { return line != 0; }
  friend bool operator==(const Position&, const Position&) = default;
};

template <class T>
struct Located {
  T value{};
  Position at;
};

/// A value that may be left out; the default then holds (config/defaults.h).
template <class T>
using Optional = std::optional<Located<T>>;

/// A copyable heap cell for blocks that most routes do without: it keeps a Route small. Empty means absent.
template <class T>
class Box {
 public:
  Box() = default;
  explicit Box(T value) : value_(std::make_unique<T>(std::move(value))) {}
  Box(const Box& other) : value_(other.value_ ? std::make_unique<T>(*other.value_) : nullptr) {}
  Box(Box&&) noexcept = default;
  Box& operator=(const Box& other) {
    if (this != &other) value_ = other.value_ ? std::make_unique<T>(*other.value_) : nullptr;
    return *this;
  }
  Box& operator=(Box&&) noexcept = default;
  ~Box() = default;

  explicit operator bool() const { return value_ != nullptr; }
  bool has_value() const { return value_ != nullptr; }
  T& emplace() { return *(value_ = std::make_unique<T>()); }
  void reset() { value_.reset(); }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }

 private:
  std::unique_ptr<T> value_;
};

/// A key with three states: absent (the default holds), `none` (taken away, or unlimited), or a value.
/// A route's key replaces the whole of the default's: see Or().
template <class T>
class Setting {
 public:
  bool IsAbsent() const { return state_ == State::kAbsent; }
  bool IsNone() const { return state_ == State::kNone; }
  bool HasValue() const { return state_ == State::kValue; }

  /// Only if HasValue().
  const T& operator*() const { return *value_; }
  const T* operator->() const { return &*value_; }
  const Position& at() const { return at_; }

  void SetNone(const Position& at) {
    state_ = State::kNone;
    at_ = at;
    value_ = {};
  }
  void Set(T value, const Position& at) {
    state_ = State::kValue;
    at_ = at;
    value_ = Cell(std::move(value));
  }

  /// This key where it was written (even as `none`), else the default's.
  const Setting& Or(const Setting& defaults) const { return IsAbsent() ? defaults : *this; }

  /// The value, `none_value` for `none`, `absent_value` where nothing was written.
  T ValueOr(T absent_value, T none_value) const {
    if (IsAbsent()) return absent_value;
    return IsNone() ? none_value : *value_;
  }

 private:
  enum class State : uint8_t { kAbsent, kNone, kValue };
  static constexpr std::size_t kInlineBytesMax = 16;
  using Cell = std::conditional_t<(sizeof(T) > kInlineBytesMax), Box<T>, std::optional<T>>;

  State state_ = State::kAbsent;
  Position at_;
  Cell value_;
};

}  // namespace headgate::config
