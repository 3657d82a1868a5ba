#include "base/file_stamp.h"

#include <sys/stat.h>

namespace headgate::base {
namespace {

// Longer than a tick of any file system's clock but FAT's.
constexpr Duration kSettled = std::chrono::seconds(1);

}  // namespace

FileStamp FileStamp::Of(const std::string& path, WallTime now) {
  FileStamp stamp;
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return stamp;
  stamp.exists_ = true;
  stamp.device_ = status.st_dev;
  stamp.inode_ = status.st_ino;
  stamp.bytes_ = status.st_size;
  stamp.changed_ = {status.st_ctim.tv_sec, status.st_ctim.tv_nsec};
  stamp.written_ = {status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
  const WallTime changed(std::chrono::seconds(stamp.changed_.seconds) +
                         std::chrono::nanoseconds(stamp.changed_.nanoseconds));
  stamp.settled_ = now - changed > kSettled;
  return stamp;
}

bool FileStamp::SameAs(const FileStamp& other) const noexcept {
  return exists_ == other.exists_ && device_ == other.device_ && inode_ == other.inode_ && bytes_ == other.bytes_ &&
         changed_ == other.changed_ && written_ == other.written_;
}

}  // namespace headgate::base
