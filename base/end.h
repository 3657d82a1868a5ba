// Whether a piece is the last one of its message. A value.
// Owned by nobody: passed by value.
// Any thread.
#pragma once

namespace headgate::base {

enum class End : bool {
  kNo,   // more may follow
  kYes,  // the message is complete
};

constexpr End EndIf(bool last) noexcept { return last ? End::kYes : End::kNo; }

}  // namespace headgate::base
