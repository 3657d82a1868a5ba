// Columns of places in one text, asked for mostly from front to back: a long line is not counted again for each.
// Owned by a reader of YAML.
// Control thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "config/text.h"

namespace headgate::config {

class ColumnCounter {
 public:
  explicit ColumnCounter(std::string_view text) : text_(text) {}

  /// From 1, in characters: the column of offset `at` in the line that begins at `line_start`.
  uint32_t ColumnOf(size_t line_start, size_t at) {
    if (line_start != line_start_ || at < at_) {
      line_start_ = at_ = line_start;
      column_ = 1;
    }
    column_ += CountColumns(text_.substr(at_, at - at_));
    at_ = at;
    return column_;
  }

 private:
  std::string_view text_;
  size_t line_start_ = 0;
  size_t at_ = 0;
  uint32_t column_ = 1;
};

}  // namespace headgate::config
