// Whether files that are rewritten in place have been written to their end.
// Owned by a FileSource.
// One thread: the one that compiles.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "config/unit.h"

namespace headgate::control {

/// The file behind a name when it was read.
struct FileIdentity {
  uint64_t inode = 0;
  base::WallTime written;
};

class Settling {
 public:
  /// A file that was written to in place within this time may be half of itself, or empty: it is read again later.
  static constexpr std::chrono::milliseconds kSettled{50};
  static constexpr std::chrono::milliseconds kSecondLook{20};
  /// A file that is emptied is about to be written, as a rule: its writer may be held up on a busy machine.
  static constexpr std::chrono::seconds kEmptied{2};

  explicit Settling(const base::Clock& clock) : clock_(clock) {}

  /// `identities`: as units. False: look again after kSecondLook.
  bool IsSettled(const std::vector<config::Unit>& units, const std::vector<FileIdentity>& identities);
  /// These are taken, settled or not: later looks compare with them.
  void Take(const std::vector<config::Unit>& units, const std::vector<FileIdentity>& identities);

 private:
  struct Seen {
    uint64_t inode = 0;
    std::string digest;
  };

  const base::Clock& clock_;
  std::map<std::string, Seen> seen_;  // the texts that were taken last, by id
  std::string candidate_;             // what was rewritten in place and waits for a second look
  base::Instant candidate_since_;
};

}  // namespace headgate::control
