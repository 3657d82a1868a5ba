// A regular expression over bytes with linear time (RE2 behind it, which only this folder knows): a dot is any byte.
// Shared by the routes that use it: const.
// Any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/arena.h"

namespace headgate::routing {

class Regex {
 public:
  // Compiles with a bound on the program's memory. The error is a sentence for the author of the pattern.
  static absl::StatusOr<std::shared_ptr<const Regex>> Compile(std::string_view pattern);
  ~Regex();
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;

  // Whether the whole text matches.
  bool FullMatch(std::string_view text) const noexcept;
  // `text` with its first match replaced by `substitution` (RE2's \0 to \9); none when nothing matched.
  std::optional<std::string_view> Replace(std::string_view text, std::string_view substitution,
                                          base::Arena& arena) const noexcept;
  // Whether the substitution's groups exist in this pattern.
  absl::Status CheckSubstitution(std::string_view substitution) const;
  const std::string& pattern() const noexcept { return pattern_; }
  // What every matching text begins with: a cheap way to say no.
  const std::string& literal_prefix() const noexcept { return literal_prefix_; }

 private:
  struct Impl;
  explicit Regex(std::string pattern, std::unique_ptr<Impl> impl) noexcept;
  void FindLiteralPrefix();
  std::string pattern_;
  std::string literal_prefix_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headgate::routing
