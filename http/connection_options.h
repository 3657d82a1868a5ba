// The options of a message's Connection fields (RFC 9110 7.6.1).
// Owned by whoever judges the message; text is a view of the fields.
// One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/header_map.h"

namespace headgate::http {

class ConnectionOptions {
 public:
  // Adds one field's value. Null when it is fine, else what is wrong with it (a literal): not a list of tokens, a name
  // that matters, too many names.
  const char* Add(std::string_view value) noexcept;
  bool close() const noexcept { return close_; }
  bool keep_alive() const noexcept { return keep_alive_; }
  bool upgrade() const noexcept { return upgrade_; }
  // Removes the fields that were named.
  void RemoveNamed(HeaderMap& headers) const;
  // A copy for the message's trailers, in `arena`; null when no field was named.
  const ConnectionOptions* Kept(base::Arena& arena) const;

 private:
  static constexpr size_t kNamedMax = 16;  // real ones name none or two; bounds the removal's work
  const char* AddOption(std::string_view option) noexcept;

  bool close_ = false;
  bool keep_alive_ = false;
  bool upgrade_ = false;
  uint8_t named_count_ = 0;
  std::array<std::string_view, kNamedMax> named_;
};

/// The timeout in a Keep-Alive field (`timeout=5, max=100`), in seconds, at most a day; 0: it states none.
uint32_t KeepAliveTimeout(std::string_view value) noexcept;

}  // namespace headgate::http
