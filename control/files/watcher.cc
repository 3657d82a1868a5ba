#include "control/files/watcher.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstring>
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

constexpr uint32_t kEvents =
    IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_ONLYDIR;
constexpr size_t kEventBytes = 16 * 1024;

// What matters in one directory.
struct Interest {
  bool yaml = false;
  std::set<std::string, std::less<>> names;

  bool Concerns(std::string_view name) const {
    if (name == kDataLink || names.contains(name)) return true;
    return yaml && name.ends_with(".yaml") && !name.starts_with('.');
  }
};

void AddFile(const fs::path& file, std::map<std::string, Interest>& wanted) {
  wanted[file.parent_path().string()].names.insert(file.filename().string());
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
  std::map<std::string, Interest> wanted;
  if (!directory.empty()) wanted[directory].yaml = true;
  for (const std::string& file : files) {
    std::error_code error;
    const fs::path path = fs::absolute(file, error);
    if (error) continue;
    AddFile(path, wanted);
    const fs::path real = fs::canonical(path, error);
    if (!error && real != path) AddFile(real, wanted);
  }
  const int inotify = impl_->stream.native_handle();
  // Two paths may lead to one directory, which then has one descriptor.
  std::map<int, Interest> interests;
  for (auto& [folder, interest] : wanted) {
    const int descriptor = ::inotify_add_watch(inotify, folder.c_str(), kEvents);
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
