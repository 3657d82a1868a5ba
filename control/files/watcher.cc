#include "control/files/watcher.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstring>
#include <deque>
#include <filesystem>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "control/files/file_source.h"

namespace headgate::control {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

constexpr uint32_t kNameEvents = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR;
constexpr uint32_t kEvents = kNameEvents | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB;
constexpr int kLinksMax = 40;  // as the kernel
constexpr size_t kEventBytes = 16 * 1024;

// What matters in one directory.
struct Interest {
  bool yaml = false;
  bool contents = false;  // of what lies in it; false: only which links and folders have the names
  std::set<std::string, std::less<>> names;

  bool Concerns(std::string_view name) const {
    if (name == kDataLink || names.contains(name)) return true;
    return yaml && name.ends_with(".yaml") && !name.starts_with('.');
  }
};

using Wanted = std::map<std::string, Interest>;  // by folder, without links in its path

// Each name on the way to `path`, links' targets included, is watched in the folder that has it: it may be switched.
// Returns where the way ends.
fs::path AddWay(const fs::path& path, Wanted& wanted) {
  fs::path at = "/";
  std::deque<fs::path> rest(path.begin(), path.end());
  for (int links = 0; !rest.empty() && links < kLinksMax;) {
    const fs::path name = std::move(rest.front());
    rest.pop_front();
    if (name.empty() || name == "." || name == "/") continue;
    if (name == "..") {
      at = at.parent_path();
      continue;
    }
    wanted[at.string()].names.insert(name.string());
    std::error_code error;
    const fs::path target = fs::read_symlink(at / name, error);
    if (error) {
      at /= name;
      continue;
    }
    ++links;
    if (target.is_absolute()) at = "/";
    rest.insert(rest.begin(), target.begin(), target.end());
  }
  return at;
}

void AddFile(const fs::path& file, Wanted& wanted) {
  const fs::path real = AddWay(file, wanted);
  wanted[real.parent_path().string()].contents = true;
}

void AddFolder(const fs::path& folder, Wanted& wanted) {
  Interest& interest = wanted[AddWay(folder, wanted).string()];
  interest.yaml = true;
  interest.contents = true;
}

}  // namespace

struct Watcher::Impl {
  Impl(asio::io_context& io, std::function<void()> told) : changed(std::move(told)), stream(io), quiet(io) {
    const int descriptor = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (descriptor < 0) return;
    stream.assign(descriptor);
    Read();
  }

  void Read() {
    stream.async_read_some(asio::buffer(buffer), [this](const boost::system::error_code& error, size_t bytes) {
      if (error) return;
      Digest(bytes);
      Read();
    });
  }

  void Digest(size_t bytes) {
    bool at_once = false;
    bool concerns = false;
    for (size_t at = 0; at + sizeof(inotify_event) <= bytes;) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof(event));
      const char* name = event.len > 0 ? buffer.data() + at + sizeof(event) : "";
      at += sizeof(event) + event.len;
      if ((event.mask & IN_IGNORED) != 0) interests.erase(event.wd);
      const auto known = interests.find(event.wd);
      const bool lost = (event.mask & IN_Q_OVERFLOW) != 0;
      if (!lost && (known == interests.end() || !known->second.Concerns(name))) continue;
      concerns = true;
      at_once = at_once || (event.mask & IN_MOVED_TO) != 0;
    }
    if (at_once) {
      Tell();
    } else if (concerns) {
      Wait();
    }
  }

  void Wait() {
    quiet.expires_after(kQuiet);
    quiet.async_wait([this](const boost::system::error_code& error) {
      if (!error) Tell();
    });
  }

  void Tell() {
    quiet.cancel();
    changed();
  }

  std::function<void()> changed;
  asio::posix::stream_descriptor stream;
  asio::steady_timer quiet;
  std::map<int, Interest> interests;  // by watch descriptor
  alignas(inotify_event) std::array<char, kEventBytes> buffer{};
};

Watcher::Watcher(asio::io_context& io, std::function<void()> changed)
    : impl_(std::make_unique<Impl>(io, std::move(changed))) {}

Watcher::~Watcher() = default;

bool Watcher::works() const { return impl_->stream.is_open(); }

bool Watcher::Watch(const std::string& directory, const std::vector<std::string>& files) {
  if (!works()) return false;
  Wanted wanted;
  if (!directory.empty()) AddFolder(fs::absolute(directory), wanted);
  for (const std::string& file : files) AddFile(fs::absolute(file), wanted);
  const int inotify = impl_->stream.native_handle();
  // Two paths may lead to one directory, which then has one descriptor.
  std::map<int, Interest> interests;
  for (auto& [folder, interest] : wanted) {
    const int descriptor = ::inotify_add_watch(inotify, folder.c_str(), interest.contents ? kEvents : kNameEvents);
    if (descriptor < 0) continue;
    Interest& merged = interests[descriptor];
    merged.yaml = merged.yaml || interest.yaml;
    merged.names.merge(interest.names);
  }
  for (const auto& [descriptor, interest] : impl_->interests) {
    if (!interests.contains(descriptor)) ::inotify_rm_watch(inotify, descriptor);
  }
  const bool more = std::any_of(interests.begin(), interests.end(),
                                [this](const auto& entry) { return !impl_->interests.contains(entry.first); });
  impl_->interests = std::move(interests);
  return more;
}

}  // namespace headgate::control
