#include "control/files/file_source.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/memory/memory.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace headgate::control {
namespace {

namespace fs = std::filesystem;

// How long a command, or the start, waits for whoever writes its configuration into a pipe.
constexpr std::chrono::milliseconds kPipeWait{5'000};
constexpr int kReadsMax = 5;
constexpr size_t kPassedOverMax = 100;
constexpr size_t kReadStep = size_t{64} << 10U;

absl::Status Failure(const std::string& path, int error) {
  return absl::ErrnoToStatus(error, absl::StrCat("cannot read ", path));
}

bool IsConfigurationName(const std::string& name) {
  return name.size() > 5 && name.ends_with(".yaml") && name.front() != '.';
}

// Somebody may have meant it as configuration. Hidden files and editors' backups (x.yaml~, x.yaml.bak) are none.
bool LooksLikeConfiguration(const std::string& name) {
  if (name.starts_with('.') || IsConfigurationName(name)) return false;
  const std::string lower = absl::AsciiStrToLower(name);
  return lower.ends_with(".yaml") || lower.ends_with(".yml") || lower.ends_with(".json");
}

bool FolderHoldsYaml(const fs::path& folder) {
  constexpr int kLookedAtMax = 1000;
  std::error_code error;
  int looked_at = 0;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string lower = absl::AsciiStrToLower(at->path().filename().string());
    const bool hidden = lower.starts_with('.');
    if (!hidden && (lower.ends_with(".yaml") || lower.ends_with(".yml"))) return true;
    if (hidden) at.disable_recursion_pending();
    if (++looked_at >= kLookedAtMax) break;
  }
  return false;
}

// Empty: nothing to tell of.
std::string PassedOver(const fs::directory_entry& entry) {
  std::string name = entry.path().filename().string();
  std::error_code error;
  if (!entry.is_directory(error)) return LooksLikeConfiguration(name) ? name : std::string();
  return !name.starts_with('.') && FolderHoldsYaml(entry.path()) ? name + "/" : std::string();
}

// Absolute, with its links left in it: any of them may be switched to another folder at any time. Only what stands
// before a ".." is resolved, for that leads to the parent of a link's target.
fs::path Anchored(const fs::path& path) {
  fs::path anchored;
  for (const fs::path& part : fs::absolute(path)) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      anchored /= part;
      continue;
    }
    std::error_code error;
    const fs::path real = fs::canonical(anchored, error);
    anchored = (error ? anchored : real).parent_path();
  }
  return anchored;
}

// Links may lead to another place of the directory (that is how a mounted one is swapped), never out of it. `directory`
// has no links in it.
bool StaysInside(const fs::path& file, const fs::path& directory) {
  std::error_code error;
  const fs::path real = fs::canonical(file, error);
  if (error) return true;  // reading it says what is wrong
  const auto [end, ignored] = std::mismatch(directory.begin(), directory.end(), real.begin(), real.end());
  return end == directory.end();
}

// A removed key of a ConfigMap leaves its link behind for a moment: `..data` was swapped already.
bool IsGone(const fs::path& file, const fs::path& directory) {
  std::error_code error;
  if (fs::symlink_status(file, error).type() == fs::file_type::not_found) return true;
  const fs::path target = fs::read_symlink(file, error);
  return !error && *target.begin() == kDataLink && fs::is_directory(directory / kDataLink, error) &&
         fs::status(file, error).type() == fs::file_type::not_found;
}

// After the text was read: one that was written to meanwhile shows it.
FileIdentity IdentityOf(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return {};
  const auto since_1970 =
      std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec);
  return {.inode = status.st_ino, .written = base::WallTime(since_1970)};
}

class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

// Until there is something to read, or whoever wrote has left. False at the deadline.
bool WaitReadable(int descriptor, base::Instant deadline) {
  const base::Duration rest = std::max(deadline - base::SystemClock().Now(), base::Duration(0));
  pollfd waited = {descriptor, POLLIN, 0};
  return ::poll(&waited, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(rest).count())) > 0;
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t bytes_max, std::chrono::milliseconds pipe_wait) {
  const base::Instant deadline = base::SystemClock().Now() + pipe_wait;
  // Without O_NONBLOCK a named pipe would hold us up for ever.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return Failure(path, errno);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return Failure(path, errno);
  if (S_ISDIR(status.st_mode)) return Failure(path, EISDIR);
  std::string text;
  // A pipe is at its end, too, before anybody has opened it to write.
  if (S_ISFIFO(status.st_mode) && !WaitReadable(file.get(), deadline)) return Failure(path, ETIMEDOUT);
  if (status.st_size > 0) text.reserve(std::min<size_t>(static_cast<size_t>(status.st_size) + 1, bytes_max));
  while (text.size() <= bytes_max) {
    const size_t before = text.size();
    text.resize(before + std::min(kReadStep, bytes_max + 1 - before));
    const ssize_t got = ::read(file.get(), text.data() + before, text.size() - before);
    text.resize(before + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && errno == EAGAIN && WaitReadable(file.get(), deadline)) continue;
    if (got < 0 && errno != EINTR) return Failure(path, errno == EAGAIN ? ETIMEDOUT : errno);
    if (got == 0) break;
  }
  return text;
}

absl::StatusOr<std::unique_ptr<FileSource>> FileSource::Open(const std::string& path) {
  std::error_code error;
  // Paths to files start at the working directory then.
  if (path == "-") return absl::WrapUnique(new FileSource(kStandardInput, fs::current_path(error).string(), false));
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) {
    return absl::NotFoundError(
        absl::StrCat("no configuration at '", path, "': ", std::strerror(error ? error.value() : ENOENT)));
  }
  const bool is_directory = fs::is_directory(status);
  const fs::path anchored = Anchored(path);
  const std::string directory = (is_directory ? anchored : anchored.parent_path()).string();
  return absl::WrapUnique(new FileSource(path, directory, is_directory));
}

config::UnitSetOptions FileSource::unit_options() const {
  return {.main_name = is_directory_ ? kMainFileName : path_, .directory = directory_, .confined = is_directory_};
}

std::string FileSource::Version() const {
  std::error_code error;
  const fs::path real = fs::canonical(directory_, error);
  return absl::StrCat(real.string(), "|", fs::read_symlink(real / kDataLink, error).string());
}

absl::StatusOr<FileSource::Content> FileSource::ReadDirectory() const {
  std::vector<std::string> names;
  Content content;
  std::error_code error;
  for (fs::directory_iterator at(directory_, error), end; !error && at != end; at.increment(error)) {
    std::string name = at->path().filename().string();
    if (IsConfigurationName(name)) {
      names.push_back(std::move(name));
    } else if (std::string passed = PassedOver(*at); !passed.empty() && content.passed_over.size() < kPassedOverMax) {
      content.passed_over.push_back(std::move(passed));
    }
  }
  if (error) return Failure(path_, error.value());
  if (names.size() > kFilesMax) {
    return absl::ResourceExhaustedError(absl::StrCat(path_, " holds more than ", kFilesMax, " files"));
  }
  std::sort(names.begin(), names.end());
  const fs::path real = fs::canonical(directory_, error);
  std::sort(content.passed_over.begin(), content.passed_over.end());
  for (const std::string& name : names) {
    const std::string path = absl::StrCat(directory_, "/", name);
    absl::StatusOr<std::string> text = absl::InvalidArgumentError(absl::StrCat("a link that leads out of ", path_));
    if (StaysInside(path, real)) text = ReadFile(path, kFileBytesMax);
    config::Unit unit{.id = name, .kind = name == kMainFileName ? config::UnitKind::kMain : config::UnitKind::kRoutes};
    if (text.ok()) {
      unit.text = *std::move(text);
    } else if (!IsGone(path, directory_)) {
      unit.problem = std::string(text.status().message());
    } else {
      continue;
    }
    content.units.push_back(std::move(unit));
    content.identities.push_back(IdentityOf(path));
  }
  return content;
}

absl::StatusOr<FileSource::Content> FileSource::Read(std::chrono::milliseconds pipe_wait) {
  if (read_once_) return *read_once_;
  absl::StatusOr<Content> content = Content{};
  for (int i = 0; i < kReadsMax; ++i) {
    const std::string version = Version();
    if (is_directory_) {
      content = ReadDirectory();
    } else if (absl::StatusOr<std::string> text = ReadFile(path_, kFileBytesMax, pipe_wait); text.ok()) {
      content = Content{.units = {{path_, *std::move(text), config::UnitKind::kMain}},
                        .identities = {IdentityOf(path_)},
                        .passed_over = {}};
    } else {
      content = text.status();
    }
    if (version == Version()) break;
  }
  std::error_code error;
  if (content.ok() && !is_directory_ && fs::is_other(fs::status(path_, error))) read_once_ = *content;
  return content;
}

absl::StatusOr<Source::Answer> FileSource::Ask(Trigger why) {
  auto content = Read(why == Trigger::kStart ? kPipeWait : std::chrono::milliseconds(0));
  if (!content.ok()) return content.status();
  if (why == Trigger::kWatch && !settling_.IsSettled(content->units, content->identities)) {
    return Answer{.offer = {}, .again = Settling::kSecondLook};
  }
  settling_.Take(content->units, content->identities);
  return Answer{.offer = Offer{std::move(content->units), std::move(content->passed_over)}};
}

std::string StampOf(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return {};
  return absl::StrCat(status.st_ino, "|", status.st_size, "|", status.st_ctim.tv_sec, ".", status.st_ctim.tv_nsec, "|",
                      status.st_mtim.tv_sec, ".", status.st_mtim.tv_nsec);
}

}  // namespace headgate::control
