// Knows a request that comes back by the mark that each process adds to the CDN-Loop of what it forwards (RFC 8586).
// Owned by the process; a head keeps a view of its text.
// Const once made: any thread.
#pragma once

#include <array>
#include <string_view>

#include "http/header_map.h"

namespace headgate::http {

class LoopMark {
 public:
  // Draws a mark that nobody can guess: a client cannot have another's request taken for one that came back, and other
  // headgates on the way are no loop.
  LoopMark() noexcept;

  // Whether a request with these fields was forwarded by this process before, or by more proxies than any chain has.
  bool IsIn(const HeaderMap& headers) const noexcept;
  // Adds the mark behind those of the proxies before, in one line: some proxies keep but one of several.
  void AddTo(HeaderMap& headers) const;
  std::string_view text() const noexcept { return {text_.data(), text_.size()}; }

 private:
  std::array<char, 25> text_;  // "headgate-" and 64 bits in hexadecimal digits
};

}  // namespace headgate::http
