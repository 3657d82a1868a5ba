// Tells when the configuration's files may have changed: at once for a rename (a `..data` swap), after 50 ms of quiet
// for a file that is being written. Who it tells looks again every few seconds besides: not every file system tells.
// Owned by the control plane's wiring. One thread: the one that runs its io_context.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace headgate::control {

class Watcher {
 public:
  static constexpr std::chrono::milliseconds kQuiet{50};

  /// `changed` runs on the io_context's thread.
  Watcher(boost::asio::io_context& io, std::function<void()> changed);
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  /// Replaces what is watched: every *.yaml of `directory` (empty: none), these files, and every name on the way to
  /// them: a link or a folder above may be switched. Directories that are not there are left to the next call.
  /// True when a directory is watched from now on that was not before: what happened in it until now told nobody.
  bool Watch(const std::string& directory, const std::vector<std::string>& files);

  /// False when the kernel gave no inotify instance: then polling is all there is.
  bool works() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headgate::control
