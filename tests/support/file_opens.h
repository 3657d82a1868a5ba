// How often the files of a directory were opened while somebody worked.
// Owned by a test.
// One thread.
#pragma once

#include <sys/inotify.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <set>
#include <string>
#include <utility>

namespace headgate::support {

class FileOpens {
 public:
  explicit FileOpens(const std::string& directory) : descriptor_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    ::inotify_add_watch(descriptor_, directory.c_str(), IN_OPEN);
  }
  ~FileOpens() { ::close(descriptor_); }
  FileOpens(const FileOpens&) = delete;
  FileOpens& operator=(const FileOpens&) = delete;

  // The names of the files that were opened since the last call.
  std::set<std::string> Take() {
    std::set<std::string> names;
    alignas(inotify_event) char buffer[16 * 1024];
    for (ssize_t bytes = 0; (bytes = ::read(descriptor_, buffer, sizeof(buffer))) > 0;) {
      for (ssize_t at = 0; at < bytes;) {
        inotify_event event{};
        std::memcpy(&event, buffer + at, sizeof(event));
        if (event.len > 0) names.insert(buffer + at + sizeof(event));
        at += static_cast<ssize_t>(sizeof(event) + event.len);
      }
    }
    return names;
  }

 private:
  int descriptor_;
};

}  // namespace headgate::support
