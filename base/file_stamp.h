// What the file system says of a file without reading it: changes whenever its content may have.
// A value.
// Any thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"

namespace headgate::base {

class FileStamp {
 public:
  // Of a file that nobody has looked at.
  FileStamp() = default;
  // Taken before the file is read: one that is written to meanwhile then shows it at the next look. A missing file has
  // a stamp, too. Links are followed.
  static FileStamp Of(const std::string& path, WallTime now);

  // Whether the content that was read after this stamp was taken is still there, as `later` shows. A file may change
  // twice within one tick of its file system's clock: what had just been written when this was taken proves nothing.
  bool Holds(const FileStamp& later) const noexcept { return settled_ && SameAs(later); }
  bool SameAs(const FileStamp& other) const noexcept;

 private:
  struct Moment {
    int64_t seconds = 0;
    int64_t nanoseconds = 0;
    bool operator==(const Moment&) const = default;
  };
  bool exists_ = false;
  bool settled_ = false;
  uint64_t device_ = 0;
  uint64_t inode_ = 0;
  int64_t bytes_ = 0;
  Moment changed_;
  Moment written_;
};

}  // namespace headgate::base
