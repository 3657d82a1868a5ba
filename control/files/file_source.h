// The configuration's files as they are now: one file, or the *.yaml files of a directory.
// Owned by the pipeline, or by a command that reads once.
// One thread: the one that compiles.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "config/units.h"
#include "control/files/settling.h"
#include "control/source.h"

namespace headgate::control {

inline constexpr char kMainFileName[] = "headgate.yaml";
inline constexpr char kStandardInput[] = "/dev/stdin";

class FileSource final : public Source {
 public:
  // Larger files are handed over cut: the reader of the configuration refuses them by their size.
  static constexpr size_t kFileBytesMax = size_t{64} << 20U;
  static constexpr size_t kFilesMax = 20'000;

  /// `path` names a file, or a directory with headgate.yaml and others in it; "-" is standard input. NotFound when
  /// there is neither.
  static absl::StatusOr<std::unique_ptr<FileSource>> Open(const std::string& path);

  /// What is being rewritten in place is not handed over before it has settled, unless somebody asks for it.
  absl::StatusOr<Answer> Ask(Trigger why) override;

  struct Content {
    std::vector<config::Unit> units;
    std::vector<FileIdentity> identities;  // as units
    std::vector<std::string> passed_over;
  };
  /// All of one state: when a `..data` link, or one above, is switched meanwhile, it reads again. `pipe_wait`: see
  /// ReadFile. An only file that cannot be read is an error; one of a directory has its Unit::problem. What is no file
  /// (a pipe) can be read once only: its content stays what it was.
  absl::StatusOr<Content> Read(std::chrono::milliseconds pipe_wait = {});

  config::UnitSetOptions unit_options() const override;
  const std::string& path() const { return path_; }
  bool is_directory() const { return is_directory_; }
  /// Absolute. Links are left in it: each read follows them anew.
  const std::string& directory() const { return directory_; }

 private:
  FileSource(std::string path, std::string directory, bool is_directory)
      : path_(std::move(path)), directory_(std::move(directory)), is_directory_(is_directory) {}
  absl::StatusOr<Content> ReadDirectory() const;
  std::string Version() const;  // where the links lead now

  std::string path_;  // as given
  std::string directory_;
  bool is_directory_;
  std::optional<Content> read_once_;
  base::SystemClock clock_;
  Settling settling_{clock_};
};

/// What a ConfigMap mounts its current version as.
inline constexpr char kDataLink[] = "..data";

/// The whole of a file, at most `bytes_max` and one byte (so that a reader sees that it is too large). Of a pipe or a
/// terminal all that comes within `pipe_wait`; it is an error when there is more to wait for then.
absl::StatusOr<std::string> ReadFile(const std::string& path, size_t bytes_max,
                                     std::chrono::milliseconds pipe_wait = {});

/// Changes whenever the file's content may have; a missing file has a stamp, too.
std::string StampOf(const std::string& path);

}  // namespace headgate::control
